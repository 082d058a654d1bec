"""What every backend promises, run over every one that needs no torch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

import pytest

from conversations.backends import ChatBackend
from conversations.backends.chat_completions import ChatCompletionsBackend
from conversations.backends.huggingface import HuggingFaceBackend
from conversations.backends.ollama import OllamaBackend
from conversations.backends.rules import RulesBackend
from conversations.backends.scripted import ScriptedBackend
from conversations.models import ChatModel
from conversations.types import Delta
from tests.backends.asking import deltas_of, question, text_of
from tests.upstream import HANG, Upstream


@dataclass
class Subject:
    """A backend, a way to make its next reply hang after its first piece, and to see that it let go of it."""

    backend: ChatBackend
    hold: Callable[[], None]
    let_go: Callable[[], bool]


def scripted(_upstream: Upstream) -> Subject:
    backend = ScriptedBackend("scripted")
    return Subject(backend, lambda: backend.enqueue("Hel", asyncio.Event().wait), lambda: backend.closed == 1)


def rules(_upstream: Upstream) -> Subject:
    backend = RulesBackend("guide", tree="chatsite.guide.TREE", title="Guide")

    def pause_between_words(seconds: float) -> bool:
        backend.delay = seconds
        return True

    return Subject(backend, lambda: pause_between_words(3600), lambda: pause_between_words(0))


def server(kind: type[ChatBackend], upstream: Upstream) -> Subject:
    backend = kind("server", base_url=upstream.url, api_key="hf_test", models=["test"])
    return Subject(
        backend, lambda: upstream.enqueue("Hel", HANG), lambda: upstream.exchanges[-1].was_abandoned(timeout=5)
    )


SUBJECTS = {
    "scripted": scripted,
    "rules": rules,
    "chat_completions": lambda upstream: server(ChatCompletionsBackend, upstream),
    "huggingface": lambda upstream: server(HuggingFaceBackend, upstream),
    "ollama": lambda upstream: server(OllamaBackend, upstream),
}


@pytest.fixture(params=SUBJECTS)
async def subject(request, upstream):
    subject = SUBJECTS[request.param](upstream)
    yield subject
    await subject.backend.aclose()


async def test_a_reply_is_text_and_its_last_delta_alone_carries_a_finish_reason(subject):
    deltas = await deltas_of(subject.backend, question("Hello there, who are you?"))
    assert len(deltas) > 1
    assert all(isinstance(delta, Delta) and isinstance(delta.text, str) for delta in deltas)
    assert "".join(delta.text for delta in deltas).strip()
    assert deltas[-1].finish_reason == "stop"
    assert not any(delta.finish_reason for delta in deltas[:-1])


async def test_the_whole_reply_is_what_the_stream_says(subject):
    whole = await subject.backend.complete(question("Hello there, who are you?"))
    assert whole.role == "assistant"
    assert whole.content == await text_of(subject.backend, question("Hello there, who are you?"))


async def test_replies_at_the_same_time_do_not_mix(subject):
    texts = [f"Hello number {i}, how do I connect a language model?" for i in range(5)]
    alone = [await text_of(subject.backend, question(text)) for text in texts]
    together = await asyncio.gather(*(text_of(subject.backend, question(text)) for text in texts))
    assert together == alone


async def test_closing_a_stream_early_releases_what_it_held(subject):
    subject.hold()
    async with aclosing(subject.backend.stream(question())) as stream:
        async for delta in stream:
            assert delta.text
            break
    assert await asyncio.to_thread(subject.let_go)


async def test_cancelling_the_task_releases_what_it_held(subject):
    subject.hold()
    begun = asyncio.Event()

    async def read() -> None:
        async with aclosing(subject.backend.stream(question())) as stream:
            async for _delta in stream:
                begun.set()

    task = asyncio.create_task(read())
    await asyncio.wait_for(begun.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(subject.let_go)


async def test_a_backend_answers_again_after_a_reply_was_given_up(subject):
    subject.hold()
    async with aclosing(subject.backend.stream(question())) as stream:
        await anext(stream)
    assert await asyncio.to_thread(subject.let_go)
    assert (await deltas_of(subject.backend, question()))[-1].finish_reason == "stop"


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_backend_serves_one_event_loop_after_the_other(name, upstream):
    backend = SUBJECTS[name](upstream).backend

    async def ask() -> str:
        return await text_of(backend, question("Hello there"))

    async def ask_and_close() -> str:
        try:
            return await ask()
        finally:
            await backend.aclose()

    assert asyncio.run(ask()) == asyncio.run(ask_and_close()) == asyncio.run(ask_and_close())


async def test_its_models_fit_the_catalogue(subject):
    entries = subject.backend.models()
    assert entries
    for entry in entries:
        ChatModel(backend="test", **entry).clean_fields()


async def test_a_right_configuration_has_nothing_to_complain_about(subject):
    assert list(subject.backend.check()) == []


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (ScriptedBackend, {}),
        (RulesBackend, {"tree": "chatsite.guide.TREE"}),
        (ChatCompletionsBackend, {"base_url": "http://localhost:1/v1"}),
        (HuggingFaceBackend, {"api_key": "hf_test"}),
    ],
)
def test_an_unknown_option_is_refused_by_its_name(kind, options):
    with pytest.raises(TypeError, match="colour"):
        kind("test", colour="red", **options)
