"""Before its first token a model is asked again, and others after it; from then on the reply is its own."""

from __future__ import annotations

import asyncio

import pytest

from conversations import services, streaming
from conversations.presenting import footer_html, message_views
from conversations.streaming.executors import in_database, in_store
from conversations.titles import INSTRUCTION
from tests.faults.cable import Cable
from tests.faults.upstreams import answered, asked, stand_in
from tests.helpers import finished, say
from tests.reading import parse
from tests.upstream import CUT, Answer, chunk

pytestmark = pytest.mark.django_db(transaction=True)
BUSY_FOR_LONG = Answer(429, headers={"Retry-After": "600"})


async def told_to_wait(generation) -> str:
    """The first thing that a reader is told while nothing comes."""
    async with asyncio.timeout(20):
        async for frames in streaming.follow(generation.pk):
            if texts := [event.data["text"] for event in parse(frames) if event.name == "waiting"]:
                return texts[0]
    raise AssertionError("nothing was told")


def models_asked(upstream) -> list[str]:
    return [exchange.body["model"] for exchange in asked(upstream)]


@pytest.mark.parametrize("hiccup", [Answer(429), Answer(500), Answer(503), CUT])
async def test_a_hiccup_is_mended_by_asking_again(connect, upstream, alice, hiccup):
    await connect(acme={})
    upstream.enqueue(hiccup)
    upstream.enqueue("Hello")
    turn = await answered(alice)
    assert (turn.row.status, turn.reply.content, turn.row.error) == ("completed", "Hello", "")
    assert len(asked(upstream)) == 2
    assert turn.waits[0].endswith("Asking again in 1 second.")
    assert turn.waits[1] == "Waiting for Acme…"


async def test_the_wait_that_a_server_asks_for_is_kept(connect, upstream, alice):
    await connect(acme={})
    upstream.enqueue(Answer(429, headers={"Retry-After": "1"}))
    upstream.enqueue("Hello")
    loop = asyncio.get_running_loop()
    began = loop.time()
    turn = await answered(alice)
    assert turn.reply.content == "Hello"
    assert turn.waits[0] == "“test” is busy. Asking again in 1 second."
    assert loop.time() - began >= 1  # without it, a second of the tests' short pauses would not have passed
    assert len(asked(upstream)) == 2


async def test_nothing_is_asked_again_where_waiting_is_switched_off(connect, upstream, alice, settings):
    settings.CHAT_RETRY_PATIENCE = 0
    await connect(acme={})
    upstream.enqueue(Answer(503))
    assert (await answered(alice)).row.status == "failed"
    assert len(asked(upstream)) == 1


async def test_stop_during_a_wait_ends_it_and_nothing_is_asked_any_more(connect, upstream, alice, settings):
    settings.CHAT_RETRY_PATIENCE = 100
    await connect(acme={})
    upstream.enqueue(Answer(429, headers={"Retry-After": "60"}))
    generation = await say(alice, "Hi")
    assert "is busy. Asking again in 60 seconds." in await told_to_wait(generation)
    await services.stop(generation)
    assert (await finished(generation)).status == "cancelled"
    assert len(asked(upstream)) == 1


async def test_a_title_is_asked_for_once(connect, upstream, alice):
    await connect(acme={})
    upstream.enqueue("Hello")
    upstream.enqueue(Answer(503))
    generation = await say(alice, "What is this?")
    await finished(generation)
    await streaming.shutdown()
    titles = [x for x in upstream.exchanges if x.body["messages"][-1]["content"] == INSTRUCTION]
    assert len(titles) == 1


async def test_another_model_answers_and_the_reader_is_told(connect, upstream, alice):
    models = await connect(acme={"models": ["first", "second"]})
    await stand_in(models["first"], models["second"])
    upstream.enqueue(Answer(402))
    upstream.enqueue("Hello")
    turn = await answered(alice, model=models["first"].pk)
    assert turn.reply.content == "Hello"
    assert models_asked(upstream) == ["first", "second"]
    assert turn.waits == ["“first” did not answer. Asking “second” instead…"]
    note = "“first” did not answer, so “second” did."
    assert note in turn.page.footer
    shown = message_views(await in_store(services.read, turn.row.conversation), str(turn.row.conversation_id))
    assert note in footer_html(shown[-1])  # after a reload, too
    assert (turn.reply.metadata["model"], turn.reply.metadata["label"]) == ("second", "second")
    assert (turn.row.upstream_model, turn.row.instead_of) == ("second", "first")
    await streaming.shutdown()
    assert upstream.exchanges[-1].body["model"] == "second"  # it makes the title, too


async def test_the_chosen_model_answers_for_itself_when_it_can(connect, upstream, alice):
    models = await connect(acme={"models": ["first", "second"]})
    await stand_in(models["first"], models["second"])
    turn = await answered(alice, model=models["first"].pk)
    assert models_asked(upstream) == ["first"]
    assert "did not answer" not in turn.page.footer


async def test_substitutes_are_asked_in_order_and_those_that_cannot_answer_are_passed_over(
    connect, upstream, alice, settings
):
    models = await connect(acme={"models": ["first", "hidden", "second", "third"]}, gone={"models": ["elsewhere"]})
    await stand_in(*(models[name] for name in ("first", "hidden", "elsewhere", "second", "third")))
    await stand_in(models["second"], models["first"])  # a circle harms nobody
    models["hidden"].enabled = False
    await in_database(models["hidden"].save)
    settings.CHAT_BACKENDS = {"acme": settings.CHAT_BACKENDS["acme"]}
    for _ in range(2):
        upstream.enqueue(Answer(401))
    turn = await answered(alice, model=models["first"].pk)
    assert models_asked(upstream) == ["first", "second", "third"]
    assert "“first” did not answer, so “third” did." in turn.page.footer


async def test_if_nobody_answers_the_chosen_model_says_why(connect, upstream, alice):
    models = await connect(acme={"models": ["first", "second"]})
    await stand_in(models["first"], models["second"])
    upstream.enqueue(Answer(402))
    upstream.enqueue(BUSY_FOR_LONG)
    turn = await answered(alice, model=models["first"].pk)
    assert turn.row.status == "failed"
    assert "credit of this site" in turn.page.footer
    assert "did not answer" not in turn.page.footer
    assert (turn.row.upstream_model, turn.row.instead_of) == ("first", "")


FLAGGED = Answer(400, {"error": {"message": "Flagged", "code": "content_filter"}})


@pytest.mark.parametrize("steps", [(FLAGGED,), ("Hel", CUT), (chunk(reasoning="Hm."), CUT)])
async def test_nobody_else_is_asked_about_what_was_refused_for_its_content_or_has_begun(
    connect, upstream, alice, steps
):
    models = await connect(acme={"models": ["first", "second"]})
    await stand_in(models["first"], models["second"])
    upstream.enqueue(*steps)
    assert (await answered(alice, model=models["first"].pk)).row.status == "failed"
    assert models_asked(upstream) == ["first"]


async def test_what_is_too_long_goes_to_a_model_with_a_larger_context_only(connect, upstream, alice):
    models = await connect(acme={"models": ["first", "unknown", "smaller", "larger"]})
    for name, size in (("first", 8000), ("smaller", 4000), ("larger", 32000)):
        models[name].context_size = size
        await in_database(models[name].save)
    await stand_in(*(models[name] for name in ("first", "unknown", "smaller", "larger")))
    upstream.enqueue(Answer(413))
    assert (await answered(alice, model=models["first"].pk)).row.status == "completed"
    assert models_asked(upstream) == ["first", "larger"]


async def test_a_server_that_cannot_be_reached_is_not_tried_under_another_name(connect, upstream, alice):
    with Cable(("127.0.0.1", upstream.port)) as cable:
        away = f"http://127.0.0.1:{cable.port}/v1"
        models = await connect(away={"models": ["first", "second"], "base_url": away}, near={"models": ["third"]})
        await stand_in(models["first"], models["second"], models["third"])
        cable.cut()
        turn = await answered(alice, model=models["first"].pk)
    assert turn.row.status == "completed"
    assert models_asked(upstream) == ["third"]
    assert turn.waits[-1] == "“first” did not answer. Asking “third” instead…"
