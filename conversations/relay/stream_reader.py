"""Reads the Redis Streams of all replies that this process follows and others write: one XREAD for all of them."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from uuid import UUID

from redis.asyncio import Redis

from conversations.relay.base import DistantListener
from conversations.relay.redis_link import TIMEOUT, BackOff, Outage
from conversations.relay.stream_entries import (
    DECIDED,
    ENDED,
    NOTICE,
    TEXT,
    THOUGHTS,
    Entry,
    notice_delta,
    parse_answer,
    parse_thoughts,
    stream_key,
)

logger = logging.getLogger(__name__)

PACE = 0.05  # seconds between two reads under load: each costs as much as there are replies, moving or not
BLOCK = 0.1  # seconds that a read waits for the first entry; the longest that a new listener waits for its turn


class _Followed:
    __slots__ = ("last_id", "listener", "notice")

    def __init__(self, listener: DistantListener, after: int) -> None:
        self.listener = listener
        self.last_id = f"{after}-1"  # the text that ends there is known, what stands beside it (from 2 on) is not
        self.notice = ""

    def tell(self, entry: Entry) -> None:
        self.last_id = entry.id
        if entry.kind == TEXT:
            self.listener.receive_at(entry.end, entry.value)
        elif entry.kind == THOUGHTS:
            self.listener.receive_thoughts_at(*parse_thoughts(entry.value))
        elif entry.kind in (NOTICE, ENDED) and entry.value and entry.value != self.notice:  # a title comes twice
            self.notice = entry.value
            self.listener.notice(notice_delta(entry.value))
        if entry.kind == DECIDED:
            self.listener.finish()
        elif entry.kind == ENDED:
            self.listener.end()


class StreamReader:
    def __init__(self, loop: asyncio.AbstractEventLoop, redis: Redis, prefix: str, outage: Outage) -> None:
        self._loop = loop
        self._redis = redis
        self._prefix = prefix
        self._outage = outage
        self._back_off = BackOff()
        self._followed: dict[str, _Followed] = {}
        self._task: asyncio.Task | None = None

    def listen(self, generation_id: UUID, listener: DistantListener, after: int) -> None:
        self._followed[stream_key(self._prefix, generation_id)] = _Followed(listener, after)
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._run(), context=contextvars.Context())

    def unlisten(self, generation_id: UUID) -> None:
        self._followed.pop(stream_key(self._prefix, generation_id), None)

    async def aclose(self) -> None:
        self._followed.clear()
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        """Lives as long as there is something to follow."""
        while self._followed:
            due = self._loop.time() + PACE
            if not await self._read(dict(self._followed)):
                due = self._loop.time() + self._back_off.next()
            await asyncio.sleep(max(0.0, due - self._loop.time()))

    async def _read(self, followed: dict[str, _Followed]) -> bool:
        """One XREAD for all. False if Redis did not answer."""
        wanted = {key: one.last_id for key, one in followed.items()}
        try:
            async with asyncio.timeout(BLOCK + TIMEOUT):
                answer = await self._redis.xread(wanted, block=int(BLOCK * 1000))
        except Exception as error:  # whatever a client raises for a server that went away
            self._outage.began(error)
            return False
        self._outage.ended()
        self._back_off.reset()
        for key, entries in parse_answer(answer):
            self._pass_on(key, followed[key], entries)
        return True

    def _pass_on(self, key: str, followed: _Followed, entries: list[Entry]) -> None:
        try:
            for entry in entries:
                if self._followed.get(key) is not followed:  # meanwhile it left, or began anew from elsewhere
                    return
                followed.tell(entry)
        except Exception:  # one reply that cannot be shown must not silence the others
            self._followed.pop(key, None)
            logger.exception("A reply that another process writes could not be passed on")
