"""From token ids to the text that people see. Pure: knows a decoding function, not torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

INCOMPLETE = "\ufffd"  # what decoders give for the first bytes of a character


class Detokenizer:
    """Gives out text as soon as no later token can change it: a character may take several tokens.

    Each token is decoded together with a few before it, because some tokenizers write the blank before a word only
    when something stands in front.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]):
        self._decode = decode
        self._ids: list[int] = []
        self._context = 0  # where the window that is decoded begins
        self._given = 0  # up to here text was given out

    def add(self, token_id: int) -> str:
        self._ids.append(token_id)
        text = self._new_text()
        if not text or text.endswith(INCOMPLETE):
            return ""
        self._context, self._given = self._given, len(self._ids)
        return text

    def rest(self) -> str:
        """What was held back, once no token follows."""
        text = self._new_text()
        self._given = len(self._ids)
        return text

    def _new_text(self) -> str:
        before = self._decode(self._ids[self._context : self._given])
        return self._decode(self._ids[self._context :])[len(before) :]


class StopStrings:
    """Ends a text before the first of some strings, wherever pieces are cut."""

    def __init__(self, strings: Sequence[str]):
        self._strings = [string for string in strings if string]
        self._held = ""
        self.found = False

    def add(self, text: str) -> str:
        """The text that is certain to stand before any of the strings."""
        if self.found:
            return ""
        text = self._held + text
        places = [place for place in map(text.find, self._strings) if place >= 0]
        if places:
            self.found, self._held = True, ""
            return text[: min(places)]
        safe = len(text) - self._longest_beginning(text)
        self._held = text[safe:]
        return text[:safe]

    def rest(self) -> str:
        held, self._held = self._held, ""
        return held

    def _longest_beginning(self, text: str) -> int:
        """The length of the longest end of `text` with which one of the strings begins."""
        longest = max(map(len, self._strings), default=1) - 1
        return next(
            (
                length
                for length in range(min(longest, len(text)), 0, -1)
                if any(string.startswith(text[-length:]) for string in self._strings)
            ),
            0,
        )
