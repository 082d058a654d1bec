"""A reply as its readers see it: frames, encoded once per reply and process, however many readers there are.

A feed holds a short log of frames and the state from which any cursor can be answered. Readers keep
nothing but their position: one that fell behind the log gets a frame that catches up, so that a slow
reader costs no memory and never slows the reply.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from django.conf import settings

from conversations.rendering import BlockSplitter, is_plain, render_block, render_open
from conversations.streaming.frame_log import FrameLog
from conversations.streaming.frames import END, Cursor, encode, encode_delta
from conversations.types import Delta

CATCH_UP = 16_000  # characters that a reader who lacks more is sent at once
SHORT_SOURCE = 200  # characters; longer Markdown is rendered in a thread
OPEN_CHARACTERS_PER_SECOND = 50_000
COST_FACTOR = 20  # the unfinished block is rendered at most 1/20 of the time


class Feed(FrameLog):
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._splitter = BlockSplitter()
        self._pending: list[str] = []  # sources of finished blocks that are not rendered yet
        self._blocks: list[str] = []
        self._characters = 0
        self._timer: asyncio.TimerHandle | None = None
        self._rendering: asyncio.Task | None = None
        self._is_ending = False  # whoever completes the feed renders what is left, and nobody else
        self._next_render = 0.0
        self._open = ("", "")  # source and HTML of the unfinished block when it was rendered last
        self._waiting: bytes | None = None
        self._done: bytes | None = None
        self._title: bytes | None = None
        self._may_end = False
        self.on_finish: Callable[[], None] = lambda: None

    # What the relay tells (conversations.relay.Listener)

    def receive(self, text: str) -> None:
        self._characters += len(text)
        self._pending += self._splitter.feed(text)
        cursor = self.cursor
        self._add(encode_delta(text, cursor), cursor)
        if self._pending or "\n" in text:
            self._render_soon()

    def notice(self, delta: Delta) -> None:
        if "waiting" in delta.metadata:
            self._waiting = encode("waiting", {"text": delta.metadata["waiting"]})
            self._add(self._waiting)
        if "title" in delta.metadata:
            title = encode("title", dict(delta.metadata))
            if title != self._title:  # the row and the relay may both tell it
                self._title = title
                self._add_title()

    def finish(self) -> None:
        self._is_ending = True
        self.stop()
        self.on_finish()

    def end(self) -> None:
        self._may_end = True
        self.wake()

    # What readers ask

    @property
    def cursor(self) -> Cursor:
        return Cursor(self._characters, len(self._blocks))

    @property
    def ended(self) -> bool:
        """Nothing follows what the log holds."""
        return self._may_end and self._done is not None

    def catch_up(self, seen: Cursor | None) -> tuple[list[bytes], Cursor]:
        """Frames that a reader with this cursor lacks, and the cursor after them.

        Not all of it if it is much: a reader that lets a long reply wait must not make this process hold it once more.
        The reader has everything once the cursor is the feed's own.
        """
        frame, at = self._missing(seen) if self._characters else (self._waiting, self.cursor)
        last = [self._done, self._title] if self._done is not None and at == self.cursor else []
        return [frame for frame in (frame, *last) if frame], at

    def _missing(self, seen: Cursor | None) -> tuple[bytes, Cursor]:
        open_text = "".join(self._pending) + self._splitter.tail
        settled_at = self._characters - len(open_text)
        fits = seen is not None and seen.blocks <= len(self._blocks) and seen.characters <= self._characters
        if fits and seen.blocks == len(self._blocks) and seen.characters >= settled_at:
            text = open_text[seen.characters - settled_at :][:CATCH_UP]
            at = Cursor(seen.characters + len(text), seen.blocks)
            return encode("delta", {"text": text}, at) if text else b"", at
        html, blocks = self._html_from(seen.blocks if fits else 0)
        is_all = blocks == len(self._blocks)
        tail = open_text[:CATCH_UP] if is_all else ""
        at = Cursor(settled_at + len(tail), blocks) if is_all else Cursor(0, blocks)
        frame = encode("settled" if fits else "reset", {"html": html, "tail": tail}, at)
        return frame + (self._open_frame(open_text) if at == self.cursor else b""), at

    def _html_from(self, block: int) -> tuple[str, int]:
        """The HTML from this block on, CATCH_UP characters or a little more, and the number of the block after it."""
        length, end = 0, block
        while end < len(self._blocks) and length < CATCH_UP:
            length += len(self._blocks[end])
            end += 1
        return "".join(self._blocks[block:end]), end

    def _open_frame(self, open_text: str) -> bytes:
        """The unfinished block as it was rendered last, if it still begins so."""
        source, html = self._open
        if not source or self._pending or not open_text.startswith(source):
            return b""
        return encode("open", {"html": html, "tail": open_text[len(source) :]}, self.cursor)

    async def rendered(self) -> None:
        """Wait until blocks that were complete before are HTML: nobody who comes later sees their Markdown."""
        while self._is_ending and self._done is None:
            await self.wait()
        if self._is_ending:  # also in a process that goes down: its readers were sent away before the reply ended
            return
        if self._rendering is None and (self._pending or "\n" in self._splitter.tail):
            self.stop()
            self._begin_rendering(*self._sources())
        if self._rendering:
            await asyncio.wait([self._rendering])

    # What ends it

    @property
    def unsettled(self) -> list[str]:
        """Sources of the blocks that a finished text still has to show."""
        return [*self._pending, self._splitter.tail] if self._splitter.tail else list(self._pending)

    def complete(self, html: list[str], done: dict) -> None:
        """The text is whole: `html` are its `unsettled` blocks, `done` the data of the last frame but the title."""
        self._pending, self._splitter = self.unsettled, BlockSplitter()
        if html:
            self._settle(html)
        self._done = encode("done", done, END)
        self._add(self._done)
        self._add_title()

    def close(self) -> None:
        """This process goes down: readers come back by themselves, to another."""
        if self.ended:
            return
        self.stop()
        self._done = self._done or encode("restart", {})
        self._add(self._done)
        self.end()

    def _add_title(self) -> None:
        if self._title and self._done:
            self._add(self._title)

    # Rendering while it is written

    def _render_soon(self) -> None:
        if self._timer is None and self._rendering is None:
            self._timer = self._loop.call_later(max(0.0, self._next_render - self._loop.time()), self._render)

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
            self._render_soon()

    def _rendered_in(self, seconds: float) -> None:
        sent_again = len(self._open[1]) / OPEN_CHARACTERS_PER_SECOND  # a long fence is sent whole each time
        wait = max(settings.CHAT_RENDER_INTERVAL, COST_FACTOR * seconds, sent_again)
        self._next_render = self._loop.time() + wait

    def _show(self, html: list[str], open_html: str, open_source: str) -> None:
        if html:
            self._settle(html)
        if open_html:
            self._open = (open_source, open_html)
            data = {"html": open_html, "tail": self._splitter.tail[len(open_source) :]}
            self._add(encode("open", data, self.cursor), self.cursor)

    def _settle(self, html: list[str]) -> None:
        self._blocks += html
        self._open = ("", "")
        del self._pending[: len(html)]
        tail = "".join(self._pending) + self._splitter.tail
        self._add(encode("settled", {"html": "".join(html), "tail": tail}, self.cursor), self.cursor)


def is_quick(source: str) -> bool:
    """Whether rendering it may happen on the event loop."""
    return len(source) <= SHORT_SOURCE or is_plain(source)


def render_all(sources: list[str], open_source: str) -> tuple[list[str], str]:
    """Finished blocks and the unfinished one, as HTML."""
    return [render_block(source) for source in sources], render_open(open_source) if open_source else ""
