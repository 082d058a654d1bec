"""Readers: the one way to receive a reply, for a first view, a reload, a second tab and the API alike.

`follow` gives a reader what its cursor lacks and then whatever comes. The text comes from the relay, or,
when the relay does not know the reply (another process writes it), from the row, polled.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID
from weakref import WeakKeyDictionary

from django.conf import settings

from conversations.models import Conversation, Generation
from conversations.outbox import turn_messages
from conversations.presenting import footer_html, message_view
from conversations.rendering import needs_whole, render
from conversations.stores import get_store
from conversations.streaming import sessions
from conversations.streaming.executors import in_database
from conversations.streaming.feed import Feed, render_all
from conversations.streaming.frames import END, OPENING, Cursor, encode
from conversations.streaming.writer import current_writer
from conversations.types import Delta

logger = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Reader:
    visitor: sessions.Visitor | None
    feed: Feed
    dismissed: bool = False


@dataclass(eq=False, slots=True)
class _Source:
    """A feed and what fills it."""

    feed: Feed
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the feed holds what is written so far: before, no cursor can be answered."""
    readers: set[Reader] = field(default_factory=set)
    tasks: set[asyncio.Task] = field(default_factory=set)


class Readers:
    """All readers of this process."""

    def __init__(self) -> None:
        self._sources: dict[UUID, _Source] = {}
        self._watch: asyncio.Task | None = None

    async def follow(
        self, generation_id: UUID, cursor: Cursor | None, visitor: sessions.Visitor | None
    ) -> AsyncIterator[bytes]:
        source = self._sources.get(generation_id) or self._open(generation_id)
        reader = Reader(visitor, source.feed)
        source.readers.add(reader)
        self._keep_watch()
        try:
            yield OPENING
            await source.ready.wait()
            await source.feed.rendered()
            async for frames in _read(reader, cursor):
                yield frames
        finally:
            source.readers.discard(reader)
            if not source.readers:
                self._drop(generation_id, source)

    def close(self) -> None:
        """Send everyone away; they come back by themselves, to the process that follows."""
        for source in list(self._sources.values()):
            source.feed.close()

    def _open(self, generation_id: UUID) -> _Source:
        source = self._sources[generation_id] = _Source(Feed(asyncio.get_running_loop()))
        source.feed.on_finish = lambda: self._spawn(source, _complete(source, generation_id))
        relay = current_writer().relay
        text = relay.attach(generation_id, source.feed)
        if text is None:
            self._spawn(source, _poll(source, generation_id))
        elif not relay.is_closed(generation_id):
            if text:
                source.feed.receive(text)
            source.ready.set()
        return source

    def _drop(self, generation_id: UUID, source: _Source) -> None:
        if self._sources.get(generation_id) is source:
            del self._sources[generation_id]
        current_writer().relay.detach(generation_id, source.feed)
        source.feed.stop()
        for task in source.tasks:
            task.cancel()

    @staticmethod
    def _spawn(source: _Source, coroutine) -> None:
        task = asyncio.create_task(coroutine, context=contextvars.Context())
        source.tasks.add(task)
        task.add_done_callback(source.tasks.discard)

    def _keep_watch(self) -> None:
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._watch_readers(), context=contextvars.Context())

    async def _watch_readers(self) -> None:
        """Heartbeats, and the dismissal of those whose session ended. Lives as long as there are readers."""
        check: asyncio.Task | None = None
        while self._sources:
            await asyncio.sleep(settings.CHAT_SESSION_CHECK_INTERVAL)
            for source in self._sources.values():
                source.feed.beat()
            if check is None or check.done():  # a database that hangs must not stop the heartbeats
                check = asyncio.create_task(self._dismiss_ended())

    async def _dismiss_ended(self) -> None:
        readers = [reader for source in self._sources.values() for reader in source.readers]
        try:
            gone = await in_database(sessions.ended, {reader.visitor for reader in readers if reader.visitor})
        except Exception as error:  # the database is away; nobody is sent off for that
            logger.warning("Sessions could not be checked: %s", type(error).__name__)
            return
        for reader in readers:
            if reader.visitor in gone:
                reader.dismissed = True
                reader.feed.wake()


async def _read(reader: Reader, cursor: Cursor | None) -> AsyncIterator[bytes]:
    feed = reader.feed
    position, seen = feed.position, feed.cursor
    if missing := feed.catch_up(cursor):
        yield missing
    while not reader.dismissed:
        news = feed.read(position)
        if news is None:  # fell behind
            position, frames, at = feed.position, feed.catch_up(seen), feed.cursor
        else:
            position, (frames, at) = feed.position, news
        seen = at or seen
        if frames:
            yield frames
        elif feed.ended:
            return
        else:
            await feed.wait()


async def _poll(source: _Source, generation_id: UUID) -> None:
    """Fill a feed from the row until its outcome is decided."""
    feed, length = source.feed, 0
    while True:
        try:
            row = await in_database(_row, generation_id)
        except Exception as error:  # the database is away: the reader waits with us
            logger.warning("A reply could not be read: %s", type(error).__name__)
            await asyncio.sleep(settings.CHAT_POLL_INTERVAL)
            continue
        if row is None:
            feed.close()
            source.ready.set()
            return
        if len(row.reply_text) > length:
            feed.receive(row.reply_text[length:])
            length = len(row.reply_text)
        if row.is_live:
            source.ready.set()
        if not row.is_live:
            feed.finish()
            feed.end()
            return
        await asyncio.sleep(settings.CHAT_POLL_INTERVAL)


async def _complete(source: _Source, generation_id: UUID) -> None:
    """Send the last blocks and `done`."""
    feed = source.feed
    try:
        row = await _decided(generation_id)
        if row is None:  # deleted meanwhile
            feed.close()
            return
        if title := _title(row.conversation):
            feed.notice(Delta(metadata=title))
        feed.complete(*await asyncio.to_thread(_last_words, feed.unsettled, feed.cursor.characters, row))
    except Exception:
        logger.exception("Reply %s could not be shown; its readers come back by themselves", generation_id)
        feed.close()
    finally:
        source.ready.set()


def _last_words(sources: list[str], seen: int, row: Generation) -> tuple[list[str], dict]:
    """The HTML of the last blocks, and the data of `done`; runs in a thread, because either may be long."""
    return render_all(sources, "")[0], _done(row, with_html=seen != len(row.reply_text))


async def _decided(generation_id: UUID) -> Generation | None:
    while True:
        try:
            return await in_database(_row, generation_id)
        except Exception as error:  # the database is away
            logger.warning("An outcome could not be read: %s", type(error).__name__)
            await asyncio.sleep(settings.CHAT_POLL_INTERVAL)


def _row(generation_id: UUID) -> Generation | None:
    return Generation.objects.filter(pk=generation_id).select_related("model", "conversation").first()


def _done(row: Generation, *, with_html: bool = False) -> dict:
    """The data of a `done` frame; html where the blocks alone do not make the whole."""
    view = message_view(turn_messages(row)[-1], str(row.conversation_id), with_html=False)
    data = {"status": row.status, "footer": footer_html(view)}
    if with_html or needs_whole(row.reply_text):
        data["html"] = render(row.reply_text)
    return data


def finished_frames(row: Generation) -> bytes:
    """All that a reader of a finished reply needs, at once. Raises StoreUnavailable for an old one."""
    if row.stored_at and not row.reply_text:  # its text has been left to the store
        message = get_store().load(row.conversation.key).index().get(row.reply_id)
        row.reply_text = message.content if message else ""
    title = _title(row.conversation)
    return OPENING + encode("done", _done(row, with_html=True), END) + (encode("title", title) if title else b"")


def _title(conversation: Conversation) -> dict | None:
    """The data of a `title` frame, once there is a better title than the first words."""
    if conversation.title_source == Conversation.TitleSource.FALLBACK:
        return None
    return {"conversation_id": str(conversation.pk), "title": conversation.title}


def is_followed_up(generation_id: UUID) -> bool:
    """Whether something may still come from this process: text, or a title."""
    return current_writer().relay.knows(generation_id)


_readers: WeakKeyDictionary[asyncio.AbstractEventLoop, Readers] = WeakKeyDictionary()


def current_readers() -> Readers:
    """The readers of the running loop."""
    loop = asyncio.get_running_loop()
    if loop not in _readers:
        _readers[loop] = Readers()
    return _readers[loop]


def follow(
    generation_id: UUID, cursor: Cursor | None = None, visitor: sessions.Visitor | None = None
) -> AsyncIterator[bytes]:
    """The reply as encoded frames, from `cursor` on (None: from the start), until it is done and titled.

    Whoever calls has checked that the visitor may read it; the visit ends when the visitor's session does.
    """
    return current_readers().follow(generation_id, cursor, visitor)
