"""The relay of one process: text goes from writers to readers through memory.

One flush serves all replies of the process. It runs at once when nothing is under way and waits the
longer the more replies are moving, so that what arrives meanwhile is joined and costs one wake-up.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

from django.conf import settings

from conversations.relay.base import Listener, Relay
from conversations.types import Delta

DELAY_PER_REPLY = 0.0005  # seconds; 160 moving replies reach the 80 ms of CHAT_FLUSH_INTERVAL


class _Channel:
    __slots__ = ("closed", "fresh", "listener", "notice", "parts")

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.fresh: list[str] = []
        self.listener: Listener | None = None
        self.notice: Delta | None = None
        self.closed = False


class MemoryRelay(Relay):
    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self._channels: dict[UUID, _Channel] = {}
        self._moved: dict[UUID, _Channel] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._last_flush = 0.0

    def open(self, generation_id: UUID) -> None:
        self._channels[generation_id] = _Channel()

    def publish(self, generation_id: UUID, text: str) -> None:
        channel = self._channels.get(generation_id)
        if channel is None:
            return
        if channel.listener is None:
            channel.parts.append(text)
            return
        channel.fresh.append(text)
        self._moved[generation_id] = channel
        if self._timer is None:
            wait = min(settings.CHAT_FLUSH_INTERVAL, len(self._channels) * DELAY_PER_REPLY)
            due = self._last_flush + wait - self._loop.time()
            self._timer = self._loop.call_later(max(0.0, due), self._flush)

    def notify(self, generation_id: UUID, delta: Delta) -> None:
        if channel := self._channels.get(generation_id):
            channel.notice = delta
            if channel.listener:
                channel.listener.notice(delta)

    def close(self, generation_id: UUID) -> None:
        channel = self._channels.get(generation_id)
        if channel is None:
            return
        self._moved.pop(generation_id, None)
        self._pass_on(channel)
        channel.closed = True
        channel.parts = []
        if channel.listener:
            channel.listener.finish()

    def knows(self, generation_id: UUID) -> bool:
        return generation_id in self._channels

    def is_closed(self, generation_id: UUID) -> bool:
        return self._channels[generation_id].closed

    def end(self, generation_id: UUID) -> None:
        channel = self._channels.pop(generation_id, None)
        if channel and channel.listener:
            channel.listener.end()

    def attach(self, generation_id: UUID, listener: Listener) -> str | None:
        channel = self._channels.get(generation_id)
        if channel is None:
            return None
        channel.listener = listener
        if channel.closed:
            self._loop.call_soon(listener.finish)
        channel.parts = ["".join(channel.parts)]
        if channel.notice and not channel.parts[0]:
            listener.notice(channel.notice)
        return channel.parts[0]

    def detach(self, generation_id: UUID, listener: Listener) -> None:
        channel = self._channels.get(generation_id)
        if channel and channel.listener is listener:
            channel.parts += channel.fresh
            channel.fresh, channel.listener = [], None

    def _flush(self) -> None:
        self._timer = None
        self._last_flush = self._loop.time()
        moved, self._moved = self._moved, {}
        for channel in moved.values():
            self._pass_on(channel)

    @staticmethod
    def _pass_on(channel: _Channel) -> None:
        if channel.fresh and channel.listener:
            text = "".join(channel.fresh)
            channel.parts.append(text)
            channel.fresh.clear()
            channel.listener.receive(text)
