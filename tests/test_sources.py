"""What an answer rests on, where its server says so beside the text: kept with the answer, and shown under it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from chatsite.sharing import links
from chatsite.transfer import documents
from conversations import services, streaming
from conversations.backends import get_backend
from conversations.backends.chat_completions import ChatCompletionsBackend
from conversations.backends.huggingface import HuggingFaceBackend
from conversations.errors import BackendUnavailable
from conversations.guards import Guard, ReplyGuard
from conversations.models import Conversation
from conversations.presenting import message_views, source_views
from conversations.services.catalogue import forget_catalogue
from conversations.sources import MOST, clean_sources
from conversations.stores import get_store
from conversations.streaming import storing
from conversations.streaming.executors import in_database, in_store
from conversations.types import Delta, Message, Transcript
from tests.backends.asking import deltas_of, question
from tests.helpers import branch, finished, refreshed, say
from tests.transfer.cast import keep
from tests.upstream import CUT, Answer, Upstream, chunk

RIVERS = {"title": "Rivers of Asia", "url": "https://www.example.org/rivers"}
DELTA = {"title": "The delta", "url": "https://delta.example/"}


def note(source: dict) -> dict:
    return {"type": "url_citation", "url_citation": {**source, "start_index": 0, "end_index": 4}}


@pytest.fixture
def upstream():
    with Upstream() as server:
        yield server


@pytest.fixture(params=[ChatCompletionsBackend, HuggingFaceBackend], ids=["plain", "hub"])
async def backend(request, upstream):
    options = {"base_url": upstream.url, "api_key": "k", "models": ["test"]}
    made = request.param("server", **options)
    yield made
    await made.aclose()


async def named(backend) -> list[dict]:
    """What the last delta that names any names."""
    found = [delta.metadata["sources"] for delta in await deltas_of(backend, question()) if "sources" in delta.metadata]
    return found[-1] if found else []


# What servers send

LISTS = {
    "annotations": [chunk("A"), chunk("", annotations=[note(RIVERS)]), chunk(annotations=[note(DELTA), note(RIVERS)])],
    "search_results": [{**chunk(word), "search_results": [RIVERS, DELTA]} for word in ("A", "B", "C")],
    "a list at the end": [chunk("A"), {"choices": [], "search_results": [RIVERS, DELTA]}],
    "one that is none": [{**chunk("A"), "search_results": "x", "citations": [RIVERS, DELTA]}],
    "both": [{**chunk("A"), "citations": ["https://gone.example"]}, {**chunk("B"), "search_results": [RIVERS, DELTA]}],
    "Azure's": [chunk("A", context={"citations": [RIVERS, {"filepath": "The delta", "url": DELTA["url"]}]})],
}


@pytest.mark.parametrize("steps", LISTS.values(), ids=LISTS)
async def test_sources_are_read_in_every_shape_that_servers_send(backend, upstream, steps):
    upstream.enqueue(*steps)
    assert await named(backend) == [RIVERS, DELTA]


async def test_addresses_alone_keep_the_numbers_that_the_text_calls_them_by(backend, upstream):
    upstream.enqueue({**chunk("See [1], [2] and [3]."), "citations": [DELTA["url"], RIVERS["url"], DELTA["url"]]})
    assert [source["url"] for source in await named(backend)] == [DELTA["url"], RIVERS["url"], DELTA["url"]]


async def test_an_answer_that_is_not_streamed_has_them_too(upstream):
    message = {"role": "assistant", "content": "Hi", "annotations": [note(RIVERS)]}
    upstream.enqueue(Answer(200, {"choices": [{"message": message, "finish_reason": "stop"}]}))
    backend = ChatCompletionsBackend("server", base_url=upstream.url)
    assert await named(backend) == [RIVERS]
    await backend.aclose()


@pytest.mark.parametrize(
    "rubbish", [7, "x", {"a": 1}, [None, 3, [], {}], [{"url_citation": 4}], [{"url": 5, "title": []}], [{"url": ""}]]
)
async def test_what_is_no_list_of_sources_spoils_no_answer(upstream, rubbish):
    upstream.enqueue({**chunk("Hi", annotations=rubbish, context={"citations": rubbish}), "citations": rubbish}, " you")
    backend = ChatCompletionsBackend("server", base_url=upstream.url)
    deltas = await deltas_of(backend, question())
    assert "".join(delta.text for delta in deltas) == "Hi you"
    assert not any("sources" in delta.metadata for delta in deltas)
    await backend.aclose()


def test_only_web_pages_are_links_and_nothing_is_endless():
    given = [
        {"title": "Run", "url": "javascript:alert(1)"},
        {"url": "data:text/html,x"},
        {"title": "Two\nlines\0", "url": "https://a.example/with space"},
        {"title": "Long", "url": "https://a.example/" + "x" * 5_000},
    ]
    assert clean_sources(given) == [
        {"title": "Run"},
        {"title": "data:text/html,x"},
        {"title": "Two lines\ufffd", "url": "https://a.example/with%20space"},
        {"title": "Long"},
    ]
    assert len(clean_sources([RIVERS] * 1_000)) == MOST
    assert len(clean_sources([{"title": "x" * 10_000}])[0]["title"]) == 200


def test_the_host_that_is_shown_is_the_one_that_browsers_go_to():
    given = [
        {"title": "good.example", "url": "https://evil.example\\@good.example/"},
        {"title": "T\u2069\u202e", "url": "https://moc.elgoog.evil/"},
        {"title": "A", "url": "https://\\evil.example/"},
    ]
    disguised, turned, no_page = source_views(given)
    assert disguised.url == "https://evil.example%5C@good.example/"  # what stands before the @ is a name there, too
    assert (turned.title, turned.host) == ("T", "moc.elgoog.evil")
    assert (no_page.url, no_page.host) == ("", "")


def test_names_that_lead_nowhere_are_not_looked_up():
    [source] = source_views([{"title": "Long", "url": "https://" + "字" * 1_900 + ".example/"}])
    assert source.host.startswith("字")  # in another script, and longer than a name can be


# From the answer to the page

database = pytest.mark.django_db(transaction=True)


def sources(*given: dict) -> Delta:
    return Delta(metadata={"sources": list(given)})


async def shown(conversation) -> list[tuple[str, str, str]]:
    transcript = await in_store(services.read, conversation)
    return [(one.title, one.url, one.host) for one in message_views(transcript, str(conversation.pk))[-1].sources]


@database
async def test_they_stand_in_the_row_the_document_and_the_page(engine, alice, scripted):
    scripted.enqueue("It is long [1].", sources(RIVERS, DELTA))
    row = await finished(await say(alice, "How long?"))
    assert row.sources == [RIVERS, DELTA]
    assert (await branch(row.conversation))[-1].metadata["sources"] == [RIVERS, DELTA]
    assert await shown(row.conversation) == [
        ("Rivers of Asia", RIVERS["url"], "example.org"),
        ("The delta", DELTA["url"], "delta.example"),
    ]


@database
async def test_they_are_asked_of_no_model(engine, alice, scripted):
    scripted.enqueue("Long.", sources(RIVERS))
    first = await finished(await say(alice, "How long?"))
    await finished(await services.send_message(first.conversation, "Sure?"))
    assert "Rivers of Asia" not in repr(scripted.requests)


@database
async def test_an_answer_that_broke_off_keeps_those_it_had(engine, alice, settings, upstream):
    backend = "conversations.backends.chat_completions.ChatCompletionsBackend"
    options = {"base_url": upstream.url, "models": ["test"]}
    settings.CHAT_BACKENDS = {"server": {"BACKEND": backend, "OPTIONS": options}}
    await in_database(services.seed_catalogue)
    forget_catalogue()
    upstream.enqueue({**chunk("It is lo"), "search_results": [RIVERS]}, CUT)
    row = await finished(await say(alice, "How long?"))
    assert (row.status, row.reply_text, row.sources) == ("failed", "It is lo", [RIVERS])
    await get_backend("server").aclose()


@database
async def test_the_last_list_counts_because_the_text_counts_by_it(engine, alice, scripted):
    named = {"title": "Rivers", "url": RIVERS["url"]}
    scripted.enqueue(
        sources({"url": RIVERS["url"]}), "One [1]", sources(DELTA, RIVERS), " and [3].", sources(DELTA, named, DELTA)
    )
    row = await finished(await say(alice, "How long?"))
    assert row.sources == [DELTA, named, DELTA]


@database
async def test_a_model_that_names_sources_and_fails_is_asked_again_and_leaves_none(engine, alice, scripted):
    scripted.enqueue(sources(DELTA), BackendUnavailable("Not now."))
    scripted.enqueue("Long.")
    row = await finished(await say(alice, "How long?"))
    assert (row.status, row.reply_text, row.sources) == ("completed", "Long.", [])


@database
async def test_an_answer_that_goes_on_has_those_of_both_parts(engine, alice, scripted):
    scripted.enqueue("Long", sources(RIVERS), Delta(finish_reason="length"))
    first = await finished(await say(alice, "How long?"))
    scripted.enqueue(" and wide.", sources(DELTA, RIVERS))
    again = await finished(await services.continue_reply(first.conversation, first.reply_id))
    assert again.sources == [RIVERS, DELTA]


@database
async def test_of_a_temporary_chat_the_database_never_has_them(engine, alice, scripted):
    scripted.enqueue("Long.", sources(RIVERS))
    conversation = services.start_conversation(alice, is_temporary=True)
    row = await finished(await services.send_message(conversation, "How long?", parent_id=""))
    assert row.sources == []
    assert await shown(row.conversation) == [("Rivers of Asia", RIVERS["url"], "example.org")]


@database
async def test_once_the_store_has_had_them_for_long_the_row_lacks_them_and_readers_still_get_them(
    engine, alice, scripted, settings
):
    scripted.enqueue("Long.", sources(RIVERS))
    row = await finished(await say(alice, "How long?"))
    settings.CHAT_KEEP_KEYS_HOURS = 0
    await in_database(storing.prune)
    row = await refreshed(row)
    assert row.sources == []
    assert b"example.org/rivers" in await in_store(streaming.finished_frames, row)


class NoRivers(Guard):
    def open_reply(self, exchange, said=""):
        class Word(ReplyGuard):
            def feed(self, text):
                return text.replace("Rivers", "■■■■■■")

        return Word()


@database
async def test_their_titles_pass_the_content_filter(engine, alice, scripted, settings):
    settings.CHAT_GUARDS = [*settings.CHAT_GUARDS, "tests.test_sources.NoRivers"]
    scripted.enqueue("Long.", sources(RIVERS))
    row = await finished(await say(alice, "How long?"))
    assert row.sources == [{"title": "■■■■■■ of Asia", "url": RIVERS["url"]}]


# Where else they are shown

HOSTILE = {
    "title": "[x](https://evil.example) <b>*bold*</b>",
    "url": 'https://evil.example/?a="><script>alert(1)</script>',
}


@pytest.fixture
def chat(db, alice) -> Conversation:
    given = {"sources": [RIVERS, HOSTILE, {"title": "A book"}]}
    question = Message("user", "How long?")
    answer = Message("assistant", "Long [1].", parent_id=question.id, metadata=given)
    return keep(Conversation(user=alice, title="Rivers"), Transcript((question, answer), answer.id))


LINK = '<a href="https://www.example.org/rivers" rel="noopener noreferrer nofollow" target="_blank"><bdi>Rivers of Asia'


@pytest.mark.django_db
def test_a_page_a_print_and_a_file_show_them_and_run_nothing(chat, alice, client):
    client.force_login(alice)
    for address in (
        reverse("conversations:show", args=[chat.pk]),
        reverse("transfer:print", args=[chat.pk]),
        reverse("transfer:download", args=[chat.pk, "html"]),
    ):
        shown = client.get(address).content.decode()
        assert LINK in shown
        assert "<bdi>A book</bdi>" in shown
        assert "&lt;b&gt;*bold*" in shown
        assert "<script>alert(1)" not in shown


@pytest.mark.django_db
def test_markdown_lists_them_and_none_of_their_titles_is_markup(chat):
    listed = documents.markdown(chat, get_store().load(chat.key)).partition("**Sources**")[2]
    assert listed.split("\n")[2:5] == [
        "1. Rivers of Asia <https://www.example.org/rivers>",
        r"2. \[x\](https://evil.example) \<b\>\*bold\*\</b\> "
        "<https://evil.example/?a=%22%3E%3Cscript%3Ealert(1)%3C/script%3E>",
        "3. A book",
    ]


@pytest.mark.django_db
def test_a_shared_copy_shows_them_and_so_does_a_copy_of_that(chat, bob):
    link = links.share(chat)
    shown = Client().get(reverse("sharing:shared", args=[link.token])).content.decode()
    assert LINK in shown
    assert "<script>alert(1)" not in shown
    mine = links.continue_as_own(bob, link)
    assert get_store().load(mine.key).branch()[-1].metadata["sources"] == [RIVERS, HOSTILE, {"title": "A book"}]
