"""Another process of the site in all that matters here: a loop, a writer and a relay of its own, in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from conversations import streaming

PATIENCE = 15.0  # seconds; a guard against hanging


class Gate:
    """Closed at first; `wait` is for whoever runs in a loop, `open` for anybody."""

    def __init__(self) -> None:
        self._opened = threading.Event()
        self.open = self._opened.set

    async def wait(self) -> None:
        while not self._opened.is_set():
            await asyncio.sleep(0.005)


class AnotherProcess:
    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    async def run(self, coroutine: Coroutine) -> Any:
        """What the coroutine returns when it runs there."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._loop))

    def _run(self, coroutine: Coroutine) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    def _start(self) -> None:
        self._thread.start()
        self._run(streaming.startup())

    def _end(self) -> None:
        self._run(streaming.shutdown())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()


@contextmanager
def another_process() -> Iterator[AnotherProcess]:
    """Started, and settled at the end."""
    another = AnotherProcess()
    another._start()
    try:
        yield another
    finally:
        another._end()
