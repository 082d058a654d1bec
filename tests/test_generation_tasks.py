"""The task that writes a reply: it outlives the request that began it, and holds the model no longer than it must."""

from __future__ import annotations

import asyncio
import time
from uuid import uuid4

import pytest

from conversations import backends
from conversations.relay import MemoryRelay
from conversations.streaming.candidates import Candidate
from conversations.streaming.executors import answer_by
from conversations.streaming.pulling import pull
from conversations.streaming.reply import LiveReply
from conversations.types import ChatRequest, Message
from tests.helpers import finished, say
from tests.upstream import ENDLESS, Upstream

REQUEST_TIME = 1.5  # seconds that a request has; longer than accepting a message takes


def reply_from(alias: str) -> LiveReply:
    return LiveReply(uuid4(), (Candidate(alias, "test"),), ChatRequest((Message("user", "Hi"),), "test"))


@pytest.mark.django_db(transaction=True)
async def test_a_reply_and_the_clock_outlive_the_time_of_the_request_that_began_them(engine, alice, scripted):
    gate = asyncio.Event()
    scripted.enqueue("one ", gate.wait, "two")

    async def request():
        answer_by.set(time.monotonic() + REQUEST_TIME)
        return await say(alice, "Hi")

    generation = await asyncio.create_task(request())
    await asyncio.sleep(REQUEST_TIME)
    gate.set()
    row = await finished(generation)
    assert (row.status, row.reply_text) == ("completed", "one two")


async def test_a_model_that_says_too_much_is_left_before_the_outcome_is_told(scripted, settings):
    settings.CHAT_MAX_REPLY_LENGTH = 10
    scripted.enqueue(*["again and again "] * 10)
    reply = reply_from("scripted")
    outcome = await pull(reply, MemoryRelay())
    assert scripted.closed == 1  # not whenever the garbage collector comes by
    assert outcome.finish_reason == "length"


async def test_the_connection_to_a_model_that_says_too_much_is_closed(settings):
    settings.CHAT_MAX_REPLY_LENGTH = 1_000
    with Upstream() as upstream:
        options = {"base_url": upstream.url, "models": ["test"]}
        backend = "conversations.backends.chat_completions.ChatCompletionsBackend"
        settings.CHAT_BACKENDS = {"server": {"BACKEND": backend, "OPTIONS": options}}
        upstream.enqueue(ENDLESS)
        outcome = await pull(reply_from("server"), MemoryRelay())
        assert outcome.finish_reason == "length"
        assert await asyncio.to_thread(upstream.exchanges[-1].was_abandoned, 10)
        await backends.aclose_all()
