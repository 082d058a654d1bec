"""The relay of several processes: readers in the writer's own are woken from memory, those elsewhere through Redis.

A stream per reply, never pub/sub, which forgets: whoever comes later, or comes back, reads on from a cursor.
"""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

from conversations.relay.base import DistantListener, Listener, Relay
from conversations.relay.memory import MemoryRelay
from conversations.relay.redis_link import TIMEOUT, Outage, connect
from conversations.relay.stream_entries import DECIDED, NOTICE, notice_value
from conversations.relay.stream_pump import Pump
from conversations.relay.stream_reader import StreamReader
from conversations.types import Delta

logger = logging.getLogger(__name__)


class RedisStreamsRelay(Relay):
    def __init__(self, loop: asyncio.AbstractEventLoop, url: str, prefix: str) -> None:
        """`prefix` begins all keys: sites that share a Redis have different ones."""
        self._memory = MemoryRelay(loop)
        self._redis = connect(url)
        outage = Outage()
        self._pump = Pump(loop, self._redis, prefix, outage)
        self._reader = StreamReader(loop, self._redis, prefix, outage)

    def open(self, generation_id: UUID) -> None:
        self._memory.open(generation_id)
        self._pump.open(generation_id)

    def publish(self, generation_id: UUID, text: str) -> None:
        self._memory.publish(generation_id, text)
        self._pump.add(generation_id, text)

    def publish_thoughts(self, generation_id: UUID, text: str, milliseconds: int) -> None:
        self._memory.publish_thoughts(generation_id, text, milliseconds)
        self._pump.add_thoughts(generation_id, text, milliseconds)

    def notify(self, generation_id: UUID, delta: Delta) -> None:
        self._memory.notify(generation_id, delta)
        self._pump.add_beside(generation_id, NOTICE, notice_value(delta))

    def close(self, generation_id: UUID) -> None:
        self._memory.close(generation_id)
        self._pump.add_beside(generation_id, DECIDED)

    def knows(self, generation_id: UUID) -> bool:
        return self._memory.knows(generation_id)

    def is_closed(self, generation_id: UUID) -> bool:
        return self._memory.is_closed(generation_id)

    def is_read(self, generation_id: UUID) -> bool:
        return self._memory.is_read(generation_id)

    def end(self, generation_id: UUID) -> None:
        self._memory.end(generation_id)
        self._pump.end(generation_id)

    def attach(self, generation_id: UUID, listener: Listener) -> str | None:
        return self._memory.attach(generation_id, listener)

    def detach(self, generation_id: UUID, listener: Listener) -> None:
        self._memory.detach(generation_id, listener)

    def listen(self, generation_id: UUID, listener: DistantListener, after: int) -> None:
        self._reader.listen(generation_id, listener, after)

    def unlisten(self, generation_id: UUID) -> None:
        self._reader.unlisten(generation_id)

    async def aclose(self) -> None:
        await self._reader.aclose()
        await self._pump.aclose()
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._redis.aclose()
        except Exception as error:  # the connection goes with the process in any case
            logger.info("The connection to Redis was not closed in order: %s", type(error).__name__)
