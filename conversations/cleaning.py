"""Text that every database and every browser takes: no NUL, no half of a character; and numbers made of text."""

from __future__ import annotations

import re

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_LONE = re.compile("[\ud800-\udfff\0]")
_MOST_DIGITS = 18  # what the databases keep in a key; Python refuses to read more than some thousands


def clean(text: str) -> str:
    """Join split surrogates; replace lone ones and NUL by U+FFFD."""
    if not _LONE.search(text):
        return text
    joined = _PAIR.sub(lambda pair: pair.group().encode("utf-16", "surrogatepass").decode("utf-16"), text)
    return _LONE.sub(_REPLACEMENT, joined)


def whole_number(text: str) -> int | None:
    """The key that a form or an address names; None for what can be none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None


class Cleaner:
    """`clean` for text that comes in pieces: a character may be cut in two between them."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        text = self._held + text
        self._held = text[-1] if text and "\ud800" <= text[-1] <= "\udbff" else ""
        return clean(text[: len(text) - len(self._held)])

    def finish(self) -> str:
        held, self._held = self._held, ""
        return clean(held)
