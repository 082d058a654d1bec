"""How the tests of faulty model servers ask: whole turns, from the message to what a page shows of the reply."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from conversations import streaming
from conversations.models import ChatModel, Generation, ModelFallback
from conversations.streaming.executors import in_database
from conversations.titles import INSTRUCTION
from conversations.types import Message
from tests.helpers import branch, finished, say
from tests.reading import Page, parse
from tests.upstream import Exchange, Upstream

LEFT_ALONE = "did not answer several times in a row, so it is not asked for now"


@dataclass
class Answered:
    """A turn that is over: its row, the reply as it is stored, and the page of somebody who followed."""

    row: Generation
    reply: Message
    page: Page
    waits: list[str]
    """What the reader was told while nothing came."""


async def follow_to_the_end(generation: Generation) -> tuple[Page, list[str]]:
    page, waits = Page(), []
    async with asyncio.timeout(20):
        async for frames in streaming.follow(generation.pk):
            page.take(frames)
            waits += [event.data["text"] for event in parse(frames) if event.name == "waiting"]
    return page, waits


async def answered(user, text: str = "Hi", **options) -> Answered:
    """Send a message in a new conversation and follow the reply to its end."""
    generation = await say(user, text, **options)
    page, waits = await follow_to_the_end(generation)
    row = await finished(generation)
    return Answered(row, (await branch(row.conversation))[-1], page, waits)


def asked(upstream: Upstream) -> list[Exchange]:
    """The requests for answers; those for titles left out."""
    return [x for x in upstream.exchanges if x.body["messages"][-1]["content"] != INSTRUCTION]


async def stand_in(model: ChatModel, *substitutes: ChatModel) -> None:
    """These answer when `model` does not, in this order."""
    rows = [ModelFallback(model=model, substitute=other, order=i) for i, other in enumerate(substitutes)]
    await in_database(lambda: ModelFallback.objects.bulk_create(rows))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def fail(user, upstream, *steps, times: int = 3, **options) -> None:
    for _ in range(times):
        upstream.enqueue(*steps)
        assert (await answered(user, **options)).row.status == "failed"
