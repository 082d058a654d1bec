"""One reply as the server's process sees it: filled by a thread, read from an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from django.utils.translation import gettext as _

from conversations.errors import BackendTimeout
from conversations.types import Usage


@dataclass(frozen=True, slots=True)
class Outcome:
    finish_reason: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is being waited for: a phase of loading ("start", "download", "weights"), or a place in the line.

    `done` of `total` bytes are there; for "line", `done` people stand before.
    """

    phase: str
    done: int = 0
    total: int = 0


class Reply:
    """What comes while nobody reads is joined: all text is one piece, and of what is waited for the last counts."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._lock = threading.Lock()
        self._pieces: list[str] = []
        self._waiting: Waiting | None = None
        self._has_begun = False
        self._result: Outcome | Exception | None = None

    def wait_for(self, waiting: Waiting) -> None:
        with self._lock:
            self._waiting = waiting
        self._tell()

    def add(self, text: str) -> None:
        with self._lock:
            told = bool(self._pieces)
            self._pieces.append(text)
            self._has_begun = True
        if not told:
            self._tell()

    def end(self, result: Outcome | Exception) -> None:
        """The first result counts."""
        with self._lock:
            self._result = self._result or result
        self._tell()

    @property
    def has_ended(self) -> bool:
        return self._result is not None

    async def news(self, patience: float) -> AsyncIterator[str | Waiting | Outcome]:
        """The text as it comes, between what is waited for, and the outcome at last.

        Raises what ended it, or BackendTimeout after `patience` seconds of silence once it has begun or nothing
        is waited for any more.
        """
        while True:
            result = self._result  # before the rest is taken: what came with it must not be lost
            waiting, text = self._take()
            if waiting:
                yield waiting
            if text:
                yield text
            if isinstance(result, Exception):
                raise result
            if result is not None:
                yield result
                return
            if self._result is None:
                await self._wait(patience)

    async def _wait(self, patience: float) -> None:
        try:
            async with asyncio.timeout(patience if self._has_begun else None):
                await self._news.wait()
        except TimeoutError:
            raise BackendTimeout(_("The local model has not answered in time. Try again later.")) from None
        self._news.clear()

    def _take(self) -> tuple[Waiting | None, str]:
        with self._lock:
            text, waiting = "".join(self._pieces), self._waiting
            self._pieces.clear()
            self._waiting = None
        return waiting, text

    def _tell(self) -> None:
        with suppress(RuntimeError):  # the loop was closed: nobody reads any more
            self._loop.call_soon_threadsafe(self._news.set)
