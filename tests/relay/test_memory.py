"""When text passes through the relay of one process."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from conversations.relay import MemoryRelay


class Page:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def receive(self, text: str) -> None:
        self.texts.append(text)


class Broken(Page):
    def receive(self, text: str) -> None:
        raise ValueError(text)


def crowded(size: int = 400) -> MemoryRelay:
    relay = MemoryRelay()
    for _ in range(size):
        relay.open(uuid4())
    return relay


def attached(relay: MemoryRelay, page: Page):
    reply = uuid4()
    relay.open(reply)
    relay.attach(reply, page)
    return reply


async def test_text_after_a_silence_passes_at_once_and_what_follows_soon_is_joined(settings):
    settings.CHAT_FLUSH_INTERVAL = 0.05
    relay, page = crowded(), Page()
    reply = attached(relay, page)
    for word in ("one ", "two ", "three "):
        relay.publish(reply, word)
    assert page.texts == ["one "]
    await asyncio.sleep(0.2)
    assert page.texts == ["one ", "two three "]


async def test_a_listener_that_breaks_takes_no_reply_with_it():
    relay, page = MemoryRelay(), Page()
    broken, sound = attached(relay, Broken()), attached(relay, page)
    relay.publish(broken, "lost on this page, not in the row")
    relay.publish(sound, "Hello")
    assert page.texts == ["Hello"]
