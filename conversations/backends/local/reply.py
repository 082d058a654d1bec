"""One reply as the server's process sees it: filled by a thread, read from an event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

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

    @property
    def sentence(self) -> str:
        if self.phase == "download":
            done, total = (f"{size / 1e9:.1f}" for size in (self.done, self.total))
            return _("Downloading the model: %(done)s of %(total)s GB…") % {"done": done, "total": total}
        if self.phase != "line":
            return _("Loading the model…")
        if not self.done:
            return _("This model is busy with other replies. Yours is next.")
        sentence = ngettext(
            "This model is busy with other replies. One more waits before yours.",
            "This model is busy with other replies. %(count)s more wait before yours.",
            self.done,
        )
        return sentence % {"count": self.done}


class Pulse:
    """When the thread of the model was last heard, whomever it served. While it loads, silence means nothing."""

    def __init__(self, *, is_loading: bool = False):
        self._is_loading = is_loading
        self._last = time.monotonic()

    def beat(self, *, is_loading: bool = False) -> None:
        self._last = time.monotonic()
        self._is_loading = is_loading

    def silence_since(self, moment: float) -> float | None:
        """Seconds of it, none of them before `moment`; None while the model loads."""
        return None if self._is_loading else time.monotonic() - max(moment, self._last)


class Reply:
    """What comes while nobody reads is joined: all text is one piece, and of what is waited for the last counts."""

    def __init__(self, pulse: Pulse | None = None) -> None:
        self._pulse = pulse or Pulse()
        self._asked = time.monotonic()
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._lock = threading.Lock()
        self._pieces: list[str] = []
        self._waiting: Waiting | None = None
        self._result: Outcome | Exception | None = None

    def wait_for(self, waiting: Waiting) -> None:
        with self._lock:
            self._waiting = waiting
        self.tell()

    def add(self, text: str) -> None:
        with self._lock:
            told = bool(self._pieces)
            self._pieces.append(text)
        if not told:
            self.tell()

    def end(self, result: Outcome | Exception) -> None:
        """The first result counts."""
        with self._lock:
            self._result = self._result or result
        self.tell()

    @property
    def has_ended(self) -> bool:
        return self._result is not None

    async def news(self, patience: float) -> AsyncIterator[str | Waiting | Outcome]:
        """The text as it comes, between what is waited for, and the outcome at last.

        Raises what ended it, or BackendTimeout after `patience` seconds in which the loaded model gave no sign of life
        to anybody.
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
        while not self._news.is_set():
            silence = self._pulse.silence_since(self._asked)
            if silence is not None and silence >= patience:
                raise BackendTimeout(_("The local model has not answered in time. Try again later."))
            with suppress(TimeoutError):
                async with asyncio.timeout(None if silence is None else patience - silence):
                    await self._news.wait()
        self._news.clear()

    def _take(self) -> tuple[Waiting | None, str]:
        with self._lock:
            text, waiting = "".join(self._pieces), self._waiting
            self._pieces.clear()
            self._waiting = None
        return waiting, text

    def tell(self) -> None:
        """Wake who reads it, to look at everything anew."""
        with suppress(RuntimeError):  # the loop was closed: nobody reads any more
            self._loop.call_soon_threadsafe(self._news.set)
