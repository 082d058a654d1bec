"""Readers: the one way to receive a reply, for a first view, a reload, a second tab and the API alike.

`follow` gives a reader what its cursor lacks and then whatever comes: from the relay, if this process writes
the reply, else as elsewhere.py gathers it.
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
from django.utils import translation

from conversations import plain_sql
from conversations.models import Conversation, Generation
from conversations.relay.waiting import wait_at_most
from conversations.streaming import endings, sessions
from conversations.streaming.elsewhere import Elsewhere
from conversations.streaming.executors import in_database
from conversations.streaming.feed import Feed
from conversations.streaming.frames import HEARTBEAT, OPENING, Cursor
from conversations.streaming.reader import Reader, reached, read
from conversations.streaming.writer import current_writer

logger = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Source:
    """A feed and what fills it."""

    feed: Feed
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the feed holds what is written so far: before, no cursor can be answered."""
    readers: set[Reader] = field(default_factory=set)
    tasks: set[asyncio.Task] = field(default_factory=set)
    is_distant: bool = False
    """Another process writes the reply."""
    language: str | None = field(default_factory=translation.get_language)
    """Of whoever follows it, which is one person."""


class Readers:
    """All readers of this process."""

    def __init__(self) -> None:
        self._sources: dict[UUID, _Source] = {}
        self._elsewhere = Elsewhere()
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
            while not source.ready.is_set():  # a database that hangs must not let a proxy cut the reader
                await wait_at_most(settings.CHAT_HEARTBEAT_INTERVAL, source.ready)
                yield HEARTBEAT
            if cursor and source.is_distant:
                await reached(source.feed, cursor)
            await source.feed.rendered()
            async for frames in read(reader, cursor):
                yield frames
        finally:
            source.readers.discard(reader)
            if not source.readers:
                self._drop(generation_id, source)

    def close(self) -> None:
        """Send everyone away; they come back by themselves, to the process that follows."""
        for source in list(self._sources.values()):
            source.feed.close()
            source.ready.set()  # nobody waits for what will not come

    def _open(self, generation_id: UUID) -> _Source:
        source = self._sources[generation_id] = _Source(Feed(asyncio.get_running_loop()))
        source.feed.on_finish = lambda: self._spawn(source, _complete(source, generation_id))
        relay = current_writer().relay
        text = relay.attach(generation_id, source.feed)
        if text is None:
            source.is_distant = True
            self._elsewhere.follow(generation_id, source.feed, source.ready)
        elif not relay.is_closed(generation_id):
            if text:
                source.feed.receive(text)
            source.ready.set()
        return source

    def _drop(self, generation_id: UUID, source: _Source) -> None:
        if self._sources.get(generation_id) is source:
            del self._sources[generation_id]
            self._elsewhere.leave(generation_id)
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


async def _complete(source: _Source, generation_id: UUID) -> None:
    try:
        with translation.override(source.language):
            await endings.complete(source.feed, generation_id, current_writer().decided.get(generation_id))
    finally:
        source.ready.set()


async def is_written_here(generation_id: UUID, user_id: int) -> bool:
    """Whether this process is writing this reply, for this person, in a chat of theirs that is not deleted."""
    reply = current_writer().live.get(generation_id)
    if reply is None:
        return False
    row = {"id": reply.request.conversation_id, "user_id": user_id, "deleted_at": None, "trashed_at": None}
    return bool(await in_database(plain_sql.select, Conversation, ["id"], row))


def is_followed_up(generation: Generation) -> bool:
    """Whether something may still come: text, or a title. Of this process's own replies the relay knows it."""
    writer = current_writer()
    if generation.writer_id == writer.id:
        return writer.relay.knows(generation.pk)
    return generation.is_live or endings.may_be_titled(generation)


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
