"""Replies that other processes write, as they reach the readers of this one.

The row comes first, then what the relay brings. Where the relay brings nothing (no Redis, an outage, a silent
model, a gap) the row is read again: one query in an interval for all such replies together.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from uuid import UUID

from django.conf import settings

from conversations.models import Generation
from conversations.relay.waiting import wait_at_most
from conversations.streaming.distant import NEVER_AGAIN, DistantReply
from conversations.streaming.executors import in_database
from conversations.streaming.feed import Feed

logger = logging.getLogger(__name__)

COLUMNS = (
    "status",
    "reply_text",
    "reasoning_text",
    "reasoning_ms",
    "writer_id",
    "backend",
    "finished_at",
    "conversation__title",
    "conversation__title_source",
    "conversation__is_temporary",
)


class Elsewhere:
    """All replies of other processes that are read here."""

    def __init__(self) -> None:
        self._replies: dict[UUID, DistantReply] = {}
        self._news = asyncio.Event()
        self._task: asyncio.Task | None = None

    def follow(self, generation_id: UUID, feed: Feed, ready: asyncio.Event) -> None:
        """Fill a feed. `ready` is set once it holds what is written so far, unless the reply is decided by then."""
        self._replies[generation_id] = DistantReply(generation_id, feed, ready, self._news)
        self._news.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep_up(), context=contextvars.Context())

    def leave(self, generation_id: UUID) -> None:
        if reply := self._replies.pop(generation_id, None):
            reply.leave()

    async def _keep_up(self) -> None:
        """Lives as long as there are such replies."""
        loop = asyncio.get_running_loop()
        while self._replies:
            self._news.clear()
            wait = self._soonest() - loop.time()
            if wait > 0:
                await wait_at_most(min(wait, settings.CHAT_POLL_INTERVAL), self._news)
                continue
            # Whoever is due a little later is read now, too: so those that came one by one soon share a query.
            soon = loop.time() + settings.CHAT_POLL_INTERVAL / 2
            await self._read([reply for reply in self._replies.values() if reply.due <= soon])

    def _soonest(self) -> float:
        return min(reply.due for reply in self._replies.values())

    async def _read(self, due: list[DistantReply]) -> None:
        """Read the rows of all that are due, in one query."""
        asked = asyncio.get_running_loop().time()
        try:
            rows = await in_database(_rows, [reply.generation_id for reply in due])
        except Exception as error:  # the database is away: the readers wait with us
            logger.warning("Replies of other processes could not be read: %s", type(error).__name__)
            for reply in due:
                reply.put_off()
            return
        for reply in due:
            if self._replies.get(reply.generation_id) is reply and reply.due != NEVER_AGAIN:
                _tell(reply, rows.get(reply.generation_id), asked)


def _tell(reply: DistantReply, row: Generation | None, asked: float) -> None:
    try:
        reply.read(row, asked)
    except Exception:  # one reply that cannot be shown must not silence the others
        logger.exception("Reply %s could not be passed on", reply.generation_id)
        reply.give_up()


def _rows(generation_ids: list[UUID]) -> dict[UUID, Generation]:
    return Generation.objects.select_related("conversation").only(*COLUMNS).in_bulk(generation_ids)
