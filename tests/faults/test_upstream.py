"""A model server with every fault, and what becomes of the turn: over real HTTP, through both clients."""

from __future__ import annotations

import asyncio
import re
import socket
from functools import partial

import pytest

from conversations.backends.chat_completions import ChatCompletionsBackend
from conversations.backends.huggingface import HuggingFaceBackend
from tests.faults.certificates import unsigned
from tests.faults.upstreams import answered, asked
from tests.upstream import CLOSE, CUT, ENDLESS, HANG, Answer, chunk

pytestmark = pytest.mark.django_db(transaction=True)
LATIN_1 = 'data: {"choices":[{"delta":{"content":"\xe9"}}]}\n\n'.encode("latin-1")


@pytest.fixture(autouse=True)
def _impatient(settings):
    settings.CHAT_RETRY_PATIENCE = 5
    settings.CHAT_BREAKER_FAILURES = 0


def error(message: str, **fields) -> dict:
    return {"error": {"message": message, **fields}}


# What the server does with every request; how the reply ends; what arrived; how often it is asked; what people read.
FAULTS = {
    "429": ([Answer(429)], "failed", "", 3, "gets too many requests"),
    "429 for long": ([Answer(429, headers={"Retry-After": "600"})], "failed", "", 1, "Try again in 10 minutes"),
    "402": ([Answer(402)], "failed", "", 1, "credit of this site .* is used up"),
    "401": ([Answer(401)], "failed", "", 1, "does not accept the site&#x27;s API key"),
    "404": ([Answer(404, error("model test not found"))], "failed", "", 1, "does not offer the model “test”"),
    "413": ([Answer(413)], "failed", "", 1, "too long for the model"),
    "500": ([Answer(500)], "failed", "", 3, "failed \\(error 500\\)"),
    "502": ([Answer(502, b"<html>")], "failed", "", 3, "failed \\(error 502\\)"),
    "503 loading": ([Answer(503, {"error": "loading", "estimated_time": 23.5})], "failed", "", 1, "in 24 seconds"),
    "503 overloaded": ([Answer(503)], "failed", "", 3, "is overloaded at the moment"),
    "504": ([Answer(504)], "failed", "", 3, "got no answer from its model in time"),
    "hang": ([HANG], "failed", "", 1, "did not begin to answer within 1 second"),
    "hang in the middle": (["Hel", HANG], "failed", "Hel", 1, "fell silent for 1 second"),
    "cut": (["Hel", CUT], "failed", "Hel", 1, "broke off in the middle of the answer"),
    "cut before": ([CUT], "failed", "", 3, "closed the connection without an answer"),
    "closed": (["Hel", CLOSE], "interrupted", "Hel", 1, "The answer was interrupted"),
    "closed before": ([CLOSE], "failed", "", 3, "closed the connection without an answer"),
    "given up": (["Hel", chunk(finish_reason="abort"), CLOSE], "interrupted", "Hel", 1, "The answer was interrupted"),
    "malformed": (["Hel", b"data: {oops\n\n", "lo"], "failed", "Hel", 1, "cannot be read as an answer"),
    "malformed at once": ([b"data: {oops\n\n"], "failed", "", 1, "cannot be read as an answer"),
    "error inside": (["Hel", error("CUDA error")], "failed", "Hel", 1, "reported an error .* “CUDA error”"),
    "busy inside": ([error("Slow down", code=429)], "failed", "", 3, "gets too many requests"),
    "empty": ([], "failed", "", 1, "gave an empty answer"),
    "only thoughts": ([chunk(reasoning="Hm."), CUT], "failed", "", 1, "broke off in the middle"),
    "filtered": ([Answer(400, error("Flagged", code="content_filter"))], "failed", "", 1, "rules on content"),
    "web page": ([Answer(200, b"<html>", {"Content-Type": "text/html"})], "failed", "", 1, "no chat server"),
}


FAULTS |= {
    "403": (
        [Answer(403, error("Not in your country"))],
        "failed",
        "",
        1,
        "does not allow this .* “Not in your country”",
    ),
    "quota": (
        [Answer(429, error("x", code="insufficient_quota"))],
        "failed",
        "",
        1,
        "credit of this site .* is used up",
    ),
    "404 not a chat server": (
        [Answer(404, b"<h1>Not Found</h1>")],
        "failed",
        "",
        1,
        "no chat server, or not at this path",
    ),
    "redirect": ([Answer(302, b"", {"Location": "/login"})], "failed", "", 1, "no chat server, or not at this path"),
    "unknown model, as routers say it": (
        [Answer(400, error("The requested model 'test' is not supported"))],
        *("failed", "", 1, "does not offer the model “test”"),
    ),
    "too long": ([Answer(400, error("maximum context length is 4096"))], "failed", "", 1, "too long for the model"),
    "out of memory": ([Answer(500, error("CUDA out of memory"))], "failed", "", 1, "ran out of memory"),
}

# What is wrong with the address; what people read.
AWAY = {
    "nobody there": ("http://127.0.0.1:1/v1", "“Acme” cannot be reached at 127.0.0.1:1. If it is a server of your own"),
    "no such host": ("http://no-such-host.invalid/v1", "no-such-host.invalid:80.* cannot be found. Whoever runs"),
    "no address": (
        "nowhere",
        "The address of the connection “acme” is not valid. Whoever runs the site can correct it",
    ),
}


@pytest.fixture(params=[ChatCompletionsBackend, HuggingFaceBackend])
def acme(request, connect):
    """Connects one model of one server, through each of the clients."""
    return partial(connect_acme, connect, request.param)


async def connect_acme(connect, kind, **options) -> None:
    await connect(acme={"kind": kind, **options})


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_ends_the_turn_with_a_sentence_and_keeps_what_arrived(acme, upstream, alice, fault):
    steps, status, arrived, calls, sentence = FAULTS[fault]
    # Short only where silence is meant: this machine may be slow.
    await acme(**({"first_token_timeout": 0.5} if steps == [HANG] else {"read_timeout": 0.5} if HANG in steps else {}))
    for _ in range(4):
        upstream.enqueue(*steps)
    turn = await answered(alice)
    assert (turn.row.status, turn.page.status, turn.reply.metadata["status"]) == (status, status, status)
    assert turn.reply.content == turn.page.text.strip() == arrived
    assert re.search(sentence, turn.page.footer), turn.page.footer
    assert "Retry" in turn.page.footer
    assert "a-very-secret-key" not in turn.page.footer
    assert len(asked(upstream)) == calls


@pytest.mark.parametrize("fault", AWAY)
async def test_a_server_that_is_not_there_is_told_with_what_to_do(acme, alice, fault):
    address, sentence = AWAY[fault]
    await acme(base_url=address)
    turn = await answered(alice)
    assert turn.row.status == "failed"
    assert re.search(sentence, turn.page.footer), turn.page.footer


async def test_a_server_without_encryption_behind_an_https_address_is_told(acme, upstream, alice):
    await acme(base_url=upstream.url.replace("http:", "https:"))
    turn = await answered(alice)
    assert "No secure connection to “Acme”" in turn.page.footer


async def test_a_certificate_that_nobody_has_signed_is_told(acme, upstream, alice, tmp_path):
    with unsigned(upstream.port, tmp_path) as port:
        await acme(base_url=f"https://localhost:{port}/v1")
        turn = await answered(alice)
    assert turn.row.status == "failed"
    assert f"No secure connection to “Acme” (localhost:{port}) is possible: its certificate" in turn.page.footer
    assert asked(upstream) == []


async def test_a_server_that_accepts_no_connection_is_told(acme, alice):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(("127.0.0.1", port))
            await acme(base_url=f"http://127.0.0.1:{port}/v1", connect_timeout=0.3)
            turn = await answered(alice)
    assert "“Acme” did not accept a connection at 127.0.0.1" in turn.page.footer


async def test_text_in_a_wrong_encoding_is_never_guessed_at(acme, upstream, alice):
    """The lean client ends the reply there; huggingface_hub's shows the place with the sign made for it."""
    await acme()
    upstream.enqueue("Hel", LATIN_1, "lo")
    turn = await answered(alice)
    assert (turn.row.status, turn.reply.content) in [("failed", "Hel"), ("completed", "Hel\ufffdlo")]
    assert turn.page.text.strip() == turn.reply.content
    assert ("cannot be read as an answer" in turn.page.footer) == (turn.row.status == "failed")


async def test_a_first_token_that_is_slow_is_waited_for(acme, upstream, alice):
    await acme()
    upstream.enqueue(0.1, "Here I am.")
    turn = await answered(alice)
    assert (turn.row.status, turn.reply.content) == ("completed", "Here I am.")
    assert len(asked(upstream)) == 1


async def test_an_endless_reply_is_cut_and_says_so(acme, upstream, alice):
    await acme(max_length=1000)
    upstream.enqueue(ENDLESS)
    turn = await answered(alice)
    assert len(turn.reply.content) == 1000
    assert "reached its length limit" in turn.page.footer
    assert await asyncio.to_thread(asked(upstream)[0].was_abandoned)


async def test_a_reply_that_drips_for_ever_is_ended_by_the_deadline(acme, upstream, alice, settings):
    await acme()
    settings.CHAT_REPLY_DEADLINE = 1
    upstream.enqueue(*["drip ", 0.05] * 200)
    turn = await answered(alice)
    assert turn.row.status == "failed"
    assert turn.reply.content.startswith("drip ")
    assert "took too long" in turn.page.footer
    assert await asyncio.to_thread(asked(upstream)[0].was_abandoned)


async def test_the_next_turn_is_not_harmed(acme, upstream, alice):
    await acme()
    upstream.enqueue("Hel", CUT)
    assert (await answered(alice)).row.status == "failed"
    turn = await answered(alice, "All is well")
    assert (turn.row.status, turn.reply.content) == ("completed", "All is well")
