"""One send is one turn, and two running replies are two, whatever arrives at the same moment. Real model server."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connections
from django.test import AsyncClient
from django.urls import reverse

from conversations import services, streaming
from conversations.errors import ConversationBusy, KeyReused, QuotaExceeded
from conversations.models import Generation, Writer
from conversations.services.acceptance import Draft, accept
from conversations.streaming.executors import in_database, in_store
from tests.helpers import branch, finished
from tests.upstream import CUT, Upstream

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "k" * 32
FETCH = {"X-Requested-With": "fetch"}


@pytest.fixture
def upstream(settings, transactional_db):
    """The only model: a real server, which counts what it is asked. It is asked for no titles."""
    with Upstream() as server:
        options = {"base_url": server.url, "models": ["test"]}
        settings.CHAT_BACKENDS = {
            "server": {"BACKEND": "conversations.backends.chat_completions.ChatCompletionsBackend", "OPTIONS": options}
        }
        services.seed_catalogue()
        yield server


@pytest.fixture
async def alice_s_chat(upstream, alice):
    """A chat with a name of its own, so that every call upstream is a reply."""
    conversation = await in_store(lambda: services.create(alice, title="Named"))
    yield conversation
    await streaming.shutdown()


@pytest.fixture
async def browser(alice_s_chat, alice):
    client = AsyncClient()
    await client.aforce_login(alice)
    return client


async def at_once(times: int, verb, *args, **options):
    return await asyncio.gather(*(verb(*args, **options) for _ in range(times)), return_exceptions=True)


@pytest.mark.parametrize("parent_id", ["", None])
async def test_ten_sends_with_one_key_are_one_message_and_one_call(alice_s_chat, upstream, parent_id):
    sends = await at_once(10, services.send_message, alice_s_chat, "Hi", parent_id=parent_id, idempotency_key=KEY)
    assert {send.pk for send in sends} == {sends[0].pk}
    await finished(sends[0])
    assert len(upstream.exchanges) == 1
    assert [m.role for m in (await in_store(services.read, alice_s_chat)).messages] == ["user", "assistant"]


@pytest.mark.parametrize("verb", [services.regenerate, services.continue_reply])
async def test_ten_retries_with_one_key_are_one_call(alice_s_chat, upstream, verb):
    upstream.enqueue("Half ", CUT)
    first = await finished(await services.send_message(alice_s_chat, "Hi", parent_id=""))
    again = await at_once(10, verb, alice_s_chat, first.reply_id, idempotency_key=KEY)
    assert {generation.pk for generation in again} == {again[0].pk}
    await finished(again[0])
    assert len(upstream.exchanges) == 2
    assert len((await in_store(services.read, alice_s_chat)).messages) == 3


@pytest.mark.parametrize("verb", [services.regenerate, services.continue_reply])
async def test_ten_retries_with_keys_of_their_own_are_one_call_and_nine_refusals(alice_s_chat, upstream, verb):
    gate = threading.Event()
    upstream.enqueue("Half ", CUT)
    first = await finished(await services.send_message(alice_s_chat, "Hi", parent_id=""))
    upstream.enqueue(gate, "done")
    again = await at_once(10, verb, alice_s_chat, first.reply_id)
    gate.set()
    accepted = [generation for generation in again if isinstance(generation, Generation)]
    assert [type(refusal) for refusal in again if refusal not in accepted] == [ConversationBusy] * 9
    await finished(accepted[0])
    assert len(upstream.exchanges) == 2


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("send", {"content": "Hi"}, {"content": "Another"}),
        ("send", {"content": "Hi", "parent_id": ""}, {"content": "Hi", "parent_id": "other"}),
        ("retry", {}, {"message_id": "other"}),
        ("continue", {}, {"message_id": "other"}),
    ],
)
async def test_the_same_key_with_another_body_is_422(browser, alice_s_chat, upstream, name, first, second):
    upstream.enqueue("Half ", CUT)
    asked = await finished(await services.send_message(alice_s_chat, "Question", parent_id=""))
    url = reverse(f"conversations:{name}", args=[alice_s_chat.pk])
    common = {"key": KEY, "message_id": asked.reply_id, "parent_id": asked.reply_id}
    accepted = await browser.post(url, common | first, headers=FETCH)
    refused = await browser.post(url, common | second, headers=FETCH)
    assert (accepted.status_code, refused.status_code) == (200, 422)
    assert len(upstream.exchanges) <= 2
    await finished(await in_database(lambda: Generation.objects.get(idempotency_key=KEY)))


@pytest.mark.parametrize(
    "other",
    [
        {"option-temperature": "0.9"},
        {"option-temperature": ""},
        {"option-memory": "5"},
        {"personality": ""},
        {"system_prompt": "Be long."},
    ],
)
async def test_the_same_key_with_other_settings_is_422(browser, upstream, other):
    url, form = reverse("conversations:start"), {"key": KEY, "content": "Hi", "option-temperature": "0.1"}
    form |= {"personality": "own", "system_prompt": "Be brief."}
    accepted, refused, again = [await browser.post(url, form | said, headers=FETCH) for said in ({}, other, {})]
    assert (accepted.status_code, refused.status_code, again.status_code) == (200, 422, 200)
    await finished(await in_database(lambda: Generation.objects.get(idempotency_key=KEY)))


async def test_the_same_key_with_other_options_is_another_body(alice_s_chat, upstream):
    sent = {"parent_id": "", "idempotency_key": KEY}
    first = await services.send_message(alice_s_chat, "Hi", options={"temperature": 0.1, "top_p": 0.5}, **sent)
    same = await services.send_message(alice_s_chat, "Hi", options={"top_p": 0.5, "temperature": 0.1}, **sent)
    assert same.pk == first.pk
    with pytest.raises(KeyReused):
        await services.send_message(alice_s_chat, "Hi", options={"temperature": 0.9, "top_p": 0.5}, **sent)
    await finished(first)


@pytest.mark.parametrize("name", ["send", "retry", "continue"])
async def test_an_answer_that_was_lost_is_asked_for_again_by_the_same_key(browser, alice_s_chat, upstream, name):
    upstream.enqueue("Half ", CUT)
    asked = await finished(await services.send_message(alice_s_chat, "Question", parent_id=""))
    url = reverse(f"conversations:{name}", args=[alice_s_chat.pk])
    form = {"key": KEY, "content": "Next", "message_id": asked.reply_id, "parent_id": asked.reply_id}
    await browser.post(url, form, headers=FETCH)  # and nobody hears what it was answered
    generation = await finished(await in_database(lambda: Generation.objects.get(idempotency_key=KEY)))
    again = await browser.post(url, form, headers=FETCH)
    assert again.status_code == 200
    assert generation.reply_id in again.content.decode()
    assert len(upstream.exchanges) == 2
    assert len(await branch(alice_s_chat)) == (4 if name == "send" else 2)


def drafts(user, model, count: int) -> list[Draft]:
    """First messages of as many new chats."""
    made = []
    for _ in range(count):
        conversation = services.start_conversation(user)
        made.append(Draft(conversation, model, uuid4().hex, "Hi", "", {}, uuid4().hex, "hash", is_new_message=True))
    return made


def test_no_more_than_two_replies_run_however_many_are_asked_for_at_once(alice, catalogue):
    """Many at the very same moment, each with a connection of its own: what counts them must count them in line."""
    writer = Writer.objects.create(host="here", pid=1)
    together = threading.Barrier(8)

    def ask(draft: Draft) -> bool:
        try:
            together.wait()
            accept(draft, writer.pk)
        except QuotaExceeded:
            return False
        finally:
            connections.close_all()
        return True

    for _round in range(5):
        with ThreadPoolExecutor(8) as people:
            accepted = list(people.map(ask, drafts(alice, catalogue["scripted"], 8)))
        assert accepted.count(True) == 2
        running = Generation.objects.filter(user=alice, status="in_progress")
        assert running.update(status="completed") == 2


async def test_the_third_reply_is_refused_with_the_time_to_wait_and_its_text(browser, alice, upstream):
    gate = threading.Event()
    for _ in range(2):
        upstream.enqueue(gate, "done")
    url, forms = reverse("conversations:start"), [{"content": f"Text {n}", "key": uuid4().hex} for n in range(6)]
    answers = await asyncio.gather(*(browser.post(url, form, headers=FETCH) for form in forms))
    gate.set()
    assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429, 429, 429]
    for form, answer in zip(forms, answers, strict=True):
        if answer.status_code == 429:
            assert int(answer["Retry-After"]) > 0
            assert form["content"] in answer.content.decode()
    for generation in await in_database(lambda: list(Generation.objects.filter(user=alice))):
        await finished(generation)
