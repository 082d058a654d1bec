"""The relay of one process: text goes from writers to readers through memory.

Text of a reply that was silent for a while goes through at once. What follows soon after waits, the longer the more
replies there are, so that it is joined and costs one wake-up; one flush serves all that wait.
"""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

from django.conf import settings

from conversations.relay.base import Listener, Relay
from conversations.types import Delta

DELAY_PER_REPLY = 0.0003  # seconds; 200 replies reach the 60 ms of CHAT_FLUSH_INTERVAL
MOST_PARTS = 64  # of a reply's text; many short ones take four times the memory of one
logger = logging.getLogger(__name__)


class _Channel:
    __slots__ = (
        "closed",
        "fresh",
        "fresh_thoughts",
        "listener",
        "notice",
        "parts",
        "passed_at",
        "thought_for",
        "thoughts",
    )

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.fresh: list[str] = []
        self.thoughts: list[str] = []
        self.fresh_thoughts: list[str] = []
        self.thought_for = 0  # milliseconds
        self.listener: Listener | None = None
        self.notice: Delta | None = None
        self.closed = False
        self.passed_at = 0.0


class MemoryRelay(Relay):
    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self._channels: dict[UUID, _Channel] = {}
        self._moved: dict[UUID, _Channel] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._longest_wait = settings.CHAT_FLUSH_INTERVAL
        self._wait = 0.0  # seconds between two times that text of one reply is passed on

    def open(self, generation_id: UUID) -> None:
        self._channels[generation_id] = _Channel()
        self._count()

    def publish(self, generation_id: UUID, text: str) -> None:
        channel = self._channels.get(generation_id)
        if channel is None:
            return
        if channel.listener is None:
            channel.parts.append(text)
            return
        channel.fresh.append(text)
        self._moves(generation_id, channel)

    def publish_thoughts(self, generation_id: UUID, text: str, milliseconds: int) -> None:
        channel = self._channels.get(generation_id)
        if channel is None:
            return
        channel.thought_for = milliseconds
        if channel.listener is None:
            channel.thoughts.append(text)
            return
        channel.fresh_thoughts.append(text)
        self._moves(generation_id, channel)

    def _moves(self, generation_id: UUID, channel: _Channel) -> None:
        """Pass on what is fresh, now or soon."""
        now, wait = self._loop.time(), self._wait
        if now - channel.passed_at >= wait:
            self._moved.pop(generation_id, None)
            self._pass_on(channel)
            return
        self._moved[generation_id] = channel
        if self._timer is None:
            self._timer = self._loop.call_later(channel.passed_at + wait - now, self._flush)

    def _count(self) -> None:
        self._wait = min(self._longest_wait, len(self._channels) * DELAY_PER_REPLY)

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
        channel.parts, channel.thoughts = [], []
        if channel.listener:
            channel.listener.finish()

    def knows(self, generation_id: UUID) -> bool:
        return generation_id in self._channels

    def is_closed(self, generation_id: UUID) -> bool:
        return self._channels[generation_id].closed

    def is_read(self, generation_id: UUID) -> bool:
        channel = self._channels.get(generation_id)
        return channel is not None and channel.listener is not None

    def end(self, generation_id: UUID) -> None:
        channel = self._channels.pop(generation_id, None)
        self._count()
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
        if channel.thoughts:
            channel.thoughts = ["".join(channel.thoughts)]
            listener.receive_thoughts(channel.thoughts[0], channel.thought_for)
        if channel.notice and not channel.parts[0]:
            listener.notice(channel.notice)
        return channel.parts[0]

    def detach(self, generation_id: UUID, listener: Listener) -> None:
        channel = self._channels.get(generation_id)
        if channel and channel.listener is listener:
            channel.parts += channel.fresh
            channel.thoughts += channel.fresh_thoughts
            channel.fresh, channel.fresh_thoughts, channel.listener = [], [], None

    def _flush(self) -> None:
        self._timer = None
        moved, self._moved = self._moved, {}
        for channel in moved.values():
            self._pass_on(channel)

    def _pass_on(self, channel: _Channel) -> None:
        if channel.listener is None or not (channel.fresh or channel.fresh_thoughts):
            return
        channel.passed_at = self._loop.time()
        try:
            if channel.fresh_thoughts:
                thoughts = _moved_over(channel.fresh_thoughts, channel.thoughts)
                channel.listener.receive_thoughts(thoughts, channel.thought_for)
            if channel.fresh:
                channel.listener.receive(_moved_over(channel.fresh, channel.parts))
        except Exception:  # whatever readers do, the reply goes on
            logger.exception("A listener broke")


def _moved_over(fresh: list[str], parts: list[str]) -> str:
    text = "".join(fresh)
    parts.append(text)
    if len(parts) > MOST_PARTS:
        parts[:] = ["".join(parts)]
    fresh.clear()
    return text
