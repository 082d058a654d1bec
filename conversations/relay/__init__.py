"""Where live text passes from writers to readers."""

from conversations.relay.base import Listener, Relay
from conversations.relay.memory import MemoryRelay

__all__ = ["Listener", "MemoryRelay", "Relay"]
