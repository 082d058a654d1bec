"""Going on from the beginning of an answer: only where the server is said to be able to."""

from __future__ import annotations

import pytest

from conversations.backends.chat_completions import ChatCompletionsBackend
from conversations.backends.huggingface import HuggingFaceBackend
from conversations.types import ChatRequest, Message
from tests.backends.asking import question, text_of
from tests.upstream import Answer

BEGUN = ChatRequest((Message("user", "Count to three."), Message("assistant", "One, two,")), model="test")


@pytest.fixture(params=[ChatCompletionsBackend, HuggingFaceBackend])
async def connect(request, upstream):
    made = []

    def make(**options):
        made.append(request.param("server", base_url=upstream.url, api_key="hf_test", models=["test"], **options))
        return made[-1]

    yield make
    for backend in made:
        await backend.aclose()


def test_a_server_is_not_thought_able_unless_told(connect):
    assert connect().supports_continue is False
    assert connect(can_continue=True).supports_continue is True


async def test_it_is_asked_for_the_rest_of_the_answer(connect, upstream):
    upstream.enqueue(" three.")
    assert await text_of(connect(can_continue=True), BEGUN) == " three."
    body = upstream.exchanges[-1].body
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert body["messages"][-1] == {"role": "assistant", "content": "One, two,"}


@pytest.mark.parametrize(("able", "asked"), [(True, question("Hi")), (False, question("Hi")), (False, BEGUN)])
async def test_it_is_not_spoken_of_without_need_or_where_nobody_said_so(connect, upstream, able, asked):
    await text_of(connect(can_continue=able), asked)
    assert not {"continue_final_message", "add_generation_prompt"} & set(upstream.exchanges[-1].body)


async def test_a_server_that_refuses_the_fields_is_still_served_and_asked_without_them_from_then_on(connect, upstream):
    for field in ("continue_final_message", "add_generation_prompt"):
        upstream.enqueue(Answer(400, {"error": {"message": f"Unrecognized request argument supplied: {field}"}}))
    upstream.enqueue(" three.")
    backend = connect(can_continue=True)
    assert await text_of(backend, BEGUN) == " three."
    await text_of(backend, BEGUN)
    assert len(upstream.exchanges) == 4
    for exchange in upstream.exchanges[2:]:
        assert not {"continue_final_message", "add_generation_prompt"} & set(exchange.body)
        assert exchange.body["messages"][-1]["role"] == "assistant"
