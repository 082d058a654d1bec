"""Reading many streams at once in few steps: what arrives meanwhile is read together.

One reply is read as it comes. With hundreds each token would wake its reply, its relay and its readers, which costs
more than the token; the more streams there are, the longer each waits between two reads, up to LONGEST.
"""

from __future__ import annotations

import asyncio

LONGEST = 0.08  # seconds
PER_STREAM = 0.0004  # seconds; 200 streams reach the longest
SHORTEST = 0.004  # seconds; less is not worth a timer
BEGINNING = 3  # reads without a pause, so that the first words come at once


class Pace:
    """Of one stream. Close it with the stream."""

    __slots__ = ("_open", "_reads")

    def __init__(self, open_streams: OpenStreams):
        self._open = open_streams
        self._open.count += 1
        self._reads = 0

    async def wait(self, transport: asyncio.ReadTransport | None) -> None:
        """Until the next read is worth while. What arrives meanwhile stays with the kernel: one read takes it all."""
        self._reads += 1
        pause = self._open.pause
        if self._reads <= BEGINNING or pause < SHORTEST:
            return
        is_open = transport is not None and not transport.is_closing() and transport.is_reading()
        if is_open:
            transport.pause_reading()
        await asyncio.sleep(pause)
        if is_open and not transport.is_closing():
            transport.resume_reading()

    def close(self) -> None:
        self._open.count -= 1


class OpenStreams:
    """How many there are, of one event loop."""

    def __init__(self) -> None:
        self.count = 0

    @property
    def pause(self) -> float:
        """Seconds between two reads of one stream."""
        return min(LONGEST, self.count * PER_STREAM)

    def begin(self) -> Pace:
        return Pace(self)
