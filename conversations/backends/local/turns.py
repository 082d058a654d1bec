"""Who is next, where only one can be served at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress


class Turns:
    """First come, first served. Turns are taken on event loops, and may be given back from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: list[Turn] = []

    def join(self) -> Turn:
        """Stand at the end of the queue. Whoever joins must call `leave`, served or not."""
        turn = Turn(self)
        with self._lock:
            self._queue.append(turn)
        return turn

    def ahead_of(self, turn: Turn) -> int:
        with self._lock:
            return self._queue.index(turn)

    def leave(self, turn: Turn) -> None:
        with self._lock:
            if turn not in self._queue:
                return
            place = self._queue.index(turn)
            self._queue.remove(turn)
            behind = self._queue[place:]
        for other in behind:
            other.wake()


class Turn:
    """One place in the queue."""

    def __init__(self, turns: Turns):
        self._turns = turns
        self._loop = asyncio.get_running_loop()
        self._moved = asyncio.Event()

    async def places(self) -> AsyncIterator[int]:
        """How many are ahead, at first and whenever it changes; ends when it is this one's turn."""
        while ahead := self._turns.ahead_of(self):
            yield ahead
            await self._moved.wait()
            self._moved.clear()

    def leave(self) -> None:
        """Make room for the next. Leaving twice is fine."""
        self._turns.leave(self)

    def wake(self) -> None:
        with suppress(RuntimeError):  # its loop was closed: nobody waits there any more
            self._loop.call_soon_threadsafe(self._moved.set)
