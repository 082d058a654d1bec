"""Replies whose process says nothing any more: their owner need not wait until it is declared dead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import pytest

from conversations import services
from conversations.errors import ConversationBusy, QuotaExceeded
from conversations.models import Generation, Writer
from conversations.services.acceptance import Draft, accept
from conversations.stores import get_store
from conversations.streaming import clock
from conversations.streaming.executors import in_database, in_store
from conversations.types import Transcript
from tests.helpers import branch, finished, refreshed, say

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def _soon_silent(settings):
    settings.CHAT_SILENT_AFTER = 0.3


@pytest.fixture
async def silent(engine, _soon_silent) -> Writer:
    """Another process, which is not heard of again."""
    await engine.ready()
    return await in_database(lambda: Writer.objects.create(host="another-host", pid=1))


async def held_by(writer: Writer, user, model) -> Generation:
    """A reply in progress that another process holds, with some text."""
    conversation = services.start_conversation(user)
    if not get_store().shares_database:
        await in_store(get_store().save, conversation.key, Transcript())
    draft = Draft(conversation, model, uuid4().hex, "Hi", "", {}, uuid4().hex, "hash", is_new_message=True)
    generation, _ = await in_database(accept, draft, writer.pk)
    rows = Generation.objects.filter(pk=generation.pk)
    await in_database(lambda: rows.update(reply_text="Some wor"))
    return await refreshed(generation)


@asynccontextmanager
async def alive(writer: Writer) -> AsyncIterator[None]:
    """The other process raises its counter meanwhile."""

    async def beat():
        while True:
            await in_database(clock.beat, writer.pk)
            await asyncio.sleep(0.05)

    task = asyncio.create_task(beat())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def in_time(verb, *refusals) -> Generation:
    """Ask again and again, as the owner does, until it is not refused any more."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await verb()
            except refusals:
                await asyncio.sleep(0.05)


async def test_a_stop_settles_what_a_silent_process_was_writing(silent, alice, catalogue):
    generation = await held_by(silent, alice, catalogue["scripted"])
    await services.stop(generation)
    row = await finished(generation)
    assert (row.status, row.reply_text) == ("cancelled", "Some wor")
    assert [m.content for m in await branch(generation.conversation)] == ["Hi", "Some wor"]


async def test_a_stop_of_what_a_silent_process_writes_is_done_when_it_is_answered(silent, engine, alice, catalogue):
    generation = await held_by(silent, alice, catalogue["scripted"])
    async with asyncio.timeout(10):
        while not engine.is_silent(silent.pk):
            await asyncio.sleep(0.02)
    await services.stop(generation)
    assert (await refreshed(generation)).status == "cancelled"


async def test_a_stop_of_what_a_living_process_writes_is_left_to_it(silent, alice, catalogue):
    generation = await held_by(silent, alice, catalogue["scripted"])
    async with alive(silent):
        await asyncio.sleep(0.6)
        await services.stop(generation)
        await asyncio.sleep(0.3)
        row = await refreshed(generation)
    assert (row.is_live, row.stop_requested) == (True, True)


async def test_a_process_that_was_only_just_seen_is_not_silent(engine, alice, catalogue, settings):
    await engine.ready()
    other = await in_database(lambda: Writer.objects.create(host="another-host", pid=1))
    generation = await held_by(other, alice, catalogue["scripted"])
    await asyncio.sleep(0.3)
    with pytest.raises(ConversationBusy):
        await services.regenerate(generation.conversation, generation.reply_id)
    await services.stop(generation)
    assert (await refreshed(generation)).is_live


async def test_a_process_without_a_row_is_silent_at_once(engine, alice, catalogue, scripted):
    await engine.ready()
    other = await in_database(lambda: Writer.objects.create(host="another-host", pid=1))
    generation = await held_by(other, alice, catalogue["scripted"])
    await in_database(clock.resign, other.pk)
    again = await services.regenerate(generation.conversation, generation.reply_id)
    await finished(again)
    assert (await finished(generation)).status == "interrupted"


async def test_a_retry_interrupts_what_a_silent_process_was_writing(silent, alice, catalogue, scripted):
    generation = await held_by(silent, alice, catalogue["scripted"])
    scripted.enqueue("Now it works")
    again = await in_time(lambda: services.regenerate(generation.conversation, generation.reply_id), ConversationBusy)
    await finished(again)
    assert (await finished(generation)).status == "interrupted"
    assert [m.content for m in await branch(generation.conversation)] == ["Hi", "Now it works"]


async def test_an_answer_of_a_silent_process_is_continued(silent, alice, catalogue, scripted):
    generation = await held_by(silent, alice, catalogue["scripted"])
    scripted.enqueue("ds.")
    again = await in_time(
        lambda: services.continue_reply(generation.conversation, generation.reply_id), ConversationBusy
    )
    await finished(again)
    assert [m.content for m in await branch(generation.conversation)] == ["Hi", "Some words."]


@pytest.mark.parametrize("beside", [False, True])
async def test_a_message_after_or_beside_a_silent_process_s_reply_is_accepted(
    silent, alice, catalogue, scripted, beside
):
    generation = await held_by(silent, alice, catalogue["scripted"])
    parent = "" if beside else generation.reply_id
    again = await in_time(
        lambda: services.send_message(generation.conversation, "Next", parent_id=parent), ConversationBusy
    )
    await finished(again)
    assert (await finished(generation)).status == "interrupted"
    said = [m.content for m in await branch(generation.conversation)]
    assert said == (["Next", "Next"] if beside else ["Hi", "Some wor", "Next", "Next"])


async def test_replies_of_a_silent_process_do_not_use_up_the_quota(silent, alice, catalogue):
    for _ in range(2):
        await held_by(silent, alice, catalogue["scripted"])
    await finished(await in_time(lambda: say(alice, "Third"), QuotaExceeded))


async def test_replies_of_a_living_process_do(silent, alice, catalogue):
    for _ in range(2):
        await held_by(silent, alice, catalogue["scripted"])
    async with alive(silent):
        await asyncio.sleep(0.6)
        with pytest.raises(QuotaExceeded):
            await say(alice, "Third")
