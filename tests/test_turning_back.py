"""Taking the last exchange back and clearing a chat: nothing of it is remembered, and nothing of it is lost."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest
from django.test import AsyncClient, Client
from django.urls import reverse

from conversations import services, streaming
from conversations.errors import ConversationBusy, InputError
from conversations.models import Generation
from conversations.stores import get_store
from conversations.streaming import storing
from conversations.streaming.executors import in_database, in_store
from conversations.types import Delta, Message, new_id
from tests.helpers import branch, finished, say

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_titles(settings):
    settings.CHAT_TITLES = False  # the last request is the last question's


@pytest.fixture
async def chat(engine, alice):
    """Two exchanges: one, two."""
    first = await finished(await say(alice, "one"))
    await finished(await services.send_message(first.conversation, "two"))
    return first.conversation


def contents(messages) -> list[str]:
    return [message.content for message in messages]


async def test_what_was_taken_back_is_in_no_prompt_and_can_be_brought_back(chat, scripted):
    end = (await branch(chat))[-1]
    question = await in_store(services.take_back, chat, end.id)
    assert question.content == "two"
    assert contents(await branch(chat)) == ["one", "one"]
    transcript = await in_store(services.read, chat)
    assert services.later(transcript) == question.id
    await finished(await services.send_message(chat, "three"))
    assert contents(scripted.requests[-1].messages)[1:] == ["one", "one", "three"]
    await in_store(services.select, chat, question.id)
    assert contents(await branch(chat)) == ["one", "one", "two", "two"]


async def test_taking_back_twice_from_two_tabs_takes_one_exchange(chat):
    end = (await branch(chat))[-1]
    await in_store(services.take_back, chat, end.id)
    with pytest.raises(InputError):
        await in_store(services.take_back, chat, end.id)
    assert contents(await branch(chat)) == ["one", "one"]


async def test_a_cleared_chat_is_asked_with_the_system_prompt_alone(chat, scripted):
    await in_store(services.clear, chat)
    assert await branch(chat) == ()
    await finished(await services.send_message(chat, "who am I?"))
    assert [(m.role, m.content) for m in scripted.requests[-1].messages][1:] == [("user", "who am I?")]
    assert scripted.requests[-1].messages[0].role == "system"
    assert contents(await branch(chat)) == ["who am I?", "who am I?"]
    assert len((await in_store(services.read, chat)).messages) == 6


async def test_a_running_answer_is_stopped_first(chat, scripted):
    gate = asyncio.Event()
    scripted.enqueue("Beginning", gate.wait)
    generation = await services.send_message(chat, "three")
    for step_back in (services.clear, lambda conversation: services.take_back(conversation, generation.reply_id)):
        with pytest.raises(ConversationBusy):
            await in_store(step_back, chat)
    gate.set()
    await finished(generation)


async def test_a_turn_that_the_store_got_late_does_not_undo_it(chat, settings):
    settings.CHAT_CLOCK_INTERVAL = 60

    def without_the_second_turn(transcript):
        return replace(transcript, messages=transcript.messages[:2], leaf=transcript.messages[1].id)

    # As if the store had been away when the second turn ended.
    await in_store(get_store().update, chat.key, without_the_second_turn)
    late = await in_database(lambda: Generation.objects.get(user_text="two"))
    await in_database(lambda: Generation.objects.filter(pk=late.pk).update(stored_at=None))
    await in_store(services.clear, chat)
    await in_store(storing.store_turn, late.pk)
    assert await branch(chat) == ()
    assert len((await in_store(services.read, chat)).messages) == 4


async def test_answers_side_by_side_are_taken_back_together(chat, catalogue):
    models = [model.pk for model in catalogue.values()]
    generations = await services.compare(chat, "three", models=models)
    for generation in generations:
        await finished(generation)
    assert services.later(await in_store(services.read, chat)) == ""
    await in_store(services.take_back, chat, generations[1].reply_id)
    assert contents(await branch(chat)) == ["one", "one", "two", "two"]


async def test_an_answer_comes_again_from_whoever_wrote_it(chat, catalogue, scripted):
    guide, other = catalogue["guide"], catalogue["scripted"]
    written = await finished(await services.send_message(chat, "three", model=guide.pk))
    await finished(await services.send_message(chat, "four", model=other.pk))
    again = await finished(await services.regenerate(chat, written.reply_id, by_the_same=True))
    assert again.backend == "guide"
    assert contents(await branch(chat))[-2] == "three"


def test_the_page_tells_what_was_taken_back_and_gives_the_question_once(client: Client, alice, catalogue):
    conversation = services.create(alice, title="A chat")
    question = Message("user", "What?")
    services.store(conversation, question, Message("assistant", "That.", parent_id=question.id))
    client.force_login(alice)
    answer = client.post(reverse("conversations:take_back", args=[conversation.pk]), {"message_id": question.id})
    page = client.get(answer["Location"]).content.decode()
    assert ">\nWhat?</textarea>" in page
    assert "This chat is cleared." in page
    assert "What?" not in client.get(answer["Location"]).content.decode()


@pytest.mark.parametrize("verb", ["clear", "take_back"])
@pytest.mark.parametrize("is_followed", [False, True])
async def test_a_page_from_before_does_not_go_on_with_what_was_turned_back(chat, alice, scripted, verb, is_followed):
    end = (await branch(chat))[-1]
    await in_store(*((services.clear, chat) if verb == "clear" else (services.take_back, chat, end.id)))
    if is_followed:  # another tab has gone on
        await finished(await services.send_message(chat, "three"))
    shown, asked = contents(await branch(chat)), len(scripted.requests)
    client = AsyncClient()
    await client.aforce_login(alice)
    sent = {"content": "Who am I?", "parent_id": end.id, "key": "k" * 32}
    url = reverse("conversations:send", args=[chat.pk])
    for headers in ({"X-Requested-With": "fetch"}, {}):
        answer = await client.post(url, sent, headers=headers)
        assert answer.status_code == 400
        page = answer.content.decode()
        assert "This chat has changed meanwhile. Reload the page and send again." in page
        assert ">\nWho am I?</textarea>" in page
    assert (contents(await branch(chat)), len(scripted.requests)) == (shown, asked)
    again = dict(re.findall(r'name="(parent_id|key)" value="([^"]*)"', page))  # without a script the page is new
    assert (await client.post(url, sent | again)).status_code == 303
    assert contents(await branch(chat))[:-1] == [*shown, "Who am I?"]
    await streaming.shutdown()


FORGOTTEN = "nothing of it is remembered. Reload the page"


async def ways_to_ask_again(chat, models) -> dict:
    """Every way of a page from before, by name: what it sends, and where to."""
    first, answer, question, cut = await branch(chat)
    return {
        "retry": ("retry", {"message_id": answer.id}),
        "retry by the same": ("retry", {"message_id": answer.id, "same": "1"}),
        "again with another model": ("retry", {"message_id": answer.id, "model": models["guide"].pk}),
        "continue": ("continue", {"message_id": cut.id}),
        "edit the first question": ("edit", {"message_id": first.id, "content": "Who?"}),
        "edit a later question": ("edit", {"message_id": question.id, "content": "Who?"}),
        "compare": ("send", {"content": "Who?", "parent_id": cut.id, "models": [one.pk for one in models.values()]}),
    }


@pytest.mark.parametrize("is_followed", [False, True])
async def test_no_way_to_ask_again_brings_back_what_was_cleared(engine, alice, scripted, catalogue, is_followed):
    begun = await finished(await say(alice, "one"))
    scripted.enqueue("Some wor", Delta(finish_reason="length"))
    await finished(await services.send_message(begun.conversation, "two"))
    ways = await ways_to_ask_again(begun.conversation, catalogue)
    await in_store(services.clear, begun.conversation)
    if is_followed:
        await finished(await services.send_message(begun.conversation, "three"))
    shown, asked = contents(await branch(begun.conversation)), len(scripted.requests)
    client = AsyncClient()
    await client.aforce_login(alice)
    for name, (address, sent) in ways.items():
        url = reverse(f"conversations:{address}", args=[begun.conversation_id])
        for headers in ({"X-Requested-With": "fetch"}, {}):
            answer = await client.post(url, sent | {"key": new_id()}, headers=headers)
            page = answer.content.decode()
            assert answer.status_code == 400, name
            assert FORGOTTEN in page or "This chat has changed meanwhile. Reload the page" in page, name
    to_edit = {"message": ways["edit the first question"][1]["message_id"]}
    page = await client.get(reverse("conversations:edit", args=[begun.conversation_id]), to_edit)
    assert (page.status_code, FORGOTTEN in page.content.decode()) == (400, True)
    assert (contents(await branch(begun.conversation)), len(scripted.requests)) == (shown, asked)
    await streaming.shutdown()


async def test_an_answer_side_by_side_that_was_cleared_is_not_kept_unnoticed(chat, catalogue):
    generations = await services.compare(chat, "three", models=[model.pk for model in catalogue.values()])
    for generation in generations:
        await finished(generation)
    await in_store(services.clear, chat)
    with pytest.raises(InputError, match=FORGOTTEN):
        await services.keep(chat, generations[0].reply_id)
    assert await branch(chat) == ()


async def test_what_was_brought_back_is_asked_again_like_anything(chat, scripted):
    end = (await branch(chat))[-1]
    await in_store(services.clear, chat)
    await in_store(services.select, chat, end.id)
    await finished(await services.regenerate(chat, end.id))
    assert contents(scripted.requests[-1].messages)[1:] == ["one", "one", "two"]


async def test_what_was_brought_back_is_gone_on_with_from_every_page(chat, scripted):
    end = (await branch(chat))[-1]
    await in_store(services.clear, chat)
    await in_store(services.select, chat, end.id)
    await finished(await services.send_message(chat, "three", parent_id=end.id))
    assert contents(scripted.requests[-1].messages)[1:] == ["one", "one", "two", "two", "three"]


async def test_two_tabs_at_what_was_gone_on_with_after_clearing_make_versions(chat, scripted):
    await in_store(services.clear, chat)
    first = await finished(await services.send_message(chat, "three", parent_id=""))
    for text in ("four", "five"):
        await finished(await services.send_message(chat, text, parent_id=first.reply_id))
    await finished(await services.send_message(chat, "another beginning", parent_id=""))
    await finished(await services.send_message(chat, "six", parent_id=first.reply_id))
    assert contents(await branch(chat)) == ["three", "three", "six", "six"]
    assert len((await in_store(services.read, chat)).messages) == 14
