"""Some chat templates (Gemma 2, the default hosted model) know no system role: its words go with the first message."""

from __future__ import annotations

import pytest

from conversations.backends.chat_completions import ChatCompletionsBackend
from conversations.backends.huggingface import HuggingFaceBackend
from conversations.types import ChatRequest, Message
from tests.backends.asking import fault_of, question, text_of
from tests.upstream import Answer

REFUSALS = [
    "Template error: System role not supported",
    "Conversation roles must alternate user/assistant/user/assistant/...",
    "Only user and assistant roles are supported!",
    "Developer instruction is not enabled: system prompt is not supported by this model",
]


@pytest.fixture(params=[ChatCompletionsBackend, HuggingFaceBackend])
async def backend(request, upstream):
    backend = request.param("server", base_url=upstream.url, api_key="hf_test", models=["test"])
    yield backend
    await backend.aclose()


@pytest.mark.parametrize("message", REFUSALS)
async def test_a_refused_system_prompt_goes_with_the_first_message_from_then_on(backend, upstream, message):
    upstream.enqueue(Answer(400, {"error": {"message": message}}))
    upstream.enqueue("Hello")
    upstream.enqueue("Hello again")
    assert await text_of(backend, question("Hi")) == "Hello"
    await text_of(backend, question("Hi"))
    folded = [{"role": "user", "content": "Be brief.\n\nHi"}]
    assert [exchange.body["messages"] for exchange in upstream.exchanges[1:]] == [folded, folded]


async def test_later_messages_keep_their_roles(backend, upstream):
    upstream.enqueue(Answer(400, {"error": {"message": REFUSALS[0]}}))
    said = (Message("user", "Hi"), Message("assistant", "Ho"), Message("user", "And?"))
    await text_of(backend, ChatRequest((Message("system", "Be brief."), *said), model="test"))
    sent = upstream.exchanges[-1].body["messages"]
    assert [(m["role"], m["content"]) for m in sent] == [
        ("user", "Be brief.\n\nHi"),
        ("assistant", "Ho"),
        ("user", "And?"),
    ]


async def test_a_server_that_goes_on_refusing_is_not_asked_for_ever(backend, upstream):
    for _ in range(3):
        upstream.enqueue(Answer(400, {"error": {"message": REFUSALS[0]}}))
    fault, _ = await fault_of(backend, question("Hi"))
    assert fault.message
    assert len(upstream.exchanges) == 2
