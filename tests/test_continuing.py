"""Continue: an answer that was cut goes on, and stands there as one message."""

from __future__ import annotations

import asyncio

import pytest

from conversations import services, streaming
from conversations.backends import get_backend
from conversations.errors import BackendError, ConversationBusy, InputError, KeyReused
from conversations.models import Conversation, Generation
from conversations.presenting import message_views
from conversations.services.branches import GO_ON
from conversations.streaming.executors import in_database, in_store
from conversations.types import Delta
from tests.helpers import branch, finished, refreshed, say
from tests.reading import Page

pytestmark = pytest.mark.django_db(transaction=True)
LIMIT = Delta(finish_reason="length")


@pytest.fixture
def asked(settings, catalogue):
    """A model that has to be asked to go on, in the place of the scripted one."""
    settings.CHAT_BACKENDS = settings.CHAT_BACKENDS | {"scripted": {"BACKEND": "tests.helpers.Asked"}}
    return get_backend("scripted")


async def views(conversation):
    transcript = await in_store(services.read, conversation)
    return message_views(transcript, str(conversation.pk))


async def cut(user, scripted, text: str = "Some wor", how=LIMIT) -> Generation:
    """An answer that ended too early."""
    scripted.enqueue(text, how)
    return await finished(await say(user, "Hi"))


async def stopped(user, scripted) -> Generation:
    scripted.enqueue("Some wor", asyncio.Event().wait)
    generation = await say(user, "Hi")
    while not streaming.current_writer().live[generation.pk].length:
        await asyncio.sleep(0.005)
    await services.stop(generation)
    return await finished(generation)


async def went_on(generation: Generation, **options) -> Generation:
    again = await services.continue_reply(generation.conversation, generation.reply_id, **options)
    return await finished(again)


async def failed(user, scripted) -> Generation:
    return await cut(user, scripted, how=BackendError("The connection broke."))


def last_question(backend) -> list[tuple[str, str]]:
    """What the model was asked last, titles and the system prompt left out."""
    asked = [request for request in backend.requests if request.options.get("purpose") != "title"]
    return [(m.role, m.content) for m in asked[-1].messages if m.role != "system"]


@pytest.mark.parametrize("end", [cut, stopped, failed])
async def test_a_cut_answer_goes_on_and_is_one_message(engine, alice, scripted, end):
    first = await end(alice, scripted)
    scripted.enqueue("ds, and the rest.")
    again = await went_on(first)
    assert again.status == "completed"
    assert [m.content for m in await branch(first.conversation)] == ["Hi", "Some words, and the rest."]
    shown = await views(first.conversation)
    assert (shown[-1].versions, shown[-1].can_continue) == ((), False)


async def test_the_old_part_stays_in_the_document_as_it_was(engine, alice, scripted):
    first = await cut(alice, scripted)
    before = (await in_store(services.read, first.conversation)).index()[first.reply_id]
    again = await went_on(first)
    after = (await in_store(services.read, first.conversation)).index()
    assert after[first.reply_id] == before
    assert after[again.reply_id].metadata["continues"] == first.reply_id


async def test_a_model_that_can_goes_on_from_the_text_itself(engine, alice, scripted):
    first = await cut(alice, scripted)
    await went_on(first)
    assert last_question(scripted) == [("user", "Hi"), ("assistant", "Some wor")]


async def test_a_model_that_cannot_is_asked_to_go_on(engine, alice, asked):
    first = await cut(alice, asked, "Some")
    asked.enqueue("words.")
    again = await went_on(first)
    assert last_question(asked) == [("user", "Hi"), ("assistant", "Some"), ("user", GO_ON)]
    assert again.reply_text == "Some words."


async def test_the_text_so_far_is_in_the_row_before_the_model_says_anything(engine, alice, scripted):
    first = await cut(alice, scripted)
    gate = asyncio.Event()
    scripted.enqueue(gate.wait, "ds")
    again = await services.continue_reply(first.conversation, first.reply_id)
    assert (await refreshed(again)).reply_text == "Some wor"
    assert (await views(first.conversation))[-1].text == "Some wor"
    gate.set()
    await finished(again)


async def test_a_reader_sees_the_text_so_far_and_then_the_rest(engine, alice, scripted):
    first = await cut(alice, scripted)
    gate = asyncio.Event()
    scripted.enqueue(gate.wait, "ds, and the rest.")
    again = await services.continue_reply(first.conversation, first.reply_id)
    page, seen = Page(), []
    async with asyncio.timeout(10):
        async for frames in streaming.follow(again.pk):
            seen.append(page.take(frames).text)
            if "Some wor" in seen:
                gate.set()
    texts = [text.strip() for text in seen if text.strip()]
    assert (texts[0], texts[-1]) == ("Some wor", "Some words, and the rest.")
    assert all(text.startswith("Some wor") for text in texts)


async def test_a_model_that_has_nothing_to_add_has_completed_the_answer(engine, alice, scripted):
    first = await cut(alice, scripted)
    scripted.enqueue()
    again = await went_on(first)
    assert (again.status, again.reply_text) == ("completed", "Some wor")


async def test_a_failure_to_go_on_keeps_the_text_and_offers_both_ways(engine, alice, scripted):
    first = await cut(alice, scripted)
    scripted.enqueue(BackendError("The model is away."))
    await went_on(first)
    shown = (await views(first.conversation))[-1]
    assert (shown.text, shown.error) == ("Some wor", "The model is away.")
    assert shown.can_retry
    assert shown.can_continue
    assert shown.versions == ()


async def test_it_can_go_on_again_and_again_without_showing_versions(engine, alice, scripted):
    reply = await cut(alice, scripted, "One ")
    for word in ("two ", "three "):
        scripted.enqueue(word, LIMIT)
        reply = await went_on(reply)
    shown = (await views(reply.conversation))[-1]
    assert (shown.text, shown.versions, shown.can_continue) == ("One two three ", (), True)


async def test_another_answer_beside_a_continued_one_counts_as_the_second(engine, alice, scripted):
    first = await failed(alice, scripted)
    scripted.enqueue("ds", BackendError("Again."))
    second = await went_on(first)
    other = await services.regenerate(first.conversation, second.reply_id)
    await finished(other)
    assert (await views(first.conversation))[-1].versions == (second.reply_id, other.reply_id)


async def test_a_continued_answer_that_something_follows_stays_in_reach(engine, alice, scripted):
    first = await cut(alice, scripted)
    second = await went_on(first)
    stale = await services.send_message(first.conversation, "From a stale tab", parent_id=first.reply_id)
    await finished(stale)
    await in_store(services.select, first.conversation, second.reply_id)
    shown = await views(first.conversation)
    assert shown[-1].versions == (first.reply_id, second.reply_id)
    await in_store(services.select, first.conversation, first.reply_id)
    assert (await branch(first.conversation))[-2].content == "From a stale tab"


async def test_who_wrote_the_beginning_goes_on_and_the_choice_for_new_messages_stays(engine, alice, settings, scripted):
    settings.CHAT_BACKENDS = settings.CHAT_BACKENDS | {"other": settings.CHAT_BACKENDS["scripted"]}
    await in_database(services.seed_catalogue)
    models = {model.backend: model for model in await in_database(services.available_models)}
    get_backend("other").enqueue("Some ", LIMIT)
    first = await finished(await say(alice, "Hi", model=models["other"].pk))
    rows = Conversation.objects.filter(pk=first.conversation_id)
    await in_database(lambda: rows.update(model=models["scripted"]))
    conversation = await in_database(services.by_id, alice, first.conversation_id)
    again = await finished(await services.continue_reply(conversation, first.reply_id))
    assert again.backend == "other"
    assert (await in_database(rows.get)).model_id == models["scripted"].pk


async def test_a_complete_answer_is_not_continued(engine, alice, scripted):
    first = await finished(await say(alice, "Hi"))
    with pytest.raises(InputError):
        await services.continue_reply(first.conversation, first.reply_id)
    with pytest.raises(InputError):
        await services.continue_reply(first.conversation, first.user_message_id)


async def test_an_answer_without_text_is_not_continued(engine, alice, scripted):
    first = await cut(alice, scripted, "", BackendError("No."))
    assert not (await views(first.conversation))[-1].can_continue
    with pytest.raises(InputError):
        await services.continue_reply(first.conversation, first.reply_id)


async def test_an_answer_at_the_site_s_own_limit_is_not_continued(engine, alice, scripted, settings):
    settings.CHAT_MAX_REPLY_LENGTH = 100
    first = await cut(alice, scripted, "word " * 50)
    assert not (await views(first.conversation))[-1].can_continue
    with pytest.raises(InputError):
        await services.continue_reply(first.conversation, first.reply_id)


async def test_rules_are_not_asked_to_go_on(engine, alice, settings):
    settings.CHAT_BACKENDS = settings.CHAT_BACKENDS | {
        "scripted": {**settings.CHAT_BACKENDS["scripted"], "OPTIONS": {"titles": False}}
    }
    first = await cut(alice, get_backend("scripted"))
    assert not (await views(first.conversation))[-1].can_continue


async def test_an_answer_that_is_being_written_is_not_continued(engine, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue("Some ", gate.wait)
    first = await say(alice, "Hi")
    with pytest.raises(ConversationBusy):
        await services.continue_reply(first.conversation, first.reply_id)
    gate.set()
    await finished(first)


async def test_the_same_key_goes_on_once(engine, alice, scripted):
    first = await cut(alice, scripted)
    scripted.enqueue("ds")
    keys = {"idempotency_key": "k" * 16}
    attempts = [services.continue_reply(first.conversation, first.reply_id, **keys) for _ in range(10)]
    accepted = await asyncio.gather(*attempts)
    assert len({generation.pk for generation in accepted}) == 1
    await finished(accepted[0])
    with pytest.raises(KeyReused):
        await services.regenerate(first.conversation, first.reply_id, **keys)


async def test_a_title_is_made_of_the_whole_answer(engine, alice, scripted):
    first = await cut(alice, scripted, how=BackendError("No."))
    scripted.enqueue("ds.")
    scripted.enqueue_title("Hi and Words")
    await went_on(first)
    while not [request for request in scripted.requests if request.options.get("purpose") == "title"]:
        await asyncio.sleep(0.01)
    said = [m.content for m in scripted.requests[-1].messages[:-1]]
    assert said == ["Hi", "Some words."]
