"""Where live text passes from writers to readers."""

from __future__ import annotations

import asyncio

from django.conf import settings

from conversations.relay.base import DistantListener, Listener, Relay
from conversations.relay.memory import MemoryRelay

__all__ = ["DistantListener", "Listener", "MemoryRelay", "Relay", "open_relay"]


def open_relay(loop: asyncio.AbstractEventLoop) -> Relay:
    """The relay that the settings ask for: through Redis where there is one, else through this process's memory."""
    if settings.REDIS_URL:
        from conversations.relay.redis_streams import RedisStreamsRelay  # most sites have no Redis, nor need its client

        return RedisStreamsRelay(loop, settings.REDIS_URL, settings.REDIS_PREFIX)
    return MemoryRelay(loop)
