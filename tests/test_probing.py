"""“Does this model work?” told in a sentence: through real servers, with every fault, and never without an end."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from conversations.backends import aclose_all
from conversations.backends.chat_completions import ChatCompletionsBackend
from conversations.backends.huggingface import HuggingFaceBackend
from conversations.models import ChatModel
from conversations.services import probing
from conversations.services.probing import Probe, probe, probe_all
from conversations.types import Delta
from tests.upstream import CLOSE, CUT, DONE, HANG, Answer, Upstream, chunk

KEY = "hf_a-very-secret-key"
MODEL = ChatModel(pk=1, backend="acme", model_id="test", label="Tester")


@pytest.fixture
def upstream():
    with Upstream() as server:
        yield server


@pytest.fixture(params=[ChatCompletionsBackend, HuggingFaceBackend])
async def connect(request, settings, upstream):
    """Connects the upstream as "acme", through each of the clients."""

    def make(**options) -> None:
        kind = f"{request.param.__module__}.{request.param.__qualname__}"
        given = {"base_url": upstream.url, "api_key": KEY, "label": "Acme", **options}
        settings.CHAT_BACKENDS = {"acme": {"BACKEND": kind, "OPTIONS": given}}

    make()
    yield make
    await aclose_all()


async def test_one_that_streams_is_told_with_its_times(connect, upstream):
    upstream.enqueue(0.1, "one ", 0.1, "two ", 0.1, "three")
    found = await probe(MODEL)
    assert found.works
    assert found.streams
    assert 0.1 <= found.first_token < 5
    assert 1 < found.tokens_per_second < 20  # three tokens in 0.2 seconds, on a machine that may be slow
    assert re.fullmatch(
        r"“Tester” works: Acme can be reached, accepts the key and streams its answers\. "
        r"The first token came after [\d.]+ s\. Then it wrote [\d.]+ tokens per second\.",
        found.sentence,
    )


async def test_it_asks_little_and_once(connect, upstream):
    await probe(MODEL)
    (exchange,) = upstream.exchanges
    assert exchange.body["max_tokens"] == probing.MAX_TOKENS
    assert exchange.body["messages"] == [{"role": "user", "content": probing.QUESTION}]


async def test_one_that_answers_in_one_piece_is_told_to_do_so(connect, upstream):
    upstream.enqueue(0.4, "one two three")
    found = await probe(MODEL)
    assert (found.works, found.streams, found.tokens_per_second) == (True, False, None)
    assert "but its answers come in one piece" in found.sentence


async def test_one_that_is_done_at_once_is_not_said_to_stream_or_not(connect, upstream, monkeypatch):
    monkeypatch.setattr(probing, "AT_ONE_BLOW", 10)
    upstream.enqueue("one two three")
    found = await probe(MODEL)
    assert (found.works, found.streams) == (True, None)
    assert found.sentence.startswith("“Tester” works: Acme can be reached and accepts the key. The first token came")


async def test_one_that_only_thinks_within_the_allowed_length_works(connect, upstream):
    upstream.enqueue(chunk(reasoning="Hm."), 0.1, chunk(reasoning="Well."), chunk(finish_reason="length"), DONE)
    found = await probe(MODEL)
    assert (found.works, found.streams) == (True, True)


FAULTS = {
    "wrong key": ([Answer(401)], {}, "does not accept the site's API key"),
    "not allowed": ([Answer(403)], {}, "does not allow this with the site's API key"),
    "unknown model": ([Answer(404, {"error": "model test not found"})], {}, "does not offer the model “test”"),
    "quota": ([Answer(402)], {}, "credit of this site .* is used up"),
    "too many": ([Answer(429)], {}, "gets too many requests"),
    "loading": ([Answer(503, {"error": "loading", "estimated_time": 23.5})], {}, "still loading .* in 24 seconds"),
    "failed": ([Answer(500)], {}, "failed \\(error 500\\)"),
    "web page": ([Answer(200, b"<html>", {"Content-Type": "text/html"})], {}, "no chat server"),
    "not here": ([Answer(404, b"nothing")], {}, "no chat server"),
    "garbage": ([b"data: {oops\n\n"], {}, "cannot be read as an answer"),
    "closed": ([CLOSE], {}, "closed the connection without an answer"),
    "empty": ([], {}, "gave an empty answer"),
    "silent": ([HANG], {"first_token_timeout": 0.3}, "did not begin to answer within 1 second"),
    "silent in the middle": (["one", HANG], {"read_timeout": 0.3}, "fell silent for 1 second"),
    "cut": (["one ", CUT], {}, "broke off in the middle"),
    "ended early": (["one ", CLOSE], {}, "broke off before its end"),
    "nobody there": ([], {"base_url": "http://127.0.0.1:1/v1"}, "cannot be reached at 127.0.0.1:1"),
    "no such host": ([], {"base_url": "http://no-such-host.invalid/v1"}, "cannot be found"),
    "no address": ([], {"base_url": "nowhere"}, "address of the connection “acme” is not valid"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_one_that_does_not_is_told_with_what_to_do(connect, upstream, fault):
    steps, options, sentence = FAULTS[fault]
    connect(**options)
    upstream.enqueue(*steps)
    found = await probe(MODEL)
    assert not found.works
    begun = bool(steps) and isinstance(steps[0], str)
    assert found.sentence.startswith("“Tester” begins to answer, but" if begun else "“Tester” does not work: ")
    assert re.search(sentence, found.sentence), found.sentence
    assert KEY not in found.sentence


async def test_one_without_encryption_behind_an_https_address(connect, upstream):
    connect(base_url=upstream.url.replace("http:", "https:"))
    assert "No secure connection to “Acme”" in (await probe(MODEL)).sentence


async def test_one_whose_connection_is_gone_is_told(settings):
    settings.CHAT_BACKENDS = {}
    assert "“acme” is not configured on this site any more" in (await probe(MODEL)).sentence


async def test_one_that_drips_for_ever_is_ended_here_and_upstream(connect, upstream, monkeypatch):
    monkeypatch.setattr(probing, "PATIENCE", 0.5)
    upstream.enqueue(*["again ", 0.05] * 200)
    found = await probe(MODEL)
    assert "begins to answer, but does not finish: It was not done within 1 second." in found.sentence
    assert await asyncio.to_thread(upstream.exchanges[0].was_abandoned)


async def test_a_bug_of_a_backend_is_told_too(scripted):
    scripted.enqueue(ZeroDivisionError("oops"))
    found = await probe(ChatModel(pk=1, backend="scripted", label="Scripted"))
    assert "The site itself made a mistake. Its log tells more." in found.sentence


async def test_a_model_inside_the_site_is_told_without_a_server(scripted):
    found = await probe(ChatModel(pk=1, backend="scripted", label="Scripted"))
    assert found.sentence.startswith("“Scripted” works and streams its answers.")


async def test_what_is_waited_for_is_told_meanwhile(scripted, monkeypatch):
    monkeypatch.setattr(probing, "HEARTBEAT", 0.1)
    gate = asyncio.Event()
    scripted.enqueue(Delta(metadata={"waiting": "Loading: 3 of 9 GB"}), gate.wait, "one ", "two")
    told = []
    async with aclosing(probe_all([ChatModel(pk=1, backend="scripted", label="Scripted")])) as news:
        async for one in news:
            told.append(one)
            if len(told) == 2:
                gate.set()
    assert told[0] == "Loading: 3 of 9 GB"
    assert re.match("Waiting for Scripted, for . seconds? so far", told[1])
    assert isinstance(told[-1], Probe)


async def test_several_are_asked_at_once_and_a_slow_one_holds_nobody_up(connect, upstream):
    models = [ChatModel(pk=i, backend="acme", model_id=name, label=name) for i, name in enumerate(["hang", "a", "b"])]
    found = []
    async with asyncio.timeout(30), aclosing(probe_all(models)) as news:
        async for one in news:
            if isinstance(one, Probe):
                found.append(one.label)
            if len(found) == 2:
                break
    assert sorted(found) == ["a", "b"]
    hanging = next(exchange for exchange in upstream.exchanges if exchange.body["model"] == "hang")
    assert await asyncio.to_thread(hanging.was_abandoned)


@pytest.mark.django_db(transaction=True)
class TestCommand:
    @pytest.fixture(autouse=True)
    def _models(self, settings, upstream):
        kind = "conversations.backends.chat_completions.ChatCompletionsBackend"
        settings.CHAT_BACKENDS = {"acme": {"BACKEND": kind, "OPTIONS": {"base_url": upstream.url, "label": "Acme"}}}
        for name in ("a", "status-401"):
            ChatModel.objects.create(backend="acme", model_id=name, label=f"Model {name}")

    def test_all_are_tested_and_those_that_do_not_work_are_counted(self):
        out = StringIO()
        with pytest.raises(CommandError, match="1 of 2 do not work"):
            call_command("test_models", stdout=out, stderr=StringIO())
        assert re.search("“Model a” works: Acme can be reached(,| and) asks for no key", out.getvalue())
        assert "“Model status-401” does not work: “Acme” asks for an API key" in out.getvalue()

    @pytest.mark.parametrize("name", ["a", "Model a"])
    def test_one_is_named_by_its_label_or_its_id(self, name):
        out = StringIO()
        call_command("test_models", name, stdout=out, stderr=StringIO())
        assert out.getvalue().count("\n") == 1

    def test_what_is_not_in_the_catalogue_is_told(self):
        with pytest.raises(CommandError, match="The catalogue has no “b”"):
            call_command("test_models", "a", "b")

    def test_an_empty_catalogue_is_told(self):
        ChatModel.objects.all().delete()
        with pytest.raises(CommandError, match="There is no model to test"):
            call_command("test_models")
