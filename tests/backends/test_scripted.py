"""The backend that tests and demonstrations write the replies of."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from conversations.backends.scripted import ScriptedBackend
from conversations.errors import BackendError
from conversations.types import Delta
from tests.backends.asking import deltas_of, fault_of, question, text_of


@pytest.fixture
def scripted():
    return ScriptedBackend("scripted")


async def test_replies_come_in_the_order_they_were_enqueued(scripted):
    scripted.enqueue("Hello", " there")
    scripted.enqueue("Good bye")
    assert await text_of(scripted, question()) == "Hello there"
    assert await text_of(scripted, question()) == "Good bye"


async def test_with_nothing_enqueued_it_repeats_what_was_said(scripted):
    deltas = await deltas_of(scripted, question("to be  or not"))
    assert "".join(delta.text for delta in deltas) == "to be  or not"
    assert len(deltas) == 6


async def test_an_error_ends_the_reply_and_keeps_what_was_said_before(scripted):
    scripted.enqueue("Hel", BackendError("Sorry."))
    error, text = await fault_of(scripted, question())
    assert (error.message, text) == ("Sorry.", "Hel")


async def test_a_finish_reason_can_be_written(scripted):
    scripted.enqueue("cut of", Delta(finish_reason="length"))
    assert [delta.finish_reason for delta in await deltas_of(scripted, question())] == [None, "length"]


async def test_a_reply_waits_for_what_it_is_told_to_wait_for(scripted):
    gate = asyncio.Event()
    scripted.enqueue("a", gate.wait, "b")
    async with aclosing(scripted.stream(question())) as stream:
        assert (await anext(stream)).text == "a"
        second = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        assert not second.done()
        gate.set()
        assert (await second).text == "b"


async def test_titles_have_a_queue_of_their_own(scripted):
    scripted.enqueue("A reply")
    scripted.enqueue_title("A title")
    assert await text_of(scripted, question(purpose="title")) == "A title"
    assert await text_of(scripted, question()) == "A reply"
    assert await text_of(scripted, question(purpose="title")) == "Scripted title of the chat"


async def test_it_remembers_what_it_was_asked(scripted):
    await text_of(scripted, question("First", temperature=0.1))
    assert scripted.requests[0].messages[-1].content == "First"
    assert scripted.requests[0].options == {"temperature": 0.1}


def test_it_passes_for_a_language_model_unless_it_makes_no_titles():
    assert ScriptedBackend().is_language_model
    assert not ScriptedBackend(titles=False).is_language_model
