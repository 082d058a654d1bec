"""Chunks that came together and differ in nothing but their text, as one: whoever parses them slowly has less to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from conversations.backends.servers.frame import Frame

# Where httpx's reader ends a line besides, and no one else.
_ESCAPED = {"\x85".encode(): rb"\u0085", "\u2028".encode(): rb"\u2028", "\u2029".encode(): rb"\u2029"}
_LINE_ENDS = re.compile(b"|".join(_ESCAPED))
TEXT_ALONE = {"content", "role"}


class JoinedEvents:
    """Of one reply."""

    def __init__(self) -> None:
        self._frame = Frame()
        self._texts: list[bytes] = []

    def of(self, payloads: Iterable[bytes]) -> bytes:
        """These payloads, in their order, as an event stream."""
        events: list[bytes] = []
        for payload in payloads:
            if text := self._frame.text_in(payload):
                self._texts.append(text.encode())
                continue
            self._end(events)
            events.append(_on_one_line(payload))
            self._learn(payload)
        self._end(events)
        return b"".join(b"data: %b\n\n" % event for event in events)

    def _end(self, events: list[bytes]) -> None:
        if self._texts:
            events.append(self._frame.around(b"".join(self._texts)))
            self._texts = []

    def _learn(self, payload: bytes) -> None:
        """From a chunk that brings text and nothing else. What cannot be read is for whoever gets the events."""
        try:
            chunk = json.loads(payload)
            if not any(value for name, value in chunk["choices"][0]["delta"].items() if name not in TEXT_ALONE):
                self._frame.learn(payload, chunk)
        except (ValueError, RecursionError, TypeError, AttributeError, KeyError, IndexError):
            return


def _on_one_line(payload: bytes) -> bytes:
    """Within JSON these stand between values or in a text, where they may be escaped."""
    payload = payload.replace(b"\n", b" ")
    return payload if payload.isascii() else _LINE_ENDS.sub(lambda end: _ESCAPED[end[0]], payload)
