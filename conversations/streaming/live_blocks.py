"""A reply's Markdown as blocks of HTML, while it is written: rendered at line ends, and no more often than is worth it.

Not known to it: readers, frames and how the reply ends. It tells what became of the text by `show`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from django.conf import settings

from conversations.rendering import BlockSplitter, is_plain, render_block, render_open

SHORT_SOURCE = 200  # characters; longer Markdown is rendered in a thread
OPEN_CHARACTERS_PER_SECOND = 50_000
COST_FACTOR = 20  # the unfinished block is rendered at most 1/20 of the time


class LiveBlocks:
    """`show("settled" or "open", data)` is called when blocks were finished, or the unfinished one was rendered."""

    def __init__(self, loop: asyncio.AbstractEventLoop, show: Callable[[str, dict[str, Any]], None]) -> None:
        self.html: list[str] = []
        """Of the finished blocks."""
        self._loop = loop
        self._tell = show
        self._splitter = BlockSplitter()
        self._pending: list[str] = []  # sources of finished blocks that are not rendered yet
        self._timer: asyncio.TimerHandle | None = None
        self._rendering: asyncio.Task | None = None
        self._next_render = 0.0
        self._open = ("", "")  # source and HTML of the unfinished block when it was rendered last

    def feed(self, text: str) -> bool:
        """Add text. True if there is something to render: call `render_soon`."""
        self._pending += self._splitter.feed(text)
        return bool(self._pending) or "\n" in text

    @property
    def unsettled(self) -> list[str]:
        """Sources of the blocks that are not HTML yet."""
        return [*self._pending, self._splitter.tail] if self._splitter.tail else list(self._pending)

    @property
    def open(self) -> tuple[str, str] | None:
        """HTML of the unfinished block as it was rendered last, and the text behind it; None if it is outdated."""
        source, html = self._open
        if not source or self._pending or not self._splitter.tail.startswith(source):
            return None
        return html, self._splitter.tail[len(source) :]

    def complete(self, html: list[str]) -> None:
        """The text is whole; `html` are its `unsettled` blocks."""
        self._pending, self._splitter = self.unsettled, BlockSplitter()
        if html:
            self._settle(html)

    def render_soon(self) -> None:
        if self._timer is None and self._rendering is None:
            self._timer = self._loop.call_later(max(0.0, self._next_render - self._loop.time()), self._render)

    async def rendered(self) -> None:
        """Wait until blocks that were complete before are HTML."""
        if self._rendering is None and (self._pending or "\n" in self._splitter.tail):
            self.stop()
            self._begin_rendering(*self._sources())
        if self._rendering:
            await asyncio.wait([self._rendering])

    def stop(self) -> None:
        """Render no more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._rendering:
            self._rendering.cancel()
            self._rendering = None

    def _render(self) -> None:
        self._timer = None
        sources, open_source = self._sources()
        if not all(map(is_quick, [*sources, open_source])):
            self._begin_rendering(sources, open_source)
            return
        started = self._loop.time()
        self._show(*render_all(sources, open_source), open_source)
        self._rendered_in(self._loop.time() - started)

    def _sources(self) -> tuple[list[str], str]:
        """The finished blocks that are not rendered yet, and the complete lines of the unfinished one."""
        tail = self._splitter.tail
        return list(self._pending), tail[: tail.rfind("\n") + 1]

    def _begin_rendering(self, sources: list[str], open_source: str) -> None:
        self._rendering = self._loop.create_task(self._render_in_thread(sources, open_source))

    async def _render_in_thread(self, sources: list[str], open_source: str) -> None:
        started = self._loop.time()
        try:
            html, open_html = await asyncio.to_thread(render_all, sources, open_source)
        finally:
            if self._rendering is asyncio.current_task():  # it may have been cancelled, and another begun
                self._rendering = None
        # What was open when this began may have been completed meanwhile: it comes with the next round.
        moved_on = len(self._pending) > len(sources) or not self._splitter.tail.startswith(open_source)
        self._show(html, "" if moved_on else open_html, open_source)
        self._rendered_in(self._loop.time() - started)
        if self._pending:
            self.render_soon()

    def _rendered_in(self, seconds: float) -> None:
        sent_again = len(self._open[1]) / OPEN_CHARACTERS_PER_SECOND  # a long fence is sent whole each time
        wait = max(settings.CHAT_RENDER_INTERVAL, COST_FACTOR * seconds, sent_again)
        self._next_render = self._loop.time() + wait

    def _show(self, html: list[str], open_html: str, open_source: str) -> None:
        if html:
            self._settle(html)
        if open_html:
            self._open = (open_source, open_html)
            self._tell("open", {"html": open_html, "tail": self._splitter.tail[len(open_source) :]})

    def _settle(self, html: list[str]) -> None:
        self.html += html
        self._open = ("", "")
        del self._pending[: len(html)]
        self._tell("settled", {"html": "".join(html), "tail": "".join(self.unsettled)})


def is_quick(source: str) -> bool:
    """Whether rendering it may happen on the event loop."""
    return len(source) <= SHORT_SOURCE or is_plain(source)


def render_all(sources: list[str], open_source: str) -> tuple[list[str], str]:
    """Finished blocks and the unfinished one, as HTML."""
    return [render_block(source) for source in sources], render_open(open_source) if open_source else ""
