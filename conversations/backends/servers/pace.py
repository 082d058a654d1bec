"""Reading many streams at once in few steps: what arrives meanwhile is read together.

One reply is read as it comes. With hundreds each token would wake its reply, its relay and its readers, which costs
more than the token; the more streams there are, the longer each rests between two reads, up to LONGEST. What arrives
meanwhile stays with the kernel, so that one system call takes it all.
"""

from __future__ import annotations

import asyncio
from collections import deque

LONGEST = 0.09  # seconds
PER_STREAM = 0.0004  # seconds; about 200 streams reach the longest
SHORTEST = 0.004  # seconds; less is not worth a timer
TOGETHER = 0.002  # seconds; who is due so soon goes on with the others
BEGINNING = 3  # reads without a rest, so that the first words come at once


class Pace:
    """Of one stream. Close it with the stream."""

    __slots__ = ("_open", "_reads")

    def __init__(self, open_streams: OpenStreams):
        self._open = open_streams
        self._open.count_by(1)
        self._reads = 0

    def rest(self, transport: asyncio.ReadTransport | None) -> None:
        """After a read: nothing is received before the next one is worth while."""
        self._reads += 1
        if self._reads > BEGINNING and transport is not None and self._open.pause >= SHORTEST:
            self._open.rest(transport)

    def close(self) -> None:
        self._open.count_by(-1)


class OpenStreams:
    """All streams of one event loop, and those that rest, in the order in which they go on; one timer for all."""

    def __init__(self) -> None:
        self.count = 0
        self.pause = 0.0
        """Seconds between two reads of one stream."""
        self._loop = asyncio.get_running_loop()
        self._resting: deque[tuple[float, asyncio.ReadTransport]] = deque()

    def count_by(self, more: int) -> None:
        self.count += more
        self.pause = min(LONGEST, self.count * PER_STREAM)

    def begin(self) -> Pace:
        return Pace(self)

    def rest(self, transport: asyncio.ReadTransport) -> None:
        if transport.is_closing() or not transport.is_reading():
            return
        transport.pause_reading()
        if not self._resting:
            self._loop.call_later(self.pause, self._go_on)
        self._resting.append((self._loop.time() + self.pause, transport))

    def _go_on(self) -> None:
        """Read those again that have rested long enough. A pause that became shorter is a little late, no more."""
        now = self._loop.time() + TOGETHER
        try:
            while self._resting and self._resting[0][0] <= now:
                _, transport = self._resting.popleft()
                if not transport.is_closing():
                    transport.resume_reading()
        finally:  # whatever becomes of one stream, the others go on
            if self._resting:
                self._loop.call_at(self._resting[0][0], self._go_on)
