"""Where live text passes from writers to readers."""

from __future__ import annotations

import asyncio

from conversations.relay.base import Listener, Relay
from conversations.relay.memory import MemoryRelay

__all__ = ["Listener", "MemoryRelay", "Relay", "open_relay"]


def open_relay(loop: asyncio.AbstractEventLoop) -> Relay:
    """The relay that the settings ask for."""
    return MemoryRelay(loop)
