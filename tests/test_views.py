"""What a browser gets: pages and fragments for what works, the text back for what does not."""

from __future__ import annotations

import asyncio
import gzip
import re

import pytest
from django.contrib.sessions.models import Session
from django.db import InterfaceError, OperationalError, connection
from django.test import AsyncClient, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chatsite.errors import _chat_error as chat_error_page
from conversations import pages, services, sidebar, streaming
from conversations.errors import BackendError
from conversations.models import Conversation, Generation
from conversations.stores import get_store
from conversations.streaming import storing
from conversations.streaming.executors import in_database, in_store
from conversations.types import Message, Transcript
from tests.helpers import branch, finished, say
from tests.reading import Page, parse

pytestmark = pytest.mark.django_db(transaction=True)
FETCH = {"X-Requested-With": "fetch"}


@pytest.fixture
async def browser(engine, alice):
    """Alice's browser, inside the loop in which replies are written."""
    client = AsyncClient()
    await client.aforce_login(alice)
    return client


async def post(client, url, data, *, fetch=True):
    return await client.post(url, data, headers=FETCH if fetch else {})


async def sent(client, text="Hi", **fields):
    return await post(client, reverse("conversations:start"), {"content": text, "key": "k" * 32, **fields})


async def the_generation() -> Generation:
    return await in_database(lambda: Generation.objects.select_related("conversation").get())


def html(response) -> str:
    return response.content.decode()


async def test_a_first_message_by_script_gets_the_turn_and_the_next_composer(browser, scripted):
    gate = asyncio.Event()
    scripted.enqueue(gate.wait, "Hello")
    response = await sent(browser, "Hi <b>there</b>")
    generation = await the_generation()
    assert response.status_code == 200
    assert "Hi &lt;b&gt;there&lt;/b&gt;" in html(response)
    assert reverse("conversations:follow", args=[generation.pk]) in html(response)
    assert f'name="parent_id" value="{generation.reply_id}"' in html(response)
    assert reverse("conversations:send", args=[generation.conversation_id]) in html(response)
    assert "data-is-new" in html(response)
    gate.set()
    await finished(generation)


async def test_a_first_message_without_script_leads_to_the_conversation(browser):
    response = await post(browser, reverse("conversations:start"), {"content": "Hi"}, fetch=False)
    generation = await the_generation()
    assert response.status_code == 303
    url = reverse("conversations:show", args=[generation.conversation_id])
    assert response["Location"].startswith(url)
    await finished(generation)
    assert "Hi" in html(await browser.get(url))


@pytest.mark.parametrize("fetch", [True, False])
@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"content": "   "}, 400),
        ({"content": "kept " + "x" * 100_000}, 413),
        ({"content": "kept", "model": "999"}, 400),
        ({"content": "kept", "model": "none"}, 400),
        ({"content": "kept", "parent_id": "nothing"}, 400),
        ({"content": "kept", "key": "short"}, 400),
    ],
)
async def test_what_is_refused_comes_back_with_its_text_and_a_sentence(browser, alice, fields, status, fetch):
    conversation = await in_store(services.create, alice)
    url = reverse("conversations:send", args=[conversation.pk])
    response = await post(browser, url, {"key": "k" * 32, "parent_id": ""} | fields, fetch=fetch)
    assert response.status_code == status
    assert fields["content"].strip() in html(response)
    assert "notice-error" in html(response)
    fresh = re.search(r'name="key" value="(\w+)"', html(response)).group(1)
    assert fresh != "k" * 32
    assert not await in_database(Generation.objects.exists)


async def test_a_busy_branch_answers_409_and_a_full_quota_429_with_the_time_to_wait(browser, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue(gate.wait, "a")
    scripted.enqueue(gate.wait, "b")
    first = await say(alice, "One")
    busy = await post(
        browser,
        reverse("conversations:send", args=[first.conversation_id]),
        {"content": "my text", "key": "b" * 32, "parent_id": first.reply_id},
    )
    assert (busy.status_code, "my text" in html(busy)) == (409, True)
    second = await say(alice, "Two")
    full = await sent(browser, "my text")
    assert (full.status_code, "my text" in html(full)) == (429, True)
    assert int(full["Retry-After"]) > 0
    gate.set()
    await finished(first)
    await finished(second)


async def test_a_reused_key_answers_422(browser):
    await sent(browser, "One")
    response = await sent(browser, "Another")
    assert (response.status_code, "Another" in html(response)) == (422, True)
    await finished(await the_generation())


async def test_a_double_click_is_one_message(browser, scripted):
    first, second = await sent(browser, "One"), await sent(browser, "One")
    assert first.status_code == second.status_code == 200
    await finished(await the_generation())
    assert len([r for r in scripted.requests if r.options.get("purpose") != "title"]) == 1


@pytest.mark.parametrize("fetch", [True, False])
async def test_a_store_that_is_down_answers_503_with_the_text(browser, settings, fetch):
    settings.CONVERSATION_STORE = {"BACKEND": "tests.helpers.BrokenStore"}
    response = await post(browser, reverse("conversations:start"), {"content": "my text"}, fetch=fetch)
    assert (response.status_code, "my text" in html(response)) == (503, True)
    assert response["Retry-After"]
    assert not await in_database(Conversation.objects.exists)


async def test_a_conversation_whose_store_is_down_says_so(browser, alice, settings):
    conversation = await in_store(services.create, alice)
    settings.CONVERSATION_STORE = {"BACKEND": "tests.helpers.BrokenStore"}
    url = reverse("conversations:show", args=[conversation.pk])
    response = await browser.get(url)
    assert response.status_code == 503
    assert "The storage does not answer." in html(response)
    kept = await post(
        browser, reverse("conversations:send", args=[conversation.pk]), {"content": "my text"}, fetch=False
    )
    assert (kept.status_code, "my text" in html(kept)) == (503, True)


async def test_a_site_that_shuts_down_asks_to_send_again(browser):
    streaming.begin_shutdown()
    response = await sent(browser, "my text")
    assert (response.status_code, "my text" in html(response)) == (503, True)
    assert response["Retry-After"] == "1"


@pytest.mark.parametrize(("name", "is_given"), [("alice", True), ("bob", False)])
async def test_what_was_sent_after_the_session_ended_is_there_after_its_author_s_log_in(
    engine, alice, bob, name, is_given
):
    client = AsyncClient()
    await client.aforce_login(alice)
    await client.get("/")
    del client.cookies["sessionid"]
    response = await post(client, reverse("conversations:start"), {"content": "typed for an hour"}, fetch=False)
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))
    page = await client.post(response["Location"], {"login": name, "password": "correct horse battery"}, follow=True)
    assert "Your message" in html(page)
    assert ("typed for an hour" in html(page)) is is_given
    assert "typed for an hour" not in html(await client.get("/"))


async def test_nobody_can_fill_the_session_table_without_having_been_here(engine):
    await post(AsyncClient(), reverse("conversations:start"), {"content": "spam"}, fetch=False)
    assert not await in_database(Session.objects.exists)


async def test_a_script_whose_session_ended_gets_401_with_the_text(engine):
    response = await sent(AsyncClient(), "typed for an hour")
    assert (response.status_code, "typed for an hour" in html(response)) == (401, True)
    assert reverse("account_login") in html(response)


async def test_a_stale_token_brings_the_text_back_with_a_fresh_one(engine, alice):
    client = AsyncClient(enforce_csrf_checks=True)
    await client.aforce_login(alice)
    for fetch in (True, False):
        response = await post(client, reverse("conversations:start"), {"content": "my text"}, fetch=fetch)
        assert (response.status_code, "my text" in html(response)) == (403, True)
        assert "csrfmiddlewaretoken" in html(response)
        assert "notice-error" in html(response)


async def test_a_running_reply_s_page_shows_what_is_written_and_a_way_to_stop(browser, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue("Some words ", gate.wait)
    generation = await say(alice, "Hi")
    url = reverse("conversations:show", args=[generation.conversation_id])
    while "Some words" not in html(await browser.get(url)):
        await asyncio.sleep(0.02)
    page = html(await browser.get(url))
    assert reverse("conversations:stop", args=[generation.pk]) in page
    assert 'http-equiv="refresh"' in page
    response = await post(browser, reverse("conversations:stop", args=[generation.pk]), {})
    assert response.status_code == 204
    await finished(generation)
    assert 'http-equiv="refresh"' not in html(await browser.get(url))


async def test_events_are_neither_buffered_nor_compressed_nor_kept(browser, alice):
    generation = await say(alice, "Hi")
    response = await browser.get(
        reverse("conversations:follow", args=[generation.pk]), headers={"Accept-Encoding": "gzip"}
    )
    assert response["Content-Type"] == "text/event-stream"
    assert response["X-Accel-Buffering"] == "no"
    assert response["Content-Encoding"] == "identity"
    assert "no-store" in response["Cache-Control"]
    body = b"".join([part async for part in response.streaming_content])
    assert Page().take(body).text == "Hi"
    await finished(generation)


async def test_a_finished_reply_is_answered_at_once_and_only_its_end_with_204(browser, alice):
    generation = await say(alice, "Hi")
    await finished(generation)
    url = reverse("conversations:follow", args=[generation.pk])
    response = await browser.get(url, {"after": "1.0"})
    events = parse(b"".join([part async for part in response.streaming_content]))
    assert (events[0].name, events[0].id) == ("done", "end")
    assert "Hi" in events[0].data["html"]
    assert (await browser.get(url, headers={"Last-Event-ID": "end"})).status_code == 204
    header_wins = await browser.get(url, {"after": "end"}, headers={"Last-Event-ID": "0.0"})
    assert header_wins.status_code == 200


async def test_retrying_a_failed_reply_answers_with_a_new_one(browser, alice, scripted):
    scripted.enqueue(BackendError("The token is wrong."))
    generation = await say(alice, "Hi")
    await finished(generation)
    page = html(await browser.get(reverse("conversations:show", args=[generation.conversation_id])))
    assert "The token is wrong." in page
    retry = reverse("conversations:retry", args=[generation.conversation_id])
    assert retry in page
    response = await post(browser, retry, {"message_id": generation.reply_id, "key": "r" * 32})
    assert response.status_code == 200
    assert 'data-role="user"' not in html(response)
    again = await in_database(lambda: Generation.objects.exclude(pk=generation.pk).get())
    await finished(again)
    assert "The token is wrong." not in html(
        await browser.get(reverse("conversations:show", args=[generation.conversation_id]))
    )


async def test_renaming_and_deleting_by_script_and_by_page(browser, alice):
    conversation = await in_store(services.create, alice)
    rename = reverse("conversations:rename", args=[conversation.pk])
    response = await post(browser, rename, {"title": "Bánh mì"})
    assert (response.status_code, "Bánh mì" in html(response)) == (200, True)
    assert (await post(browser, rename, {"title": "Phở"}, fetch=False)).status_code == 302
    refused = await post(browser, rename, {"title": " "}, fetch=False)
    assert (refused.status_code, "Write a title first." in html(refused)) == (400, True)
    delete = reverse("conversations:delete", args=[conversation.pk])
    assert "Phở" in html(await browser.get(delete))
    assert (await post(browser, delete, {})).status_code == 204
    assert (await browser.get(reverse("conversations:show", args=[conversation.pk]))).status_code == 404


@pytest.mark.parametrize(
    ("name", "method"), [("start", "get"), ("send", "get"), ("retry", "get"), ("stop", "get"), ("show", "post")]
)
async def test_the_wrong_verb_is_405(browser, alice, name, method):
    conversation = await in_store(services.create, alice)
    args = [] if name == "start" else [conversation.pk]
    assert (await getattr(browser, method)(reverse(f"conversations:{name}", args=args))).status_code == 405


async def test_the_sidebar_costs_the_same_queries_however_many_conversations_there_are(browser, alice):
    def make(count):
        Conversation.objects.bulk_create([Conversation(user=alice, title=f"Chat {i}") for i in range(count)])

    def queries():
        with CaptureQueriesContext(connection) as captured:
            pages.chat_context(alice, None)
        return len(captured)

    await in_database(make, 3)
    few = await in_database(queries)
    await in_database(make, 500)
    assert await in_database(queries) == few
    page = html(await browser.get("/"))
    assert page.count("data-conversation=") == sidebar.FIRST_PART
    assert reverse("conversations:history") in page


async def test_a_system_message_in_a_document_is_never_shown(browser, alice):
    conversation = await in_store(services.create, alice)
    document = Transcript(
        (Message("system", "SECRET PERSONA", id="s"), Message("user", "Hi", id="u", parent_id="s")), leaf="u"
    )

    def save():
        stored = get_store().load(conversation.key)
        get_store().save(conversation.key, Transcript(document.messages, "u", stored.version))

    await in_store(save)
    page = html(await browser.get(reverse("conversations:show", args=[conversation.pk])))
    assert "Hi" in page
    assert "SECRET PERSONA" not in page


async def test_example_prompts_greet_an_empty_chat_only(browser, alice):
    assert "What can this site do?" in html(await browser.get("/"))
    generation = await say(alice, "Hi")
    await finished(generation)
    assert "What can this site do?" not in html(
        await browser.get(reverse("conversations:show", args=[generation.conversation_id]))
    )


async def test_staff_are_told_while_no_language_model_is_connected(engine, admin, alice, settings):
    settings.CHAT_BACKENDS = {"guide": settings.CHAT_BACKENDS["guide"]}
    client = AsyncClient()
    await client.aforce_login(admin)
    assert "No language model is connected" in html(await client.get("/"))
    await client.aforce_login(alice)
    assert "No language model is connected" not in html(await client.get("/"))


async def test_pages_are_compressed_and_readable(browser, alice):
    def make():
        Conversation.objects.bulk_create([Conversation(user=alice, title=f"Chat {i}") for i in range(100)])

    await in_database(make)
    response = await browser.get("/", headers={"Accept-Encoding": "gzip"})
    assert response["Content-Encoding"] == "gzip"
    page = gzip.decompress(response.content)
    assert b"Chat 99" in page
    assert len(response.content) < len(page) / 4


async def test_a_reader_who_leaves_while_a_message_is_accepted_loses_nothing(engine, alice, scripted):
    sending = asyncio.create_task(say(alice, "Hi"))
    while not engine._tasks - engine._clock:
        await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    while not await in_database(Generation.objects.exists):
        await asyncio.sleep(0.01)
    generation = await finished(await the_generation())
    assert generation.status == "completed"
    assert [message.content for message in await branch(generation.conversation)] == ["Hi", "Hi"]


async def test_the_same_first_message_in_parallel_leaves_one_document(engine, alice):
    sends = [say(alice, "Hi", idempotency_key="k" * 16) for _ in range(8)]
    generations = await asyncio.gather(*sends)
    await finished(generations[0])
    assert len(await in_store(lambda: list(get_store().keys(str(alice.pk))))) == 1


async def test_versions_of_an_answer_are_chosen_and_stay_chosen(browser, alice, scripted):
    scripted.enqueue("First answer")
    first = await say(alice, "Hi")
    await finished(first)
    scripted.enqueue("Second answer")
    second = await services.regenerate(first.conversation, first.reply_id)
    await finished(second)
    url = reverse("conversations:show", args=[first.conversation_id])
    page = html(await browser.get(url))
    assert ("Second answer" in page, "First answer" in page, "2/2" in page) == (True, False, True)
    chosen = await post(
        browser, reverse("conversations:select", args=[first.conversation_id]), {"message_id": first.reply_id}
    )
    assert chosen.status_code == 303
    page = html(await browser.get(url))
    assert ("Second answer" in page, "First answer" in page, "1/2" in page) == (False, True, True)


async def test_a_message_from_a_stale_tab_is_shown_and_the_other_one_is_a_version_away(browser, alice):
    first = await say(alice, "One")
    await finished(first)
    for text in ("From the first tab", "From the second tab"):
        await post(
            browser,
            reverse("conversations:send", args=[first.conversation_id]),
            {"content": text, "key": text, "parent_id": first.reply_id},
        )
        await finished(await in_database(lambda text=text: Generation.objects.get(user_text=text)))
    page = html(await browser.get(reverse("conversations:show", args=[first.conversation_id])))
    assert ("From the second tab" in page, "From the first tab" in page, "2/2" in page) == (True, False, True)


async def test_a_refused_retry_changes_nothing(browser, alice, scripted, settings):
    scripted.enqueue("half ", BackendError("No."))
    generation = await say(alice, "Hi")
    await finished(generation)
    settings.CHAT_MAX_RUNNING_REPLIES = 0
    retry = reverse("conversations:retry", args=[generation.conversation_id])
    assert (await post(browser, retry, {"message_id": generation.reply_id})).status_code == 429
    assert "half" in html(await browser.get(reverse("conversations:show", args=[generation.conversation_id])))


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
async def test_a_database_that_is_away_answers_503_with_the_text(error):
    request = RequestFactory().post("/send/", {"content": "my text"})
    request.id = "r" * 8
    response = chat_error_page(request, error("server closed the connection"))
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "my text" in response.content.decode()


async def test_the_text_of_old_turns_stands_in_the_store_alone_and_is_still_answered(browser, alice, settings):
    generation = await say(alice, "Hi")
    await finished(generation)
    settings.CHAT_KEEP_KEYS_HOURS = 0
    assert await in_database(storing.prune) == 1
    assert (await the_generation()).reply_text == ""
    response = await browser.get(reverse("conversations:follow", args=[generation.pk]))
    assert "Hi" in Page().take(b"".join([part async for part in response.streaming_content])).text
