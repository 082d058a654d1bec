"""The verbs of a conversation, as the way of one message walks through them."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from uuid import uuid4

import pytest

from conversations import services, streaming
from conversations.errors import (
    BackendError,
    ConversationBusy,
    InputError,
    KeyReused,
    NotFound,
    QuotaExceeded,
    ShuttingDown,
    StoreUnavailable,
    TooLarge,
)
from conversations.models import Conversation, Generation, StoredTranscript, Writer
from conversations.services.memory import alternating
from conversations.stores import get_store
from conversations.streaming import clock
from conversations.streaming.candidates import Candidate
from conversations.streaming.executors import in_database, in_store
from conversations.streaming.obituary import Obituary
from conversations.streaming.reply import LiveReply
from conversations.types import ChatRequest, Delta, Message, Usage
from tests.helpers import branch, finished, refreshed, say

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_message_is_answered_and_both_are_found_again(engine, alice, scripted):
    scripted.enqueue("Hel", "lo!")
    generation = await say(alice, "Hi there")
    await finished(generation)
    shown = await branch(generation.conversation)
    assert [(m.role, m.content) for m in shown] == [("user", "Hi there"), ("assistant", "Hello!")]
    assert shown[1].metadata["status"] == "completed"


async def test_the_turn_is_durable_before_the_model_is_called(engine, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue(gate.wait, "late")
    generation = await say(alice, "Hi")
    row = await refreshed(generation)
    assert (row.status, row.user_text) == ("in_progress", "Hi")
    gate.set()
    await finished(generation)


async def test_the_model_sees_the_system_prompt_and_the_whole_branch(engine, alice, scripted, settings):
    settings.CHAT_SYSTEM_PROMPT = "Be kind."
    first = await say(alice, "One")
    await finished(first)
    await finished(await services.send_message(first.conversation, "Two"))
    asked = scripted.requests[-1] if scripted.requests[-1].options.get("purpose") != "title" else scripted.requests[-2]
    assert [(m.role, m.content) for m in asked.messages] == [
        ("system", "Be kind."),
        ("user", "One"),
        ("assistant", "One"),
        ("user", "Two"),
    ]


async def test_the_system_prompt_is_never_in_the_conversation(engine, alice):
    generation = await say(alice, "Hi")
    await finished(generation)
    assert {m.role for m in await branch(generation.conversation)} == {"user", "assistant"}


async def test_the_mission_s_verbs_find_conversations(engine, alice, bob):
    first, second = await say(alice, "First"), None
    await finished(first)
    second = await say(alice, "Second")
    await finished(second)
    newest = await in_database(services.latest, alice)
    assert newest.pk == second.conversation_id
    assert await in_database(lambda: [c.pk for c in services.all_of(alice)]) == [
        second.conversation_id,
        first.conversation_id,
    ]
    assert (await in_database(services.by_id, alice, first.conversation_id)).pk == first.conversation_id
    with pytest.raises(NotFound):
        await in_database(services.by_id, bob, first.conversation_id)
    assert await in_database(services.latest, bob) is None


async def test_a_conversation_can_be_created_and_stored_without_a_model(catalogue, alice):
    conversation = await in_store(lambda: services.create(alice, title="Imported"))
    await in_store(
        services.store, conversation, Message("user", "Hi", id="a"), Message("assistant", "Ho", parent_id="a")
    )
    assert [m.content for m in await branch(conversation)] == ["Hi", "Ho"]
    saved = await in_database(services.by_id, alice, conversation.pk)
    assert (saved.title, saved.message_count, saved.size) == ("Imported", 2, 4)


@pytest.mark.parametrize("text", ["", "   \n\t "])
async def test_a_blank_message_is_refused(engine, alice, text):
    with pytest.raises(InputError):
        await say(alice, text)
    assert not await in_database(Conversation.objects.exists)


async def test_a_message_that_is_too_long_is_refused(engine, alice, settings):
    settings.CHAT_MAX_MESSAGE_LENGTH = 10
    with pytest.raises(TooLarge, match="at most 10"):
        await say(alice, "x" * 11)
    assert not await in_database(Generation.objects.exists)


async def test_half_characters_and_nul_do_not_break_a_message(engine, alice, scripted):
    scripted.enqueue("half \ud83d", "\ude00 and lone \ud800", " nul \0 end")
    generation = await say(alice, "nul \0 lone \udc00 Nguyễn")
    await finished(generation)
    said, answered = await branch(generation.conversation)
    assert said.content == "nul � lone � Nguyễn"
    assert answered.content == "half 😀 and lone � nul � end"


async def test_the_same_key_is_one_turn_and_one_call(engine, alice, scripted):
    conversation = services.start_conversation(alice)
    sends = [
        services.send_message(services.start_conversation(alice), "Hi", parent_id="", idempotency_key="k" * 16)
        for _ in range(10)
    ]
    generations = await asyncio.gather(*sends)
    assert len({g.pk for g in generations}) == 1
    await finished(generations[0])
    assert len([r for r in scripted.requests if r.options.get("purpose") != "title"]) == 1
    assert await in_database(Conversation.objects.count) == 1
    assert len(await branch(generations[0].conversation)) == 2
    assert conversation._state.adding


async def test_the_same_key_with_another_text_is_refused(engine, alice):
    await finished(await say(alice, "Hi", idempotency_key="k" * 16))
    with pytest.raises(KeyReused):
        await say(alice, "Something else", idempotency_key="k" * 16)


async def test_two_people_may_use_the_same_key(engine, alice, bob):
    first = await say(alice, "Hi", idempotency_key="k" * 16)
    second = await say(bob, "Hi", idempotency_key="k" * 16)
    assert first.pk != second.pk
    await finished(first)
    await finished(second)


async def test_no_more_than_two_replies_run_for_one_person(engine, alice, bob, scripted, settings):
    gate = asyncio.Event()
    for _ in range(3):
        scripted.enqueue(gate.wait, "done")
    running = [await say(alice, "One"), await say(alice, "Two")]
    with pytest.raises(QuotaExceeded):
        await say(alice, "Three")
    running.append(await say(bob, "Mine"))
    gate.set()
    for generation in running:
        await finished(generation)
    await finished(await say(alice, "Three"))


async def test_a_branch_whose_reply_is_being_written_is_busy(engine, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue(gate.wait, "done")
    first = await say(alice, "One")
    with pytest.raises(ConversationBusy):
        await services.send_message(first.conversation, "From the other tab", parent_id="")
    with pytest.raises(ConversationBusy):
        await services.send_message(first.conversation, "After it", parent_id=first.reply_id)
    gate.set()
    await finished(first)


async def test_a_stale_tab_s_message_becomes_a_sibling(engine, alice):
    first = await say(alice, "One")
    await finished(first)
    second = await services.send_message(first.conversation, "Two", parent_id=first.reply_id)
    await finished(second)
    stale = await services.send_message(first.conversation, "Also two", parent_id=first.reply_id)
    await finished(stale)
    transcript = await in_store(services.read, first.conversation)
    assert [m.content for m in transcript.branch()][-2:] == ["Also two", "Also two"]
    await in_store(services.select, first.conversation, second.user_message_id)
    assert [m.content for m in await branch(first.conversation)][-2:] == ["Two", "Two"]


async def test_a_message_after_one_that_does_not_exist_is_refused(engine, alice):
    first = await say(alice, "One")
    await finished(first)
    with pytest.raises(InputError):
        await services.send_message(first.conversation, "Two", parent_id="nothing")


async def test_another_answer_stands_beside_the_first_and_is_shown(engine, alice, scripted):
    scripted.enqueue(BackendError("The model is not there."))
    scripted.enqueue("Now it works")
    failed = await say(alice, "Hi")
    await finished(failed)
    again = await services.regenerate(failed.conversation, failed.reply_id)
    await finished(again)
    transcript = await in_store(services.read, failed.conversation)
    assert [m.content for m in transcript.branch()] == ["Hi", "Now it works"]
    assert len(transcript.messages) == 3


async def test_an_edited_message_is_a_sibling_and_is_shown(engine, alice):
    first = await say(alice, "Wrong")
    await finished(first)
    edited = await services.edit_message(first.conversation, first.user_message_id, "Right")
    await finished(edited)
    transcript = await in_store(services.read, first.conversation)
    assert [m.content for m in transcript.branch()] == ["Right", "Right"]
    assert len(transcript.messages) == 4


async def test_selecting_shows_the_other_branch(engine, alice, scripted):
    first = await say(alice, "Hi")
    await finished(first)
    scripted.enqueue("Other")
    again = await services.regenerate(first.conversation, first.reply_id)
    await finished(again)
    await in_store(services.select, first.conversation, first.reply_id)
    assert [m.content for m in await branch(first.conversation)] == ["Hi", "Hi"]


async def test_stop_keeps_what_was_written_and_closes_the_upstream(engine, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue("Some words ", gate.wait, "never")
    generation = await say(alice, "Hi")
    while not engine.live[generation.pk].length:
        await asyncio.sleep(0.005)
    await services.stop(generation)
    row = await finished(generation)
    assert (row.status, row.reply_text) == ("cancelled", "Some words ")
    assert scripted.closed == 1
    assert (await branch(generation.conversation))[-1].metadata["status"] == "cancelled"


async def test_stop_before_the_first_step_still_decides_the_reply(engine):
    await engine.ready()
    reply = LiveReply(uuid4(), (Candidate("scripted"),), ChatRequest((Message("user", "Hi"),)))
    engine.launch(reply)
    assert engine.stop(reply.generation_id)
    await engine_idle(engine)
    assert reply.outcome.status == "cancelled"


async def test_a_stop_asked_for_elsewhere_reaches_the_writer(engine, alice, scripted):
    scripted.enqueue("Some words ", asyncio.Event().wait)
    generation = await say(alice, "Hi")
    rows = Generation.objects.filter(pk=generation.pk)
    await in_database(lambda: rows.update(stop_requested=True))
    assert (await finished(generation)).status == "cancelled"


@pytest.mark.parametrize(
    ("steps", "status", "code"),
    [
        (("half ", BackendError("The token is wrong.")), "failed", "backend_error"),
        ((ValueError("a bug"),), "failed", "bug"),
        ((), "failed", "empty"),
    ],
)
async def test_a_failing_model_leaves_a_sentence_and_what_arrived(engine, alice, scripted, steps, status, code):
    scripted.enqueue(*steps)
    row = await finished(await say(alice, "Hi"))
    assert (row.status, row.error_code) == (status, code)
    assert row.error.endswith(".")
    assert row.reply_text == "".join(step for step in steps if isinstance(step, str))


async def test_a_model_that_never_ends_is_stopped_at_the_deadline(engine, alice, scripted, settings):
    settings.CHAT_REPLY_DEADLINE = 0.05
    scripted.enqueue("some", asyncio.Event().wait)
    row = await finished(await say(alice, "Hi"))
    assert (row.status, row.error_code, row.reply_text) == ("failed", "deadline", "some")


async def test_a_disabled_model_cannot_be_asked(engine, alice, catalogue):
    model = catalogue["scripted"]
    model.enabled = False
    await in_database(model.save)
    with pytest.raises(InputError):
        await say(alice, "Hi", model=model.pk)


async def test_a_store_that_is_down_refuses_the_message_and_keeps_nothing(engine, alice, settings):
    first = await say(alice, "One")
    await finished(first)
    settings.CONVERSATION_STORE = {"BACKEND": "tests.helpers.BrokenStore"}
    with pytest.raises(StoreUnavailable):
        await services.send_message(first.conversation, "Two")
    with pytest.raises(StoreUnavailable):
        await say(alice, "New")
    assert await in_database(Generation.objects.count) == 1
    assert await in_database(Conversation.objects.count) == 1


async def test_a_store_that_comes_back_gets_what_it_missed(engine, alice, scripted, settings):
    gate = asyncio.Event()
    scripted.enqueue(gate.wait, "kept")
    generation = await say(alice, "Hi")
    working = settings.CONVERSATION_STORE
    settings.CONVERSATION_STORE = {"BACKEND": "tests.helpers.BrokenStore"}
    gate.set()
    await finished(generation, stored=False)
    settings.CONVERSATION_STORE = working
    assert [m.content for m in await branch(generation.conversation)] == ["Hi", "kept"]
    await finished(generation)
    stored = await in_store(get_store().load, generation.conversation.key)
    assert [m.content for m in stored.branch()] == ["Hi", "kept"]


async def test_a_title_of_the_model_comes_after_the_first_reply(engine, alice, scripted):
    scripted.enqueue_title('"Baking Bread."')
    generation = await say(alice, "How do I bake bread at home?")
    assert generation.conversation.title == "How do I bake bread…"
    await finished(generation)
    await engine_idle(engine)
    row = await in_database(services.by_id, alice, generation.conversation_id)
    assert (row.title, row.title_source) == ("Baking Bread", "model")


async def test_a_rename_is_never_overwritten_by_the_model(engine, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue_title(gate.wait, "By the model")
    generation = await say(alice, "Hi")
    await finished(generation)
    await in_database(services.rename, generation.conversation, "  My   name ")
    gate.set()
    await engine_idle(engine)
    row = await in_database(services.by_id, alice, generation.conversation_id)
    assert (row.title, row.title_source) == ("My name", "user")


@pytest.mark.parametrize("title", ["", "  ", "x" * 201])
async def test_a_title_without_text_or_end_is_refused(catalogue, alice, title):
    conversation = await in_store(lambda: services.create(alice))
    with pytest.raises(InputError):
        await in_database(services.rename, conversation, title)


async def test_deleting_takes_the_document_along(engine, alice):
    generation = await say(alice, "Hi")
    await finished(generation)
    key = generation.conversation.key
    await in_store(services.delete, generation.conversation)
    assert (await in_store(get_store().load, key)).version is None
    with pytest.raises(NotFound):
        await in_database(services.by_id, alice, generation.conversation_id)
    assert not await in_database(Generation.objects.exists)


async def test_deleting_in_mid_reply_closes_the_upstream_and_brings_nothing_back(engine, alice, scripted):
    scripted.enqueue("Some words ", asyncio.Event().wait)
    generation = await say(alice, "Hi")
    await in_store(services.delete, generation.conversation)
    await engine_idle(engine)
    assert scripted.closed == 1
    assert (await in_store(get_store().load, generation.conversation.key)).version is None


async def test_a_document_the_store_could_not_delete_goes_when_it_is_back(engine, alice, settings):
    generation = await say(alice, "Hi")
    await finished(generation)
    working = settings.CONVERSATION_STORE
    settings.CONVERSATION_STORE = {"BACKEND": "tests.helpers.BrokenStore"}
    await in_store(services.delete, generation.conversation)
    with pytest.raises(NotFound):
        await in_database(services.by_id, alice, generation.conversation_id)
    settings.CONVERSATION_STORE = working
    while await in_database(Conversation.objects.exists):
        await asyncio.sleep(0.02)
    assert (await in_store(get_store().load, generation.conversation.key)).version is None


async def test_a_restart_interrupts_what_a_dead_process_left(engine, alice, scripted):
    scripted.enqueue("Some words ", asyncio.Event().wait)
    generation = await say(alice, "Hi")
    rows = Generation.objects.filter(pk=generation.pk)
    dead = await in_database(lambda: Writer.objects.create(host=socket.gethostname(), pid=2**22 + 1))  # no such process
    await in_database(lambda: rows.update(writer=dead))
    await in_database(clock.register)
    row = await refreshed(generation)
    assert row.status == "interrupted"
    assert not await in_database(Writer.objects.filter(pk=dead.pk).exists)


async def test_a_restart_takes_a_process_that_nobody_collected_for_dead(engine, alice, scripted):
    scripted.enqueue("Some words ", asyncio.Event().wait)
    generation = await say(alice, "Hi")
    zombie = await asyncio.to_thread(subprocess.Popen, ["true"])  # its parent, this test, does not wait for it yet
    try:
        await asyncio.to_thread(os.waitid, os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        dead = await in_database(lambda: Writer.objects.create(host=socket.gethostname(), pid=zombie.pid))
        await in_database(lambda: Generation.objects.filter(pk=generation.pk).update(writer=dead))
        await in_database(clock.register)
    finally:
        zombie.wait()
    assert (await refreshed(generation)).status == "interrupted"


async def test_a_process_that_was_buried_by_mistake_accepts_at_once(engine, alice, bob, scripted, settings):
    settings.CHAT_CLOCK_INTERVAL = 60  # so it does not find out by itself first
    await engine.ready()
    await in_database(Writer.objects.filter(pk=engine.id).delete)
    for _ in range(2):
        scripted.enqueue("Here I am")
    for turn in await asyncio.gather(say(alice, "Hi"), say(bob, "Hi")):
        row = await finished(turn)
        assert (row.status, row.reply_text, row.writer_id) == ("completed", "Here I am", engine.id)


async def test_a_writer_that_lost_its_claim_stores_nothing(engine, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue("Some words ", gate.wait, "too late")
    generation = await say(alice, "Hi")
    rows = Generation.objects.filter(pk=generation.pk)
    await in_database(lambda: rows.update(status="interrupted", reply_text="Some"))
    await engine_idle(engine)
    row = await refreshed(generation)
    assert (row.status, row.reply_text) == ("interrupted", "Some")
    gate.set()


async def test_a_checkpoint_that_comes_too_late_changes_nothing(engine, alice, scripted):
    generation = await finished(await say(alice, "Hi"))
    await in_database(clock.checkpoint, engine.id, [(generation.pk, "too late")])
    assert (await refreshed(generation)).reply_text == "Hi"


async def test_text_is_checkpointed_while_it_is_written(engine, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue("Some words ", gate.wait, "and more")
    generation = await say(alice, "Hi")
    while (await refreshed(generation)).reply_text != "Some words ":
        await asyncio.sleep(0.02)
    gate.set()
    assert (await finished(generation)).reply_text == "Some words and more"


async def test_a_shutdown_lets_short_replies_end_and_interrupts_long_ones(engine, alice, scripted, settings):
    settings.CHAT_SHUTDOWN_GRACE = 0.3
    gate = asyncio.Event()
    scripted.enqueue(gate.wait, "short")
    scripted.enqueue("long ", asyncio.Event().wait)
    short, long = await say(alice, "One"), await say(alice, "Two")
    streaming.begin_shutdown()
    with pytest.raises(ShuttingDown):
        await say(alice, "Three")
    gate.set()
    await streaming.shutdown()
    assert (await refreshed(short)).status == "completed"
    row = await refreshed(long)
    assert (row.status, row.reply_text) == ("interrupted", "long ")
    assert row.stored_at


def test_neighbours_of_one_role_are_joined_and_empty_answers_left_out():
    messages = [Message("user", "a"), Message("assistant", ""), Message("user", "b"), Message("assistant", "c")]
    assert [(m.role, m.content) for m in alternating(messages)] == [("user", "a\n\nb"), ("assistant", "c")]


async def engine_idle(engine) -> None:
    """Until nothing but the clock runs."""
    async with asyncio.timeout(10):
        while engine.live or engine._tasks - engine._clock:
            await asyncio.sleep(0.01)


async def test_a_chat_that_is_full_says_so_before_anything_is_accepted(engine, alice, settings):
    first = await say(alice, "x" * 3_000)
    await finished(first)
    settings.CHAT_MAX_DOCUMENT_SIZE = 8_000
    conversation = (await refreshed(first)).conversation
    with pytest.raises(TooLarge, match="Start a new one to go on"):
        await services.send_message(conversation, "One more")
    assert await in_database(Generation.objects.count) == 1


async def test_a_broken_document_does_not_keep_other_turns_from_the_store(engine, alice, settings, scripted):
    gates = [asyncio.Event(), asyncio.Event()]
    scripted.enqueue(gates[0].wait, "first")
    scripted.enqueue(gates[1].wait, "second")
    broken, whole = await say(alice, "One"), await say(alice, "Two")
    working = settings.CONVERSATION_STORE
    settings.CONVERSATION_STORE = {"BACKEND": "tests.helpers.BrokenStore"}
    for gate in gates:
        gate.set()
    await finished(broken, stored=False)
    await finished(whole, stored=False)
    rows = StoredTranscript.objects.filter(conversation_id=str(broken.conversation_id))
    await in_database(lambda: rows.update(document="{"))
    settings.CONVERSATION_STORE = working
    await finished(whole)
    assert (await refreshed(broken)).stored_at is None


async def test_a_turn_without_a_task_is_settled_by_the_clock(engine, alice, scripted):
    scripted.enqueue("some ", asyncio.Event().wait)
    generation = await say(alice, "Hi")
    reply = engine.live.pop(generation.pk)  # as if the process had failed between accepting and beginning
    assert (await finished(generation)).status == "interrupted"
    reply.task.cancel()


async def test_impossible_counts_of_tokens_do_not_keep_a_reply_open(engine, alice, scripted):
    scripted.enqueue("Hello", Delta(finish_reason="stop" * 10, usage=Usage(-1, 2**40)))
    row = await finished(await say(alice, "Hi"))
    assert (row.status, row.prompt_tokens, row.completion_tokens) == ("completed", None, None)


async def test_an_endless_answer_is_cut(engine, alice, scripted, settings):
    settings.CHAT_MAX_REPLY_LENGTH = 1_000
    scripted.enqueue(*["word " * 100] * 10, BackendError("too late"))
    row = await finished(await say(alice, "Hi"))
    assert (row.status, row.finish_reason) == ("completed", "length")
    assert len(row.reply_text) < 2_000


async def test_an_answer_without_an_end_is_interrupted_never_complete(engine, alice, settings):
    settings.CHAT_BACKENDS = {"scripted": {"BACKEND": "tests.helpers.Endless"}}
    assert (await finished(await say(alice, "Hi"))).status == "interrupted"


async def test_a_slow_title_does_not_hold_up_the_clock(engine, alice, scripted):
    scripted.enqueue_title(asyncio.Event().wait)
    scripted.enqueue("done")
    await finished(await say(alice, "One"))
    gate = asyncio.Event()
    scripted.enqueue("Some words ", gate.wait)
    second = await say(alice, "Two")
    while (await refreshed(second)).reply_text != "Some words ":
        await asyncio.sleep(0.02)
    gate.set()
    await finished(second)


async def test_a_process_whose_counter_stands_still_is_buried(engine, alice, scripted, settings):
    scripted.enqueue("Some words ", asyncio.Event().wait)
    generation = await say(alice, "Hi")
    rows = Generation.objects.filter(pk=generation.pk)
    dead = await in_database(lambda: Writer.objects.create(host="another-host", pid=1))
    await in_database(lambda: rows.update(writer=dead, reply_text="Some"))
    watcher = Obituary()
    await in_database(watcher.watch, engine.id)
    assert (await refreshed(generation)).is_live
    settings.CHAT_DEAD_AFTER = 0.0
    await in_database(watcher.watch, engine.id)
    row = await refreshed(generation)
    assert (row.status, row.reply_text) == ("interrupted", "Some")


async def test_a_process_that_lives_is_not_buried(engine, alice, settings):
    settings.CHAT_DEAD_AFTER = 1.0
    other = await in_database(lambda: Writer.objects.create(host="another-host", pid=1))
    watcher = Obituary()
    for _ in range(25):
        await in_database(clock.beat, other.pk)
        await in_database(watcher.watch, engine.id)
        await asyncio.sleep(0.05)
    assert await in_database(Writer.objects.filter(pk=other.pk).exists)


async def test_an_absent_document_keeps_the_turn_in_its_row(engine, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue(gate.wait, "kept")
    generation = await say(alice, "Hi")
    await in_store(get_store().delete, generation.conversation.key)
    gate.set()
    await finished(generation, stored=False)
    await asyncio.sleep(0.3)
    row = await refreshed(generation)
    assert (row.stored_at, row.reply_text) == (None, "kept")
    assert [m.content for m in await branch(generation.conversation)] == ["Hi", "kept"]
