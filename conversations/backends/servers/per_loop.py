"""Connections belong to the event loop that opened them; tests and commands use several loops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerLoop(Generic[T]):
    """One `T` for each running event loop, made on first use."""

    def __init__(self, make: Callable[[], T]):
        self._make = make
        self._items: dict[asyncio.AbstractEventLoop, T] = {}

    def get(self) -> T:
        loop = asyncio.get_running_loop()
        if loop not in self._items:
            self._items[loop] = self._make()
        return self._items[loop]

    def pop(self) -> T | None:
        """What this loop had; the next `get` makes a new one."""
        return self._items.pop(asyncio.get_running_loop(), None)

    def pop_closed(self) -> list[T]:
        """What loops that have ended left behind."""
        return [self._items.pop(loop) for loop in tuple(self._items) if loop.is_closed()]
