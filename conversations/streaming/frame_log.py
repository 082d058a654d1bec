"""The frames of one reply that its readers may still need, newest last, and the bell that rings for each."""

from __future__ import annotations

import asyncio
from collections import deque

from django.conf import settings

from conversations.streaming.frames import HEARTBEAT, Cursor

LOG_BYTES = 2_000  # some twenty short frames; Python's own part of them is twice that. Who falls behind is caught up


class FrameLog:
    """About LOG_BYTES at most, and always the newest. Readers keep a position in it, and look again when it rings."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._frames: deque[tuple[bytes, Cursor | None]] = deque()
        self._bytes = 0
        self._first = 0  # the position of the oldest frame that is left
        self._waiters: list[asyncio.Future[None]] = []
        self._last_frame_at = loop.time()

    @property
    def position(self) -> int:
        """After the newest frame."""
        return self._first + len(self._frames)

    def read(self, position: int) -> tuple[bytes, Cursor | None] | None:
        """All frames from `position` on, joined, and the cursor after them; None if they left the log."""
        if position < self._first:
            return None
        behind = self.position - position
        entries = [self._frames[index] for index in range(-behind, 0)]  # a deque is quick at its ends
        cursors = [cursor for _frame, cursor in entries if cursor]
        return b"".join(frame for frame, _cursor in entries), cursors[-1] if cursors else None

    async def wait(self) -> None:
        waiter = self._loop.create_future()  # an asyncio.Event costs five times as much, for each frame
        self._waiters.append(waiter)
        await waiter

    def wake(self) -> None:
        """Let every waiting reader look again."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():  # its reader may have left
                waiter.set_result(None)

    def beat(self) -> None:
        """A comment for readers that have heard nothing for a while, so that no proxy cuts them."""
        if self._loop.time() - self._last_frame_at >= settings.CHAT_HEARTBEAT_INTERVAL:
            self._add(HEARTBEAT)

    def _add(self, frame: bytes, cursor: Cursor | None = None) -> None:
        self._frames.append((frame, cursor))
        self._bytes += len(frame)
        while self._bytes > LOG_BYTES and len(self._frames) > 1:
            self._bytes -= len(self._frames.popleft()[0])
            self._first += 1
        self._last_frame_at = self._loop.time()
        self.wake()
