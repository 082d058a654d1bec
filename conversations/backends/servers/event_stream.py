"""Server-sent events, from bytes to payloads: no I/O, so that it can be tested at every split.

https://html.spec.whatwg.org/multipage/server-sent-events.html, and what model servers do beyond it.
"""

from __future__ import annotations

MAX_EVENT = 4_000_000  # bytes; a server that never ends its line must not fill the memory

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventTooLong(ValueError):
    """One event grew beyond MAX_EVENT bytes."""


class EventStreamDecoder:
    """Bytes in, as the network cuts them; the payloads of whole events out, as bytes (decoding is the reader's).

    Beyond the standard it takes errors as servers write them in mid-stream: a bare line of JSON, and
    llama.cpp's `error: {…}`, which becomes the payload {"error": {…}}.
    """

    def __init__(self) -> None:
        self._line: list[bytes] = []  # the pieces of a line whose end has not come yet
        self._event: list[bytes] = []  # the data lines of an event whose blank line has not come yet
        self._size = 0
        self._is_first = True

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that `data` completes. Raises EventTooLong."""
        if self._size > MAX_EVENT:
            raise EventTooLong
        if not self._line and not self._event and data[:6] == b"data: " and data[-2:] == b"\n\n":
            payloads = data[6:-2].split(b"\n\ndata: ")
            if (
                data.count(b"\n") == 2 * len(payloads) and b"\r" not in data
            ):  # whole events of one line each: nearly all
                self._is_first, self._size = False, 0
                return payloads
        self._size += len(data)
        first, *others = data.split(b"\n")
        self._line.append(first)
        if not others:
            return []
        payloads = []
        self._end_line(b"".join(self._line), payloads)
        for line in others[:-1]:
            self._end_line(line, payloads)
        self._line = [others[-1]] if others[-1] else []
        return payloads

    def finish(self) -> list[bytes]:
        """What stood at the end without its line end or blank line: servers forget both."""
        payloads: list[bytes] = []
        self._end_line(b"".join(self._line), payloads)
        self._end_line(b"", payloads)
        self._line = []
        return payloads

    def _end_line(self, line: bytes, payloads: list[bytes]) -> None:
        if self._is_first:
            self._is_first = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if line[-1:] == b"\r":
            line = line[:-1]
        if line[:5] == b"data:":
            self._event.append(line[6:] if line[5:6] == b" " else line[5:])
        elif not line:
            if self._event:
                payloads.append(self._event[0] if len(self._event) == 1 else b"\n".join(self._event))
                self._event = []
            self._size = 0
        elif line.startswith(b"{"):
            payloads.append(line)
        elif line.startswith(b"error:"):
            self._event.append(b'{"error":' + line[6:] + b"}")
