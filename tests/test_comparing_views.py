"""What a browser gets when models are compared: the owner, a stranger, somebody logged out, the wrong verb."""

from __future__ import annotations

import asyncio
import re
from uuid import uuid4

import pytest
from django.db import connection
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversations import services
from conversations.backends import get_backend
from conversations.errors import BackendError
from conversations.models import ChatModel, Conversation, Generation, Writer
from conversations.services.acceptance import Draft, accept
from conversations.streaming.executors import in_database, in_store
from tests.helpers import branch, finished, say

pytestmark = pytest.mark.django_db(transaction=True)
FETCH = {"X-Requested-With": "fetch"}
NAMES = ("scripted", "second")


@pytest.fixture
def models(settings, catalogue) -> dict[str, ChatModel]:
    settings.CHAT_BACKENDS = settings.CHAT_BACKENDS | {"second": settings.CHAT_BACKENDS["scripted"]}
    services.seed_catalogue()
    ChatModel.objects.filter(backend="second").update(label="Second")
    services.forget_catalogue()
    return {model.backend: model for model in services.available_models()}


@pytest.fixture
def pks(models) -> list[int]:
    return [models[name].pk for name in NAMES]


async def browser_of(user) -> AsyncClient:
    client = AsyncClient()
    await client.aforce_login(user)
    return client


@pytest.fixture
async def browser(engine, models, alice):
    return await browser_of(alice)


async def send(client, pks, *, fetch=True, **fields):
    form = {"content": "Which?", "key": uuid4().hex, "models": pks} | fields
    return await client.post(reverse("conversations:start"), form, headers=FETCH if fetch else {})


async def rows() -> list[Generation]:
    return await in_database(lambda: list(Generation.objects.select_related("conversation").order_by("lane")))


async def all_finished() -> list[Generation]:
    return [await finished(row) for row in await rows()]


def html(response) -> str:
    return response.content.decode()


def address(name: str, row: Generation) -> str:
    about_reply = name in ("stop", "stop_all", "follow")
    return reverse(f"conversations:{name}", args=[row.pk if about_reply else row.conversation_id])


def kept(row: Generation) -> dict[str, str]:
    return {"message_id": row.reply_id}


async def shown(client, row: Generation) -> str:
    return html(await client.get(address("show", row)))


async def test_a_comparison_by_script_gets_its_columns_and_the_next_composer(browser, pks):
    gate = asyncio.Event()
    for name in NAMES:
        get_backend(name).enqueue(gate.wait, "Hello")
    page = html(await send(browser, pks))
    first, second = await rows()
    assert page.index(address("follow", first)) < page.index(address("follow", second))
    assert page.count('role="region"') == 2
    assert address("stop_all", first) in page
    assert [address("stop", row) in page for row in (first, second)] == [True, True]
    assert f'name="parent_id" value="{first.reply_id}"' in page
    assert 'name="models"' not in page  # the picker does not come with each turn
    gate.set()
    await all_finished()


async def test_a_comparison_without_script_leads_to_its_page(browser, pks):
    response = await send(browser, pks, fetch=False)
    first, _second = await all_finished()
    assert response.status_code == 303
    assert response["Location"] == f"{address('show', first)}#m-{first.user_message_id}"
    page = await shown(browser, first)
    assert page.count("Keep this one") == 2
    assert 'data-columns="2"' in page
    assert 'aria-label="Answers side by side"' in page


@pytest.mark.parametrize("fetch", [True, False])
@pytest.mark.parametrize("wanted", ["one", "unknown", "none of them a number", "more digits than a number has"])
async def test_a_choice_that_cannot_be_is_refused_with_the_text(browser, pks, wanted, fetch):
    given = {
        "one": pks[:1],
        "unknown": [pks[0], 9999],
        "none of them a number": ["a", "b"],
        "more digits than a number has": [pks[0], "9" * 5000],
    }[wanted]
    response = await send(browser, given, fetch=fetch)
    assert response.status_code == 400
    assert "Which?" in html(response)
    assert "notice-error" in html(response)
    assert not await rows()


async def test_what_was_ticked_stands_ticked_when_it_is_refused(browser, pks):
    page = html(await send(browser, pks, fetch=False, content=" "))
    for pk in pks:
        assert re.search(rf'name="models" value="{pk}"[^>]* checked', page)


async def test_a_double_click_is_one_comparison(browser, pks):
    key = uuid4().hex
    first, again = await send(browser, pks, key=key), await send(browser, pks, key=key)
    assert first.status_code == again.status_code == 200
    assert len(await rows()) == 2
    assert re.findall(r'id="m-(\w+)"', html(first)) == re.findall(r'id="m-(\w+)"', html(again))
    assert (await send(browser, pks, key=key, content="Another")).status_code == 422
    await all_finished()


async def test_the_same_key_with_other_settings_is_422(browser, pks):
    key = uuid4().hex
    sends = [{"option-temperature": "0.1"}, {"option-temperature": "0.9"}, {}, {"option-temperature": "0.1"}]
    codes = [(await send(browser, pks, key=key, **said)).status_code for said in sends]
    assert codes == [200, 422, 422, 200]


async def test_keeping_one_leads_to_the_chat_with_it(browser, pks, models):
    await send(browser, pks)
    _first, second = await all_finished()
    response = await browser.post(address("keep", second), kept(second))
    at = f"?at={second.reply_id}#m-{second.reply_id}"
    assert (response.status_code, response["Location"]) == (303, f"{address('show', second)}{at}")
    page = await shown(browser, second)
    assert "data-comparison" not in page
    assert "2/2" in page
    assert f'value="{models["second"].pk}" selected' in page
    assert "Side by side again" in page
    again = await browser.post(address("keep", second), kept(second))  # a second tab, which had not heard of it
    assert again.status_code == 303


@pytest.mark.parametrize("message_id", ["nothing", "", "question"])
async def test_what_is_no_answer_cannot_be_kept(browser, pks, message_id):
    await send(browser, pks)
    first, _second = await all_finished()
    wanted = first.user_message_id if message_id == "question" else message_id
    assert (await browser.post(address("keep", first), {"message_id": wanted})).status_code == 400
    assert (await branch(first.conversation))[-1].id == first.user_message_id


async def test_an_answer_that_is_being_written_is_not_kept_yet(browser, pks):
    gate = asyncio.Event()
    get_backend("scripted").enqueue("Some", gate.wait)
    await send(browser, pks)
    first, _second = await rows()
    assert (await browser.post(address("keep", first), kept(first))).status_code == 409
    gate.set()
    await all_finished()


async def test_stop_all_stops_all(browser, pks):
    for name in NAMES:
        get_backend(name).enqueue("Some", asyncio.Event().wait)
    await send(browser, pks)
    _first, second = await rows()
    assert (await browser.post(address("stop_all", second), headers=FETCH)).status_code == 204
    assert [row.status for row in await all_finished()] == ["cancelled"] * 2
    assert (await browser.post(address("stop_all", second))).status_code == 302


async def test_a_retry_in_a_column_gets_that_column(browser, pks):
    get_backend("second").enqueue(BackendError("Out of memory."))
    gate = asyncio.Event()
    get_backend("scripted").enqueue("Some", gate.wait)
    await send(browser, pks)
    first, second = await rows()
    await finished(second)
    answer = await browser.post(address("retry", second), kept(second) | {"key": uuid4().hex}, headers=FETCH)
    page = html(answer)
    assert answer.status_code == 200
    assert page.count('role="region"') == 1
    assert "data-comparison" not in page
    assert address("stop_all", first) in page  # the other one is still written
    gate.set()
    again = (await all_finished())[-1]
    assert (again.lane, again.backend) == (2, "second")
    assert "Out of memory." not in await shown(browser, first)


async def test_going_on_without_keeping_brings_the_first_answer_along(browser, pks):
    await send(browser, pks)
    first, _second = await all_finished()
    form = {"content": "And then?", "key": uuid4().hex, "parent_id": first.reply_id}
    page = html(await browser.post(address("send", first), form, headers=FETCH))
    template = page.split("<template data-kept>")[1].split("</template>")[0]
    assert f'id="m-{first.reply_id}"' in template
    assert "1/2" in template
    await all_finished()


@pytest.mark.parametrize("name", ["keep", "stop_all"])
async def test_a_stranger_finds_nothing(browser, pks, bob, name):
    gate = asyncio.Event()
    for backend in NAMES:
        get_backend(backend).enqueue("Some", gate.wait)
    await send(browser, pks)
    first, _second = await rows()
    stranger = await browser_of(bob)
    answer = await stranger.post(address(name, first), kept(first))
    nowhere = await stranger.post(reverse(f"conversations:{name}", args=[uuid4()]), kept(first))
    assert (answer.status_code, nowhere.status_code) == (404, 404)
    assert [row.is_live for row in await rows()] == [True, True]
    gate.set()
    await all_finished()


async def test_a_stranger_compares_nothing_in_somebody_else_s_chat(engine, pks, alice, bob):
    chat = await in_store(services.create, alice)
    stranger = await browser_of(bob)
    url = reverse("conversations:send", args=[chat.pk])
    answer = await stranger.post(url, {"content": "Hi", "models": pks, "key": uuid4().hex}, headers=FETCH)
    assert answer.status_code == 404
    assert not await rows()


@pytest.mark.parametrize("name", ["keep", "stop_all"])
async def test_nobody_who_is_logged_out_changes_anything(browser, pks, name):
    await send(browser, pks)
    first, _second = await all_finished()
    visitor = AsyncClient()
    assert (await visitor.post(address(name, first), kept(first), headers=FETCH)).status_code == 401
    assert (await visitor.post(address(name, first), kept(first))).status_code == 302
    assert (await branch(first.conversation))[-1].id == first.user_message_id


@pytest.mark.parametrize("name", ["keep", "stop_all"])
async def test_the_wrong_verb_is_405(browser, pks, name):
    await send(browser, pks)
    first, _second = await all_finished()
    assert (await browser.get(address(name, first))).status_code == 405


async def test_one_model_alone_has_nothing_to_compare_with(engine, alice, scripted):
    await in_database(lambda: ChatModel.objects.exclude(backend="scripted").update(enabled=False))
    page = html(await (await browser_of(alice)).get("/"))
    assert "Compare models" not in page


async def test_an_ordinary_send_costs_no_further_query(browser, alice, models, settings):
    """The lock, the key, the running replies, the reply's row and the chat's: as before there were comparisons."""
    settings.CHAT_TITLES = False
    first = await finished(await say(alice, "Hi"))
    chat = await in_database(Conversation.objects.get)

    def accepted():
        writer = Writer.objects.create(host="here", pid=1)
        draft = Draft(chat, models["scripted"], uuid4().hex, "Hi", first.reply_id, {}, uuid4().hex, "hash")
        with CaptureQueriesContext(connection) as captured:
            accept(draft, writer.pk)
        return [query["sql"] for query in captured if not query["sql"].startswith(("BEGIN", "COMMIT"))]

    queries = await in_database(accepted)
    lock = int(connection.features.has_select_for_update)
    assert len(queries) == lock + 4, queries
