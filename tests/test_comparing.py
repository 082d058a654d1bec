"""The same message to several models: accepted as one turn, answered side by side, until one answer is kept."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connections

from conversations import services, streaming
from conversations.backends import get_backend
from conversations.errors import (
    BackendError,
    BackendUnavailable,
    ConversationBusy,
    InputError,
    KeyReused,
    QuotaExceeded,
    StoreUnavailable,
)
from conversations.models import ChatModel, Conversation, Generation, ModelFallback, ModelSetting, Writer
from conversations.presenting import message_views
from conversations.services.acceptance import Draft, accept, accept_all
from conversations.stores import get_store
from conversations.streaming import outcome, storing
from conversations.streaming.executors import in_database, in_store
from conversations.types import Delta
from tests.helpers import branch, finished, refreshed, say

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "k" * 32
NAMES = ("scripted", "second", "third")


@pytest.fixture(params=["database", "s3"])
def stores(request, settings):
    """Both kinds of store, for what depends on it."""
    if request.param == "s3":
        options = request.getfixturevalue("s3_bucket")
        settings.CONVERSATION_STORE = {"BACKEND": "conversations.stores.s3.S3Store", "OPTIONS": options}


@pytest.fixture
def models(settings, catalogue) -> dict[str, ChatModel]:
    """Three models that follow scripts of their own, by the aliases of their connections."""
    script = settings.CHAT_BACKENDS["scripted"]
    settings.CHAT_BACKENDS = settings.CHAT_BACKENDS | {"second": script, "third": script}
    services.seed_catalogue()
    return {model.backend: model for model in services.available_models()}


@pytest.fixture
def pks(models) -> list[int]:
    return [models[name].pk for name in NAMES]


class Held:
    """Each model has said a word and waits; `open(name)` lets one of them end."""

    def __init__(self) -> None:
        self._gates = {name: asyncio.Event() for name in NAMES}
        for name, gate in self._gates.items():
            get_backend(name).enqueue(f"{name} ", gate.wait, "ends")

    def open(self, *names: str) -> None:
        for name in names or NAMES:
            self._gates[name].set()


@pytest.fixture
async def held(engine, models) -> Held:
    return Held()


async def compared(user, pks, text: str = "Hi", **options) -> tuple[Generation, ...]:
    """A comparison in a new conversation."""
    return await services.compare(services.start_conversation(user), text, models=pks, parent_id="", **options)


async def all_finished(lanes) -> list[Generation]:
    return [await finished(lane) for lane in lanes]


async def known(generation: Generation):
    """The transcript as pages get it."""
    conversation = await in_database(lambda: Conversation.objects.get(pk=generation.conversation_id))
    return await in_store(services.read, conversation)


async def stored(generation: Generation):
    return await in_store(get_store().load, generation.conversation.key)


def asked(name: str) -> list[str]:
    """What was asked of a model, titles left out."""
    requests = [request for request in get_backend(name).requests if request.options.get("purpose") != "title"]
    return [request.messages[-1].content for request in requests]


async def test_one_message_gets_an_answer_from_each_model(stores, engine, alice, models, pks):
    for name in NAMES:
        get_backend(name).enqueue(f"I am {name}")
    lanes = await all_finished(await compared(alice, pks))
    transcript = await stored(lanes[0])
    assert [message.role for message in transcript.messages] == ["user", "assistant", "assistant", "assistant"]
    assert transcript.leaf == lanes[0].user_message_id
    beside = transcript.lanes(transcript.leaf)
    assert [message.content for message in beside] == ["I am scripted", "I am second", "I am third"]
    assert [message.id for message in beside] == [lane.reply_id for lane in lanes]
    assert [asked(name) for name in NAMES] == [["Hi"]] * 3


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0), (0, 2, 1)])
async def test_whatever_ends_first_the_columns_stay_in_their_order(stores, held, alice, pks, order):
    lanes = await compared(alice, pks)
    for lane in order:
        held.open(NAMES[lane])
        await finished(lanes[lane])
        transcript = await known(lanes[0])
        assert transcript.leaf == lanes[0].user_message_id
        assert [message.id for message in transcript.lanes(transcript.leaf)] == [lane.reply_id for lane in lanes]
    transcript = await stored(lanes[0])
    assert len(transcript.messages) == 4
    assert [message.content for message in transcript.lanes(transcript.leaf)] == [f"{name} ends" for name in NAMES]


async def test_an_answer_that_fails_leaves_the_others_alone(stores, engine, alice, models, pks):
    get_backend("second").enqueue("Half", BackendError("Out of memory."))
    lanes = await all_finished(await compared(alice, pks))
    assert [lane.status for lane in lanes] == ["completed", "failed", "completed"]
    transcript = await stored(lanes[0])
    assert [message.metadata.get("error", "") for message in transcript.lanes(transcript.leaf)] == [
        "",
        "Out of memory.",
        "",
    ]


async def test_a_substitute_answers_in_the_column_of_the_model_that_did_not(engine, alice, models, pks):
    get_backend("second").enqueue(BackendUnavailable("Not now.", is_transient=False))
    row = ModelFallback(model=models["second"], substitute=models["third"])
    await in_database(row.save)
    lanes = await all_finished(await compared(alice, pks[:2]))
    assert [lane.backend for lane in lanes] == ["scripted", "third"]
    assert lanes[1].instead_of == models["second"].label
    assert (await stored(lanes[0])).lanes(lanes[0].user_message_id)[1].metadata["instead_of"]
    await services.keep(lanes[0].conversation, lanes[1].reply_id)
    assert (await in_database(Conversation.objects.get)).model_id == models["third"].pk


async def test_each_model_is_asked_with_settings_of_its_own(engine, alice, models, pks):
    row = ModelSetting(model=models["second"], name="temperature", most=0.2)
    await in_database(row.save)
    chat = services.start_conversation(alice)
    chat.options = {"temperature": 0.9}
    await all_finished(await services.compare(chat, "Hi", models=pks, parent_id=""))
    assert [get_backend(name).requests[0].options.get("temperature") for name in NAMES] == [0.9, 0.2, 0.9]


async def test_a_new_comparison_takes_wishes_for_all_of_its_models(engine, alice, models, pks):
    def tune():
        ModelSetting.objects.create(model=models["scripted"], name="temperature", is_hidden=True)
        ModelSetting.objects.create(model=models["scripted"], name="max_tokens", most=512)
        ModelSetting.objects.create(model=models["scripted"], name="top_p", default="0.5")
        ModelSetting.objects.create(model=models["third"], name="temperature", most=0.1)

    await in_database(tune)
    wish = services.Wish({"temperature": "0.2", "max_tokens": "2048", "top_p": "0.5"})
    rows = await all_finished(await compared(alice, pks, wish=wish))
    names = ("temperature", "max_tokens", "top_p")
    told = [tuple(row.options[name] for name in names) for row in rows]
    assert told == [(0.7, 512, 0.5), (0.2, 2048, 0.5), (0.1, 2048, 0.5)]


async def test_each_is_stopped_by_itself_and_all_together(held, alice, pks):
    lanes = await compared(alice, pks)
    await services.stop(lanes[1])
    assert (await finished(lanes[1])).status == "cancelled"
    assert [(await refreshed(lane)).is_live for lane in lanes] == [True, False, True]
    await services.stop_all(lanes[1])
    assert [lane.status for lane in await all_finished(lanes)] == ["cancelled"] * 3


@pytest.mark.parametrize("count", [1, 5])
async def test_two_to_four_models_are_compared(engine, alice, models, pks, count):
    wanted = (pks * 2)[:count] if count < 4 else [*pks, models["guide"].pk, pks[0] + 1000]
    with pytest.raises(InputError):
        await compared(alice, wanted)
    assert not await in_database(Conversation.objects.exists)


async def test_the_same_model_twice_is_one(engine, alice, pks):
    with pytest.raises(InputError):
        await compared(alice, [pks[0], pks[0]])


async def test_a_model_that_is_gone_refuses_the_whole(engine, alice, pks):
    with pytest.raises(InputError):
        await compared(alice, [pks[0], 999])
    assert not await in_database(Generation.objects.exists)


async def test_the_same_key_is_the_same_comparison(held, alice, pks):
    chat = await in_store(services.create, alice)
    ask = [services.compare(chat, "Hi", models=pks, parent_id="", idempotency_key=KEY) for _ in range(6)]
    answers = await asyncio.gather(*ask)
    assert len({tuple(lane.pk for lane in answer) for answer in answers}) == 1
    assert [lane.lane for lane in answers[0]] == [1, 2, 3]
    held.open()
    await all_finished(answers[0])
    again = await services.compare(chat, "Hi", models=pks, parent_id="", idempotency_key=KEY)
    assert [lane.pk for lane in again] == [lane.pk for lane in answers[0]]
    assert [asked(name) for name in NAMES] == [["Hi"]] * 3


async def test_the_same_key_with_another_body_is_refused(held, alice, pks):
    chat = await in_store(services.create, alice)
    lanes = await services.compare(chat, "Hi", models=pks, parent_id="", idempotency_key=KEY)
    for content, models in [("Another", pks), ("Hi", pks[:2]), ("Hi", [*pks[1:], pks[0]])]:
        with pytest.raises(KeyReused):
            await services.compare(chat, content, models=models, parent_id="", idempotency_key=KEY)
    with pytest.raises(KeyReused):
        await services.send_message(chat, "Hi", parent_id="", idempotency_key=KEY)
    held.open()
    await all_finished(lanes)


async def test_the_branch_is_busy_until_the_last_lane_has_ended(held, alice, pks):
    lanes = await compared(alice, pks)
    chat = lanes[0].conversation
    held.open("scripted", "second")
    await all_finished(lanes[:2])
    with pytest.raises(ConversationBusy):
        await services.send_message(chat, "From a stale tab", parent_id="")
    with pytest.raises(ConversationBusy):
        await services.compare(chat, "From a stale tab", models=pks, parent_id="")
    held.open()
    await finished(lanes[2])
    await finished(await services.send_message(chat, "From a stale tab", parent_id=""))


async def test_an_ordinary_reply_keeps_comparisons_out_of_its_branch(engine, alice, pks):
    gate = asyncio.Event()
    get_backend("scripted").enqueue(gate.wait, "done")
    first = await say(alice, "Hi")
    with pytest.raises(ConversationBusy):
        await services.compare(first.conversation, "Hi", models=pks, parent_id="")
    gate.set()
    await finished(first)


async def test_a_comparison_counts_as_one_running_reply(held, alice, pks, settings):
    settings.CHAT_MAX_RUNNING_REPLIES = 2
    lanes = await compared(alice, pks)
    get_backend("scripted").enqueue(asyncio.Event().wait)
    other = await say(alice, "Meanwhile")
    with pytest.raises(QuotaExceeded):
        await say(alice, "A third")
    await services.stop(lanes[1])
    await finished(lanes[1])
    again = await services.regenerate(lanes[0].conversation, lanes[1].reply_id)  # one more of the same comparison
    await services.stop(other)
    held.open()
    await all_finished([*lanes, other, again])


async def test_one_person_has_one_running_comparison_and_another_person_another(held, alice, bob, pks, settings):
    settings.CHAT_MAX_RUNNING_REPLIES = 3
    get_backend("scripted").enqueue("bob's")
    lanes = await compared(alice, pks)
    with pytest.raises(QuotaExceeded, match="compared"):
        await compared(alice, pks)
    theirs = await compared(bob, pks)
    single = await say(alice, "Meanwhile")
    held.open()
    await all_finished([*lanes, *theirs, single])
    for name in NAMES:
        get_backend(name).enqueue(asyncio.Event().wait)
    second = await compared(alice, pks, "Once more")
    with pytest.raises(QuotaExceeded, match="compared"):
        await services.regenerate(lanes[0].conversation, lanes[0].reply_id)
    await services.stop_all(second[0])
    await all_finished(second)
    await finished(await services.regenerate(lanes[0].conversation, lanes[0].reply_id))


async def test_another_try_comes_in_its_own_column_from_its_own_model(stores, held, alice, pks):
    lanes = await compared(alice, pks)
    await services.stop(lanes[1])
    await finished(lanes[1])
    get_backend("second").enqueue("Second try")
    again = await finished(await services.regenerate(lanes[0].conversation, lanes[1].reply_id))
    assert (again.lane, again.backend) == (2, "second")
    transcript = await known(lanes[0])
    assert transcript.leaf == lanes[0].user_message_id
    ids = [lanes[0].reply_id, again.reply_id, lanes[2].reply_id]
    assert [message.id for message in transcript.lanes(transcript.leaf)] == ids
    held.open()
    await all_finished(lanes)
    assert (await stored(lanes[0])).leaf == lanes[0].user_message_id
    assert (await in_database(Conversation.objects.get)).model_id == pks[0]


async def test_a_column_is_asked_again_once_at_a_time(held, alice, pks):
    lanes = await compared(alice, pks)
    await services.stop(lanes[1])
    await finished(lanes[1])
    gate = asyncio.Event()
    get_backend("second").enqueue(gate.wait, "Second try")
    chat = lanes[0].conversation
    tries = await asyncio.gather(
        *(services.regenerate(chat, lanes[1].reply_id) for _ in range(3)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in tries) == ["ConversationBusy", "ConversationBusy", "Generation"]
    held.open()
    gate.set()
    await all_finished([*lanes, *(one for one in tries if isinstance(one, Generation))])


async def test_a_cut_answer_goes_on_in_its_own_column(stores, engine, alice, models, pks):
    get_backend("second").enqueue("Some wor", Delta(finish_reason="length"))
    lanes = await all_finished(await compared(alice, pks))
    get_backend("second").enqueue("ds")
    again = await finished(await services.continue_reply(lanes[0].conversation, lanes[1].reply_id))
    transcript = await stored(lanes[0])
    assert transcript.leaf == lanes[0].user_message_id
    assert transcript.lanes(transcript.leaf)[1].content == "Some words"
    assert again.lane == 2


async def test_the_kept_answer_is_what_the_chat_goes_on_with(stores, engine, alice, models, pks):
    lanes = await all_finished(await compared(alice, pks))
    chat = await in_database(services.by_id, alice, lanes[0].conversation_id)
    await services.keep(chat, lanes[1].reply_id)
    assert [message.id for message in await branch(chat)] == [lanes[0].user_message_id, lanes[1].reply_id]
    chat = await in_database(services.by_id, alice, chat.pk)
    assert chat.model == models["second"]
    following = await finished(await services.send_message(chat, "And then?"))
    assert (following.parent_id, following.backend) == (lanes[1].reply_id, "second")


async def test_the_others_stay_as_versions_in_the_order_of_the_columns(held, alice, pks):
    lanes = await compared(alice, pks)
    for name, lane in reversed(list(zip(NAMES, lanes, strict=True))):
        held.open(name)
        await finished(lane)
    chat = lanes[0].conversation
    await services.keep(chat, lanes[1].reply_id)
    shown = message_views(await known(lanes[0]), str(chat.pk))[-1]
    assert (shown.id, shown.version) == (lanes[1].reply_id, 2)
    assert shown.versions == tuple(lane.reply_id for lane in lanes)


async def test_another_version_can_be_taken_later_with_its_model(engine, alice, models, pks):
    lanes = await all_finished(await compared(alice, pks))
    chat = lanes[0].conversation
    await services.keep(chat, lanes[1].reply_id)
    await in_store(services.select, chat, lanes[2].reply_id)
    assert (await branch(chat))[-1].id == lanes[2].reply_id
    assert (await in_database(Conversation.objects.get)).model_id == models["third"].pk
    await in_store(services.select, chat, lanes[0].user_message_id)
    assert (await known(lanes[0])).leaf == lanes[0].user_message_id  # side by side again


async def test_keeping_stops_what_is_still_being_written(stores, held, alice, pks):
    lanes = await compared(alice, pks)
    held.open("third")
    await finished(lanes[2], stored=False)
    await services.keep(lanes[0].conversation, lanes[2].reply_id)
    ended = await all_finished(lanes)
    assert [lane.status for lane in ended] == ["cancelled", "cancelled", "completed"]
    transcript = await stored(lanes[0])
    assert transcript.leaf == lanes[2].reply_id
    assert transcript.lanes(lanes[0].user_message_id)[0].content == "scripted "


async def test_what_is_being_written_cannot_be_kept_yet(held, alice, pks):
    lanes = await compared(alice, pks)
    with pytest.raises(ConversationBusy):
        await services.keep(lanes[0].conversation, lanes[0].reply_id)
    held.open()
    await all_finished(lanes)


async def test_an_answer_that_the_store_has_not_got_yet_can_be_kept(stores, held, alice, pks):
    lanes = await compared(alice, pks)
    await in_database(outcome.settle_abandoned, [lanes[1].pk])  # decided; the store gets it with a later tick
    await services.keep(lanes[0].conversation, lanes[1].reply_id)
    assert (await stored(lanes[0])).leaf == lanes[1].reply_id
    await all_finished(lanes)


async def test_only_an_answer_of_a_comparison_is_kept(engine, alice, models):
    first = await finished(await say(alice, "Hi"))
    for message_id in (first.reply_id, first.user_message_id, "nothing"):
        with pytest.raises(InputError):
            await services.keep(first.conversation, message_id)


async def test_who_just_writes_on_goes_on_with_the_first(stores, engine, alice, models, pks):
    lanes = await all_finished(await compared(alice, pks))
    chat = await in_database(services.by_id, alice, lanes[0].conversation_id)
    following = await finished(await services.send_message(chat, "And then?"))
    assert (following.parent_id, following.backend) == (lanes[0].reply_id, "scripted")
    assert [message.id for message in await branch(chat)][:2] == [lanes[0].user_message_id, lanes[0].reply_id]
    assert message_views(await known(lanes[0]), str(chat.pk))[1].versions == tuple(lane.reply_id for lane in lanes)
    await in_store(services.select, chat, lanes[0].user_message_id)
    assert (await branch(chat))[-1].id == following.reply_id


async def test_what_is_stored_late_does_not_bring_the_columns_back(engine, alice, models, pks, settings):
    """The store takes the first answer at last, when the chat has gone on from it for long."""
    lanes = await all_finished(await compared(alice, pks))
    chat = await in_database(services.by_id, alice, lanes[0].conversation_id)
    following = await finished(await services.send_message(chat, "And then?"))
    rows = await in_database(lambda: list(Generation.objects.order_by("created_at").select_related("conversation")))
    for order in ([3, 0, 1, 2], [3, 2, 1, 0], [1, 3, 0, 2]):
        store = get_store()
        empty = await in_store(store.load, chat.key)
        await in_store(store.delete, chat.key)
        await in_store(store.save, chat.key, type(empty)())
        await in_database(lambda: Generation.objects.update(stored_at=None))
        for number in order:
            await in_store(storing.store_turn, rows[number].pk)
        transcript = await in_store(store.load, chat.key)
        assert transcript.leaf == following.reply_id, order
        assert len(transcript.messages) == 6


async def test_a_comparison_in_mid_chat_comes_after_what_was_shown(stores, engine, alice, models, pks):
    first = await finished(await say(alice, "Hi"))
    lanes = await all_finished(
        await services.compare(first.conversation, "And you?", models=pks, parent_id=first.reply_id)
    )
    shown = [message.id for message in await branch(first.conversation)]
    assert shown == [first.user_message_id, first.reply_id, lanes[0].user_message_id]
    request = get_backend("third").requests[0]
    assert [m.content for m in request.messages if m.role != "system"][-1] == "And you?"


async def test_the_title_is_asked_for_once(engine, alice, models, pks):
    lanes = await all_finished(await compared(alice, pks))
    async with asyncio.timeout(10):
        while engine.live or engine._tasks - engine._clock:
            await asyncio.sleep(0.01)
    titles = [r for name in NAMES for r in get_backend(name).requests if r.options.get("purpose") == "title"]
    assert len(titles) == 1
    assert len(lanes) == 3


async def test_the_title_comes_from_one_that_answers(engine, alice, models, pks):
    get_backend("scripted").enqueue(BackendError("No."))
    get_backend("third").enqueue(BackendError("No."))
    get_backend("second").enqueue_title("A Fine Title")
    await all_finished(await compared(alice, pks))
    async with asyncio.timeout(10):
        while (await in_database(Conversation.objects.get)).title != "A Fine Title":
            await asyncio.sleep(0.01)


async def test_a_store_that_is_away_refuses_the_whole(engine, alice, pks, settings):
    settings.CONVERSATION_STORE = {"BACKEND": "tests.helpers.BrokenStore"}
    with pytest.raises(StoreUnavailable):
        await compared(alice, pks)
    assert not await in_database(Generation.objects.exists)


async def test_two_tabs_at_the_same_moment_are_one_comparison_and_one_refusal(held, alice, pks):
    chat = await in_store(services.create, alice)
    tabs = [services.compare(chat, f"Tab {n}", models=pks, parent_id="") for n in range(2)]
    tabs.append(services.send_message(chat, "Tab 2", parent_id=""))
    answers = await asyncio.gather(*tabs, return_exceptions=True)
    accepted = [answer for answer in answers if not isinstance(answer, Exception)]
    assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [ConversationBusy] * 2
    held.open()
    for answer in accepted:
        await all_finished(answer if isinstance(answer, tuple) else [answer])
    assert len([m for m in (await in_store(services.read, chat)).messages if m.role == "user"]) == 1


def drafts_of(chat: Conversation, models: list[ChatModel]) -> tuple[Draft, ...]:
    message_id = uuid4().hex
    return tuple(
        Draft(chat, model, message_id, "Hi", "", {}, uuid4().hex, "hash", is_new_message=True, lane=lane)
        for lane, model in enumerate(models, start=1)
    )


def test_however_many_tabs_ask_at_once_one_turn_has_the_branch(alice, models):
    """Each with a connection of its own, comparisons and ordinary sends: all rows of one, and none of the others."""
    writer = Writer.objects.create(host="here", pid=1)
    chat = services.create(alice)
    together = threading.Barrier(6)

    def ask(number: int) -> bool:
        drafts = drafts_of(Conversation.objects.get(pk=chat.pk), list(models.values())[:3])
        try:
            together.wait()
            if number % 2:
                accept_all(drafts, writer.pk)
            else:
                accept(Draft(*[getattr(drafts[0], name) for name in Draft.__slots__[:8]]), writer.pk)
        except (ConversationBusy, QuotaExceeded):
            return False
        finally:
            connections.close_all()
        return True

    for _round in range(4):
        with ThreadPoolExecutor(6) as tabs:
            assert list(tabs.map(ask, range(6))).count(True) == 1
        running = Generation.objects.filter(status="in_progress")
        assert sorted(running.values_list("lane", flat=True)) in ([0], [1, 2, 3])
        running.update(status="completed")


async def test_what_a_dead_process_left_is_settled_lane_by_lane(stores, held, alice, pks):
    lanes = await compared(alice, pks)
    held.open("second")
    await finished(lanes[1])
    rows = [lanes[2].pk, lanes[0].pk]
    assert await in_database(outcome.settle_abandoned, rows) == 2
    for pk in rows:
        await in_store(storing.store_turn, pk)
    transcript = await stored(lanes[0])
    statuses = [message.metadata["status"] for message in transcript.lanes(lanes[0].user_message_id)]
    assert statuses == ["interrupted", "completed", "interrupted"]
    assert transcript.leaf == lanes[0].user_message_id
    assert len(transcript.messages) == 4
    await streaming.shutdown()
