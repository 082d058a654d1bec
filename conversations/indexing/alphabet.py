"""The order of names: databases put “Zoo” before “apple” and “Ăn” last."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar
from unicodedata import normalize

from django.utils.translation import get_language

from conversations.indexing.folding import composed, fold

Named = TypeVar("Named")
# In Vietnamese ă, â, đ, ê, ô, ơ and ư are letters of their own, behind those that they are made of; the tones of
# equal letters come in this order: huyền, hỏi, ngã, sắc, nặng (as dictionaries have it).
_LETTERS = {"\u0306": "1", "\u0302": "2", "\u031b": "3"}
_TONES = {"\u0300": "1", "\u0309": "2", "\u0303": "3", "\u0301": "4", "\u0323": "5"}


def by_name(name: str) -> tuple[str, ...]:
    """What to sort by, for the reader's language: without case, then without accents or as the Vietnamese do."""
    if (get_language() or "").partition("-")[0] == "vi":
        return _vietnamese(name.casefold())
    return (fold(composed(name)), name)


def _vietnamese(name: str) -> tuple[str, ...]:
    letters, tones = [], []
    for character in normalize("NFD", name):
        if character in _TONES:
            tones[-1:] = _TONES[character]
        elif character in _LETTERS and letters:
            letters[-1] = letters[-1][0] + _LETTERS[character]
        else:
            letters.append("d1" if character == "đ" else f"{character}0")
            tones.append("0")
    return ("".join(letters), "".join(tones))


def in_order(rows: Iterable[Named]) -> list[Named]:
    """By the order that an administrator gave them, where they have one, then by name."""
    return sorted(rows, key=lambda one: (getattr(one, "order", 0), by_name(one.name)))
