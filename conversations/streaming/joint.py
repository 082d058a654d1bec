"""Where new text meets the text that it continues, when a model was only asked to go on.

A model that takes the text so far as the beginning of its answer says what follows, white space included. One that
is asked to go on begins a message of its own: without the space or the line break that belongs there, and sometimes
with the last words once more. What was meant cannot be known; here is what reads best most often.
"""

from __future__ import annotations

import re
import unicodedata

WINDOW = 400  # characters at the end of the old text that may be said again
LEAST_REPEATED = 20  # characters; less than that may well be meant
HEAD = 4  # characters that tell whether a list item, a heading or a fence begins

_BLOCK = re.compile(r"(?:[-*+]|\d{1,3}[.)]|#{1,6}) |```|~~~")
_BEFORE_A_SPACE = ".,;:!?)"
_WRITTEN_WITHOUT_SPACES = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")


class Joint:
    """Feed it what the model says; it holds back the beginning until it is clear how that follows `before`."""

    def __init__(self, before: str) -> None:
        self._before = before[-WINDOW:]
        self._is_open = True
        self.held = ""

    def feed(self, text: str) -> str:
        if not self._is_open:
            return text
        self.held += text
        core = self.held.strip()
        is_undecided = len(core) < HEAD or (len(core) < WINDOW and core in self._before)
        return "" if is_undecided else self.finish()

    def finish(self) -> str:
        """What is held, as it is to follow."""
        new, self.held, self._is_open = self.held, "", False
        if not new.strip():
            return ""
        core = new.lstrip()
        for length in range(min(len(core), len(self._before)), LEAST_REPEATED - 1, -1):
            if self._before.endswith(core[:length]):
                return core[length:]
        return self._between(new) + new

    def _between(self, new: str) -> str:
        last, first = self._before[-1:], new[0]
        if not last or last.isspace() or first.isspace():
            return ""
        if _BLOCK.match(new):
            return "\n"
        # The end of a token is the end of a word more often than not: "brown fox" is right more often than "brownfox".
        follows_word = last.isalnum() or last in _BEFORE_A_SPACE
        is_spaced = not (_needs_no_space(last) or _needs_no_space(first))
        return " " if first.isalnum() and follows_word and is_spaced else ""


def _needs_no_space(character: str) -> bool:
    return unicodedata.name(character, "").startswith(_WRITTEN_WITHOUT_SPACES)
