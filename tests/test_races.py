"""Eight tabs at one chat, and renames, retries, continuations, comparisons, other branches and a deletion in between.

Whatever the order, what was accepted is in the document, once, and in reach.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from random import Random

import pytest

from conversations import services
from conversations.errors import ChatError, ConflictError, ConversationBusy, InputError, NotFound, QuotaExceeded
from conversations.models import Conversation, Generation
from conversations.presenting import can_go_on, message_views
from conversations.stores import get_store
from conversations.streaming.executors import in_database, in_store
from conversations.types import Delta, Message, Transcript
from tests.helpers import finished

pytestmark = pytest.mark.django_db(transaction=True)
TABS, MESSAGES, COMPARISONS = 8, 3, 4
NOT_NOW = (ConversationBusy, QuotaExceeded, ConflictError)


@pytest.fixture(params=["database", "s3"])
def _store(request, settings):
    if request.param == "s3":
        options = request.getfixturevalue("s3_bucket")
        settings.CONVERSATION_STORE = {"BACKEND": "conversations.stores.s3.S3Store", "OPTIONS": options}
    settings.CHAT_MAX_RUNNING_REPLIES = 4


@pytest.fixture
async def chat(_store, engine, alice, scripted) -> Conversation:
    for number in range(200):  # each reply is unlike every other; some are cut
        scripted.enqueue(f"Answer {number} ", Delta(finish_reason="length" if number % 4 == 0 else "stop"))
    return await in_store(lambda: services.create(alice, title="At first"))


async def tab(chat: Conversation, number: int, chance: Random) -> list[Generation]:
    """Sends its messages one after the other; each after what it saw last, which others may have moved on from."""
    accepted, parent = [], ""
    for message in range(MESSAGES):
        while True:
            if chance.random() < 0.5:
                parent = (await in_store(services.read, chat)).leaf or ""
            try:
                accepted.append(await services.send_message(chat, f"Tab {number}, {message}", parent_id=parent))
                break
            except NOT_NOW:
                await asyncio.sleep(0.01)
        parent = accepted[-1].reply_id
    return accepted


async def again(chat: Conversation, chance: Random) -> list[Generation]:
    """Retries and continues whatever it finds."""
    accepted = []
    while len(accepted) < 5:
        await asyncio.sleep(0.02)
        replies = [m for m in (await in_store(services.read, chat)).messages if m.role == "assistant"]
        if not replies:
            continue
        reply = chance.choice(replies)
        verb = services.continue_reply if can_go_on(reply) else services.regenerate
        try:
            accepted.append(await verb(chat, reply.id))
        except NOT_NOW:
            continue
    return accepted


async def comparing(chat: Conversation, chance: Random) -> list[Generation]:
    """Asks all models from wherever it looks, and keeps one of the answers, or none."""
    models = [model.pk for model in await in_database(services.available_models)]
    accepted: list[Generation] = []
    for number in range(COMPARISONS):
        while True:
            parent = (await in_store(services.read, chat)).leaf or ""
            with suppress(*NOT_NOW):
                accepted += await services.compare(chat, f"Comparison {number}", models=models, parent_id=parent)
                break
            await asyncio.sleep(0.01)
        wanted = chance.choice([*accepted[-len(models) :], None])
        while wanted:
            with suppress(*NOT_NOW):
                await services.keep(chat, wanted.reply_id)
                break
            await asyncio.sleep(0.01)
    return accepted


async def rename(chat: Conversation) -> None:
    for number in range(5):
        await in_database(services.rename, chat, f"Name {number}")
        await asyncio.sleep(0.02)


async def look_around(chat: Conversation, chance: Random) -> None:
    for _ in range(10):
        await asyncio.sleep(0.02)
        known = await in_store(get_store().load, chat.key)
        if known.messages:
            await in_store(services.select, chat, chance.choice(known.messages).id)


async def test_what_was_accepted_is_there_once_and_in_reach(chat, scripted):
    chance = Random(7)
    tabs = [tab(chat, number, chance) for number in range(TABS)]
    *written, _, _ = await asyncio.gather(
        *tabs, again(chat, chance), comparing(chat, Random(11)), rename(chat), look_around(chat, chance)
    )
    accepted = [await finished(generation) for generations in written for generation in generations]
    transcript = await in_store(get_store().load, chat.key)
    said = [m.content for m in transcript.messages if m.role == "user"]
    told = [f"Tab {tab}, {message}" for tab in range(TABS) for message in range(MESSAGES)]
    assert sorted(said) == sorted([*told, *(f"Comparison {number}" for number in range(COMPARISONS))])
    assert {m.id for m in transcript.messages if m.role == "assistant"} == {g.reply_id for g in accepted}
    assert len(transcript.messages) == len(transcript.index())
    for generation in accepted:
        check(transcript.index(), generation)
    assert in_reach(transcript) == transcript.index().keys() - gone_into_another(transcript)
    asked = len([request for request in scripted.requests if request.options.get("purpose") != "title"])
    expected = [generation for generation in accepted if generation.backend == "scripted"]
    stopped = [generation for generation in expected if generation.status == "cancelled"]  # perhaps before it was asked
    assert len(expected) - len(stopped) <= asked <= len(expected)
    assert (await in_database(Conversation.objects.get)).title == "Name 4"


def check(index: dict[str, Message], generation: Generation) -> None:
    reply, question = index[generation.reply_id], index[generation.user_message_id]
    assert (reply.content, reply.parent_id) == (generation.reply_text, question.id)
    assert question.content == generation.user_text
    assert (question.parent_id or "") == generation.parent_id
    assert not question.parent_id or question.parent_id in index
    if generation.continues:
        assert reply.content.startswith(index[generation.continues].content)


def gone_into_another(transcript: Transcript) -> set[str]:
    """Replies that stand, as the beginning of another one, in that one."""
    followed = {message.parent_id for message in transcript.messages}
    return {message.metadata.get("continues") for message in transcript.messages} - followed - {None, transcript.leaf}


def in_reach(transcript: Transcript) -> set[str]:
    """All that a person comes to by the arrows between versions, from the branch that is shown."""
    seen: set[str] = set()
    waiting = [transcript.leaf]
    while waiting:
        shown = set(_steps(transcript, waiting.pop()))
        waiting += [transcript.end_below(step) for step in shown - seen]
        seen |= shown
    return seen


def _steps(transcript: Transcript, leaf: str) -> Iterator[str]:
    for view in message_views(transcript, "", leaf):
        yield view.id
        yield from view.versions
    yield from (message.id for message in transcript.lanes(leaf))  # the columns


async def test_a_deletion_in_the_middle_leaves_nothing_behind(chat, engine):
    async def insist(number: int) -> None:
        chance = Random(number)
        while True:
            try:
                await tab(chat, number, chance)
            except (NotFound, InputError):
                return
            except ChatError:
                await asyncio.sleep(0.01)

    async def delete() -> None:
        await asyncio.sleep(0.2)
        await in_store(services.delete, chat)

    async with asyncio.timeout(30):
        await asyncio.gather(*(insist(number) for number in range(TABS)), delete())
        while engine.live or engine._tasks - engine._clock:
            await asyncio.sleep(0.01)
    assert (await in_store(get_store().load, chat.key)).version is None
    assert not await in_database(Conversation.objects.exists)
    assert not await in_database(Generation.objects.exists)
