"""Large JSON, one chat at a time: finds where each begins and ends, whatever the size of the whole.

A parser of the whole would hold it in memory, or end at the first error. This looks at quotes and brackets alone: a
chat that is broken within is a piece like any other, and its neighbours are not touched. What is too large, of more
values than any chat has, or nested too deeply is passed over without being kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

MOST_DEPTH = 4_000  # LibreChat nests a message within the one before, two levels each
# A value takes up to a hundred times its bytes as a Python object. Thousands of messages have no more in any export.
MOST_VALUES = 300_000
# A whole string, or the beginning of one that goes on in the next bytes, or a bracket.
_SIGN = re.compile(rb'"[^"\\]*+(?:\\(?s:.)[^"\\]*+)*+"|["{}\[\]]')
_STRING_END = re.compile(rb'["\\]')


@dataclass(frozen=True, slots=True)
class Piece:
    """The text of one value, or why it was passed over. `end` is how many bytes of the whole were read by then."""

    text: bytes
    end: int
    depth: int = 0
    problem: Literal["", "large", "deep", "cut"] = ""


@dataclass
class Splitter:
    """Feed it bytes. At the top level an array counts for what it holds; values may follow each other (JSON Lines)."""

    most: int
    """Bytes of one piece."""
    _text: bytearray = field(default_factory=bytearray)
    _depth: int = 0
    _deepest: int = 0
    _values: int = 0
    _is_in_string: bool = False
    _is_escaped: bool = False
    _has_array: bool = False
    _problem: Literal["", "large", "deep"] = ""
    _read: int = 0

    def feed(self, data: bytes) -> Iterator[Piece]:
        at, begin = self._pass_string(data, 0), 0
        while not self._is_in_string and (found := _SIGN.search(data, at)):
            self._count_commas(data, at, found.start())
            sign, at = found[0], found.end()
            if sign == b'"':
                self._is_in_string = True
                at = self._pass_string(data, at)
            elif sign in (b"{", b"["):
                if not self._depth:
                    if sign == b"[" and not self._has_array:
                        self._has_array = True
                        continue
                    begin = found.start()
                self._deepen()
            elif sign in (b"}", b"]"):
                if self._depth == 1:
                    self._keep(data[begin:at])
                    yield self._taken(self._read + at)
                elif not self._depth:
                    self._has_array = False
                self._depth = max(self._depth - 1, 0)
        if self._depth:
            self._count_commas(data, at, len(data))
            self._keep(data[begin:])
        self._read += len(data)

    def finish(self) -> Iterator[Piece]:
        """What was begun and has no end."""
        if self._depth:
            yield Piece(b"", self._read, self._deepest, "cut")

    def _pass_string(self, data: bytes, at: int) -> int:
        """Where the string ends that is open, or the data."""
        if not self._is_in_string:
            return at
        if self._is_escaped and data:
            self._is_escaped, at = False, at + 1
        while found := _STRING_END.search(data, at):
            at = found.end()
            if found[0] == b'"':
                self._is_in_string = False
                return at
            at += 1
            self._is_escaped = at > len(data)
        return len(data)

    def _deepen(self) -> None:
        self._depth += 1
        self._deepest = max(self._deepest, self._depth)
        self._count(1)
        if self._depth > MOST_DEPTH:
            self._pass_over("deep")

    def _count_commas(self, data: bytes, start: int, end: int) -> None:
        """Where no string is; one that is open goes on to the end of the data."""
        if self._depth and not self._is_in_string:
            self._count(data.count(b",", start, end))

    def _count(self, values: int) -> None:
        """Each comma and each opening bracket begins one more."""
        self._values += values
        if self._values > MOST_VALUES:
            self._pass_over("large")

    def _pass_over(self, problem: Literal["large", "deep"]) -> None:
        if not self._problem:
            self._problem, self._text = problem, bytearray()

    def _keep(self, data: bytes) -> None:
        if self._problem:
            return
        if len(self._text) + len(data) > self.most:
            self._pass_over("large")
        else:
            self._text += data

    def _taken(self, end: int) -> Piece:
        piece = Piece(bytes(self._text), end, self._deepest, self._problem)
        self._text, self._deepest, self._values, self._problem = bytearray(), 0, 0, ""
        return piece


def pieces(chunks: Iterable[bytes], most: int) -> Iterator[Piece]:
    splitter = Splitter(most)
    for chunk in chunks:
        yield from splitter.feed(chunk)
    yield from splitter.finish()
