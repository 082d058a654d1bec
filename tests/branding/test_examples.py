"""Example prompts of the admin, and their answers that no model is asked for twice."""

from __future__ import annotations

import asyncio

import pytest
from django.utils import translation

from chatsite.branding.models import Example
from conversations import services
from conversations.errors import BackendError
from conversations.services import OWN_TEXT, Wish
from conversations.streaming.executors import in_database
from tests.helpers import branch, finished, say

TIDES = "Why are there tides?"


@pytest.fixture
def home(client, alice, catalogue):
    client.force_login(alice)
    return lambda **headers: client.get("/", headers=headers).content.decode()


def asked(backend) -> list:
    """What a model was asked to answer; for titles it is asked as well."""
    return [request for request in backend.requests if request.options.get("purpose") != "title"]


@pytest.mark.django_db
def test_the_admin_s_examples_take_the_place_of_the_project_s_own(home):
    assert "What can this site do?" in home()
    Example.objects.create(text="Second", order=20)
    Example.objects.create(text="First <b>", order=10)
    Example.objects.create(text="Disabled", enabled=False)
    Example.objects.create(text="Thủy triều là gì?", language="vi")
    page = home()
    assert page.index("First &lt;b&gt;") < page.index("Second")
    assert not [text for text in ("What can this site do?", "Disabled", "Thủy triều") if text in page]
    assert "Thủy triều là gì?" in home(accept_language="vi")


async def test_a_written_answer_is_given_without_asking_a_model(engine, scripted, alice):
    await Example.objects.acreate(text=TIDES, answer="The **moon**.")
    row = await finished(await say(alice, f" {TIDES}\n"))
    assert (row.status, row.reply_text, row.finish_reason) == ("completed", "The **moon**.", "prepared")
    assert scripted.requests == []
    assert (await branch(row.conversation))[-1].content == "The **moon**."
    assert row.first_token_ms is None  # nothing that a model's measured speed may count


async def test_what_follows_a_prepared_answer_goes_to_the_model(engine, scripted, alice):
    await Example.objects.acreate(text=TIDES, answer="The moon.")
    row = await finished(await say(alice, TIDES))
    scripted.enqueue("And the sun.")
    again = await finished(await services.send_message(row.conversation, TIDES))
    assert again.reply_text == "And the sun."
    assert [message.content for message in asked(scripted)[0].messages[-3:]] == [TIDES, "The moon.", TIDES]


async def test_a_chat_with_wishes_of_its_own_asks_the_model(engine, scripted, alice):
    await Example.objects.acreate(text=TIDES, answer="The moon.")
    scripted.enqueue("Arr, the moon!")
    wish = Wish(personality=OWN_TEXT, prompt="Talk like a pirate.")
    assert (await finished(await say(alice, TIDES, wish=wish))).reply_text == "Arr, the moon!"


async def test_the_first_complete_answer_is_kept_for_everybody(engine, scripted, alice, bob):
    await Example.objects.acreate(text=TIDES, keeps_answer=True)
    scripted.enqueue(BackendError("down"))
    await finished(await say(alice, TIDES))
    scripted.enqueue("Because of the moon.")
    await finished(await say(alice, TIDES))
    await until_answered()
    assert (await finished(await say(bob, TIDES))).reply_text == "Because of the moon."
    assert len(asked(scripted)) == 2


async def test_an_answer_to_other_wishes_is_not_kept(engine, scripted, alice):
    await Example.objects.acreate(text=TIDES, keeps_answer=True)
    scripted.enqueue("Arr, the moon!")
    await finished(await say(alice, TIDES, wish=Wish(personality=OWN_TEXT, prompt="Talk like a pirate.")))
    scripted.enqueue("Because of the moon.")
    await finished(await say(alice, TIDES))
    await until_answered()
    assert (await Example.objects.aget()).answer == "Because of the moon."


async def until_answered() -> None:
    """The signal comes after the reply is told."""
    async with asyncio.timeout(10):
        while not await in_database(lambda: Example.objects.get().answer):
            await asyncio.sleep(0.01)


async def test_sentences_around_a_reply_are_in_the_language_of_whoever_asked(engine, scripted, alice):
    """The task that writes has a context of its own."""
    heard, before = [], translation.get_language()

    async def hear():
        heard.append(translation.get_language())

    scripted.enqueue(hear, "Hello")
    with translation.override("vi"):
        await finished(await say(alice, "Hi"))
    assert heard == ["vi"]
    assert translation.get_language() == before
