"""Listed words as paths: one for each way to write the same word.

A step is a matcher and what may follow it any number of times without changing the word (stacked accents).
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator

from chatsite.moderation.matching.matchers import FOREIGN_MARK, JOINING, MARK, Among, Letter, Matcher
from chatsite.moderation.matching.units import TONES, VIETNAMESE_MARKS, is_mark, is_word, plain, units_of

Step = tuple[Matcher, Matcher | None]
MOST_PATHS = 32
_VOWELS = "aeiouy"
# Where the tone may stand on either vowel: hòa or hoà, khỏe or khoẻ, thúy or thuý.
_MOVABLE = {("o", "a"), ("o", "e"), ("u", "y")}


def word_paths(text: str, language: str) -> list[tuple[Step, ...]]:
    """All ways to write a word or phrase of this language, at most MOST_PATHS."""
    letters = _letters(text)
    variants = _with_tones_moved(letters) if language == "vi" else [letters]
    paths: list[tuple[Step, ...]] = []
    for variant in variants:
        choices = [letter_paths(bases, marks, language, is_leet=True) for bases, marks in variant]
        for path in itertools.islice(itertools.product(*choices), MOST_PATHS):
            paths.append(tuple(itertools.chain(*path)))
    return paths[:MOST_PATHS]


def letter_paths(bases: frozenset[str], marks: str, language: str, *, is_leet: bool = False) -> list[tuple[Step, ...]]:
    """One letter with its marks; no bases mean the gap between the words of a phrase."""
    if not bases:
        return [((JOINING, JOINING),)]
    base = min(bases)
    latin = plain(base) if "a" <= plain(base) <= "z" else ""
    if language == "en":
        return [((Letter(latin, is_leet) if latin else Among(bases), MARK),)]
    if language == "vi":
        own = "".join(mark for mark in marks if mark in VIETNAMESE_MARKS)
        return _vietnamese(bases, base, latin, own, is_leet)
    return [((Among(bases), None), *((Among(frozenset(mark)), None) for mark in marks))]


def _vietnamese(bases: frozenset[str], base: str, latin: str, marks: str, is_leet: bool) -> list[tuple[Step, ...]]:
    """Its own marks must stand there, in either order; others are disguise, and so is any mark on a consonant."""
    if base == "đ" or not latin:
        first: Matcher = Among(bases)
    else:
        first = Letter(latin, is_leet, but="đ" if latin == "d" else "")
    extra = FOREIGN_MARK if latin in _VOWELS and latin else MARK
    orders = sorted(set(itertools.permutations(marks)))
    return [((first, extra), *((Among(frozenset(mark)), FOREIGN_MARK) for mark in order)) for order in orders]


def _letters(text: str) -> list[tuple[frozenset[str], str]]:
    """Each letter as its base, in both cases (В looks like B, в does not), and its marks. Gaps have no base."""
    letters: list[tuple[frozenset[str], str]] = []
    for character in unicodedata.normalize("NFD", unicodedata.normalize("NFC", text.strip()).lower()):
        for unit in units_of(character):
            if is_mark(unit):
                if letters and letters[-1][0]:
                    letters[-1] = (letters[-1][0], letters[-1][1] + unit)
            elif is_word(unit):
                letters.append((_bases(character, unit), ""))
            elif letters and letters[-1][0]:
                letters.append((frozenset(), ""))
    while letters and not letters[-1][0]:
        letters.pop()
    return letters


def _bases(character: str, unit: str) -> frozenset[str]:
    capital = units_of(character.upper()) if len(character.upper()) == 1 else ""
    return frozenset({unit, capital}) if len(capital) == 1 and len(units_of(character)) == 1 else frozenset({unit})


def _with_tones_moved(letters: list[tuple[frozenset[str], str]]) -> list[list[tuple[frozenset[str], str]]]:
    variants = [letters]
    for place in _movable(letters):
        for variant in list(variants):
            (first, marks), (second, others) = variant[place : place + 2]
            tone = "".join(mark for mark in marks + others if mark in TONES)
            is_on_first = bool(set(marks) & set(TONES))
            moved = [(first, "" if is_on_first else tone), (second, tone if is_on_first else "")]
            variants.append([*variant[:place], *moved, *variant[place + 2 :]])
    return variants[:MOST_PATHS]


def _movable(letters: list[tuple[frozenset[str], str]]) -> Iterator[int]:
    """Places of two vowels of which one has a tone and neither has a shape."""
    for place, ((first, marks), (second, others)) in enumerate(itertools.pairwise(letters)):
        both = marks + others
        is_pair = bool(first and second) and (min(first), min(second)) in _MOVABLE
        if is_pair and len(both) == 1 and both in TONES:
            yield place
