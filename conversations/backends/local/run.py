"""One reply in a thread of its own, read from the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from django.utils.translation import gettext as _

from conversations.backends.local.engine import Outcome
from conversations.errors import BackendTimeout

Work = Callable[[Callable[[str], None], threading.Event], Outcome]


class Run:
    """Runs `work(emit, stopped)` in a thread; what it emits meanwhile is joined, and comes out of `pieces`."""

    def __init__(self, work: Work, on_end: Callable[[], None]):
        """`on_end` is called in the thread, when the work has really ended."""
        self._work = work
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._pieces: list[str] = []
        self._result: Outcome | BaseException | None = None
        self._news = asyncio.Event()

    def start(self) -> None:
        # A daemon: a forward pass cannot be interrupted, and must not hold up the end of the process.
        threading.Thread(target=self._run, name="local-model-reply", daemon=True).start()

    def stop(self) -> None:
        """Let the work end within a token. Its thread calls `on_end` when it has."""
        self._stopped.set()

    async def pieces(self, patience: float) -> AsyncIterator[str]:
        """The text as it comes. Raises what the work raised, or BackendTimeout after `patience` seconds of silence."""
        while self._result is None:
            try:
                async with asyncio.timeout(patience):
                    await self._news.wait()
            except TimeoutError:
                raise BackendTimeout(_("The local model has not answered in time. Try again later.")) from None
            self._news.clear()
            if text := self._take():
                yield text
        if text := self._take():
            yield text
        if isinstance(self._result, BaseException):
            raise self._result

    @property
    def outcome(self) -> Outcome:
        """How it ended; to be read after `pieces` has."""
        assert isinstance(self._result, Outcome)  # noqa: S101 - a promise between the two methods
        return self._result

    def _run(self) -> None:
        try:
            self._result = self._work(self._emit, self._stopped)
        except BaseException as error:  # whatever it is, the reader raises it
            self._result = error
        finally:
            self._on_end()
            self._tell()

    def _emit(self, text: str) -> None:
        with self._lock:
            told = bool(self._pieces)
            self._pieces.append(text)
        if not told:
            self._tell()

    def _take(self) -> str:
        with self._lock:
            text = "".join(self._pieces)
            self._pieces.clear()
        return text

    def _tell(self) -> None:
        with suppress(RuntimeError):  # the loop was closed: nobody reads any more
            self._loop.call_soon_threadsafe(self._news.set)
