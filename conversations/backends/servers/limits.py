"""How long a reply may take: to connect, to begin, between its pieces, and in all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Phase = Literal["connect", "first", "between", "deadline"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds. Whatever a server sends counts as a sign of life, keep-alive comments included."""

    connect: float = 5
    first: float = 60
    between: float = 60
    deadline: float = 600

    def of(self, phase: Phase) -> float:
        return getattr(self, phase)


class Watch:
    """Ends waits that last too long. Wrap each wait for the server:

        with watch:
            data = await read()

    One timer serves the whole reply, however many pieces it has: it looks when the earliest wait could be
    over, and moves itself if that was not the case. Time that the reader of the reply takes is not counted,
    except against the deadline, which shows at the next wait.
    """

    def __init__(self, limits: Limits, timed_out: Callable[[Phase, float], Exception]):
        """`timed_out` makes the exception that a wait ends with, from the limit that was reached and its seconds."""
        self._limits = limits
        self._timed_out = timed_out
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + limits.deadline
        self._phase: Phase = "first"
        self._limit = limits.first
        self._task: asyncio.Task | None = None
        self._cancelling = 0
        self._since = self._loop.time()
        self._expired: Phase | None = None
        self._timer = self._loop.call_at(self._due(), self._look)

    @property
    def has_begun(self) -> bool:
        return self._phase == "between"

    def begin(self) -> None:
        """The first piece is there: from now on `between` holds."""
        if not self.has_begun:
            self._phase = "between"
            self._hold(self._limits.between)

    def shorten(self, seconds: float) -> None:
        """Nothing that matters is still to come: wait this long at most."""
        if seconds < self._limit:
            self._hold(seconds)

    def close(self) -> None:
        self._timer.cancel()

    def __enter__(self) -> None:
        self._since = self._loop.time()
        if self._since >= self._deadline:
            raise self._timed_out("deadline", self._limits.deadline)
        self._task = asyncio.current_task(self._loop)  # without the loop, Python asks the kernel for it
        self._cancelling = self._task.cancelling()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        task, self._task = self._task, None
        if self._expired is None:
            return
        # As in asyncio.Timeout: someone else's cancellation at the same moment wins.
        if task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            seconds = self._limits.of(self._expired)
            raise self._timed_out(self._expired, seconds) from error

    def _hold(self, limit: float) -> None:
        self._limit = limit
        self._timer.cancel()
        self._timer = self._loop.call_at(self._due(), self._look)

    def _due(self) -> float:
        return min(self._since + self._limit, self._deadline)

    def _look(self) -> None:
        now = self._loop.time()
        if self._task is None:
            if now < self._deadline:
                self._timer = self._loop.call_at(min(now + self._limit, self._deadline), self._look)
        elif (due := self._due()) > now:
            self._timer = self._loop.call_at(due, self._look)
        else:
            self._expired = "deadline" if now >= self._deadline else self._phase
            self._task.cancel()
