"""A piece of JSON as Python's values, without holding the other threads up, and however deep it is.

Python's own decoder is fastest, but it lets no other thread run until it is done, and it is recursive. So it gets what
is small and flat; the rest is read token by token.
"""

from __future__ import annotations

import json
import re
from json.decoder import scanstring
from typing import Any

from chatsite.transfer.pieces import Piece

QUICK = 500_000  # bytes: some five milliseconds
FLAT = 200  # levels
_WHITE = re.compile(r"[ \t\n\r]*+")
_NUMBER = re.compile(r"-?\d++(\.\d++)?+([eE][-+]?\d++)?+")
_WORDS = {"true": True, "false": False, "null": None}
_CLOSING = {dict: "}", list: "]"}


def decode(piece: Piece) -> Any:
    """Raises ValueError for what is not JSON."""
    text = piece.text.decode("utf-8-sig")
    if len(piece.text) <= QUICK and piece.depth <= FLAT:
        return json.loads(text)
    return _Reader(text).read()


class _Reader:
    """Open arrays and objects stand on a stack of our own."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._open: list[tuple[dict | list, str]] = []  # with the name of the member that is read

    def read(self) -> Any:
        root: list[Any] = []
        self._open.append((root, ""))
        while self._value() or self._after_value():
            pass
        return root[0]

    def _value(self) -> bool:
        """One value. Whether it is open from now on, so that another follows."""
        sign = self._sign()
        if sign in ("{", "["):
            self._at += 1
            made: dict | list = {} if sign == "{" else []
            self._place(made)
            if self._sign() == _CLOSING[type(made)]:
                self._at += 1
                return False
            self._open.append((made, self._name() if sign == "{" else ""))
            return True
        if sign == '"':
            made_text, self._at = scanstring(self._text, self._at + 1)
            self._place(made_text)
        else:
            self._place(self._atom())
        return False

    def _after_value(self) -> bool:
        """Whether another value follows, at whatever level; False at the end."""
        while len(self._open) > 1:
            container, _name = self._open[-1]
            sign = self._sign()
            self._at += 1
            if sign == ",":
                if isinstance(container, dict):
                    self._open[-1] = container, self._name()
                return True
            if sign != _CLOSING[type(container)]:
                raise ValueError(f"unexpected at {self._at}")
            self._open.pop()
        if self._sign():
            raise ValueError(f"more at {self._at}")
        return False

    def _place(self, value: Any) -> None:
        container, name = self._open[-1]
        if isinstance(container, dict):
            container[name] = value
        else:
            container.append(value)

    def _name(self) -> str:
        if self._sign() != '"':
            raise ValueError(f"no name at {self._at}")
        name, self._at = scanstring(self._text, self._at + 1)
        if self._sign() != ":":
            raise ValueError(f"no colon at {self._at}")
        self._at += 1
        return name

    def _atom(self) -> Any:
        for word, value in _WORDS.items():
            if self._text.startswith(word, self._at):
                self._at += len(word)
                return value
        found = _NUMBER.match(self._text, self._at)
        if not found:
            raise ValueError(f"no value at {self._at}")
        self._at = found.end()
        return float(found[0]) if found[1] or found[2] else int(found[0])

    def _sign(self) -> str:
        """The next character that is no white space, not taken yet; nothing at the end."""
        self._at = _WHITE.match(self._text, self._at).end()
        return self._text[self._at : self._at + 1]
