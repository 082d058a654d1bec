"""A reply as its readers see it: frames, encoded once per reply and process, however many readers there are.

A feed holds a short log of frames and the state from which any cursor can be answered. Readers keep
nothing but their position: one that fell behind the log gets a frame that catches up, so that a slow
reader costs no memory and never slows the reply.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from conversations.streaming.frame_log import FrameLog
from conversations.streaming.frames import END, Cursor, encode, encode_delta
from conversations.streaming.live_blocks import LiveBlocks
from conversations.types import Delta

CATCH_UP = 16_000  # characters that a reader who lacks more is sent at once


class Feed(FrameLog):
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._blocks = LiveBlocks(loop, self._show)
        self._characters = 0
        self._thoughts: list[str] = []
        self._thought_characters = 0
        self._thought_for = 0  # milliseconds
        self._is_ending = False  # whoever completes the feed renders what is left, and nobody else
        self._waiting: bytes | None = None
        self._done: bytes | None = None
        self._title: bytes | None = None
        self._may_end = False
        self.on_finish: Callable[[], None] = lambda: None

    # What the relay tells (conversations.relay.Listener)

    def receive(self, text: str) -> None:
        self._characters += len(text)
        may_render = self._blocks.feed(text)
        cursor = self.cursor
        self._add(encode_delta(text, cursor), cursor)
        if may_render:
            self._blocks.render_soon()

    def receive_thoughts(self, text: str, milliseconds: int) -> None:
        self._thoughts.append(text)
        self._thought_characters += len(text)
        self._thought_for = milliseconds
        self._show("reasoning", {"text": text, "ms": milliseconds})

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
        return Cursor(self._characters, len(self._blocks.html), self._thought_characters)

    @property
    def ended(self) -> bool:
        """Nothing follows what the log holds."""
        return self._may_end and self._done is not None

    def catch_up(self, seen: Cursor | None) -> tuple[list[bytes], Cursor]:
        """Frames that a reader with this cursor lacks, and the cursor after them.

        Not all of it if it is much: a reader that lets a long reply wait must not make this process hold it once more.
        The reader has everything once the cursor is the feed's own.
        """
        cursor = self.cursor
        frame, at = self._missing(seen) if any(cursor) else (self._waiting, cursor)
        last = [self._done, self._title] if self._done is not None and at == cursor else []
        return [frame for frame in (frame, *last) if frame], at

    def _missing(self, seen: Cursor | None) -> tuple[bytes, Cursor]:
        fits = seen is not None and all(map(int.__le__, seen, self.cursor))
        known = seen if seen and fits else Cursor()
        if known.thoughts < self._thought_characters:
            return self._missing_thoughts(known, is_fitting=fits)
        open_text = "".join(self._blocks.unsettled)
        settled_at = self._characters - len(open_text)
        if fits and known.blocks == len(self._blocks.html) and known.characters >= settled_at:
            text = open_text[known.characters - settled_at :][:CATCH_UP]
            at = known._replace(characters=known.characters + len(text))
            return encode("delta", {"text": text}, at) if text else b"", at
        html, blocks = self._html_from(known.blocks)
        is_all = blocks == len(self._blocks.html)
        tail = open_text[:CATCH_UP] if is_all else ""
        at = Cursor(settled_at + len(tail) if is_all else 0, blocks, known.thoughts)
        frame = encode("settled" if fits else "reset", {"html": html, "tail": tail}, at)
        return frame + (self._open_frame() if at == self.cursor else b""), at

    def _missing_thoughts(self, known: Cursor, *, is_fitting: bool) -> tuple[bytes, Cursor]:
        """What was thought comes before what was answered."""
        text = "".join(self._thoughts)
        self._thoughts = [text]
        text = text[known.thoughts :][:CATCH_UP]
        at = known._replace(thoughts=known.thoughts + len(text))
        anew = b"" if is_fitting else encode("reset", {"html": "", "tail": ""}, Cursor())
        return anew + encode("reasoning", {"text": text, "ms": self._thought_for}, at), at

    def _html_from(self, block: int) -> tuple[str, int]:
        """The HTML from this block on, CATCH_UP characters or a little more, and the number of the block after it."""
        html = self._blocks.html
        length, end = 0, block
        while end < len(html) and length < CATCH_UP:
            length += len(html[end])
            end += 1
        return "".join(html[block:end]), end

    def _open_frame(self) -> bytes:
        if self._blocks.open is None:
            return b""
        html, tail = self._blocks.open
        return encode("open", {"html": html, "tail": tail}, self.cursor)

    async def rendered(self) -> None:
        """Wait until blocks that were complete before are HTML: nobody who comes later sees their Markdown."""
        while self._is_ending and self._done is None:
            await self.wait()
        if not self._is_ending:  # it is also set in a process that goes down, before the reply ends
            await self._blocks.rendered()

    # What ends it

    @property
    def unsettled(self) -> list[str]:
        """Sources of the blocks that a finished text still has to show."""
        return self._blocks.unsettled

    def complete(self, html: list[str], done: dict) -> None:
        """The text is whole: `html` are its `unsettled` blocks, `done` the data of the last frame but the title."""
        self._blocks.complete(html)
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

    def stop(self) -> None:
        """Render no more."""
        self._blocks.stop()

    def _add_title(self) -> None:
        if self._title and self._done:
            self._add(self._title)

    def _show(self, event: str, data: dict[str, Any]) -> None:
        cursor = self.cursor
        self._add(encode(event, data, cursor), cursor)
