"""What goes wrong with a model server, as people are told: the same for both clients, over real HTTP."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from conversations.backends.chat_completions import ChatCompletionsBackend
from conversations.backends.huggingface import HuggingFaceBackend
from conversations.backends.servers.sentences import Sentences
from conversations.errors import BackendError, BackendTimeout, BackendUnavailable
from tests.backends.asking import deltas_of, fault_of, question, text_of
from tests.upstream import CLOSE, CUT, DONE, HANG, LOADING, Answer, chunk

KEY = "a-very-secret-key"
NO_BEGINNING = {"first_token_timeout": 0.3}
NO_MORE = {"read_timeout": 0.3}


@pytest.fixture(params=[ChatCompletionsBackend, HuggingFaceBackend])
def kind(request):
    return request.param


@pytest.fixture
async def connect(kind, upstream):
    """Makes a backend of this kind, by default one that talks to the upstream."""
    made = []

    def make(**options):
        made.append(kind("server", **{"base_url": upstream.url, "api_key": KEY, "label": "Acme", **options}))
        return made[-1]

    yield make
    for backend in made:
        await backend.aclose()


def error(message: str, **fields) -> dict:
    return {"error": {"message": message, **fields}}


REFUSALS = [
    (401, error(f"Incorrect API key provided: {KEY}"), BackendError, 502, "does not accept the site's API key"),
    (403, error("Not in your country"), BackendError, 502, "does not allow this .* “Not in your country”"),
    (402, error("You have exceeded your monthly included credits"), BackendError, 402, "credit .* is used up"),
    (
        429,
        error("You exceeded your current quota", code="insufficient_quota"),
        BackendError,
        402,
        "credit .* is used up",
    ),
    (404, error("The model `test` does not exist", code="model_not_found"), BackendError, 502, "offer the model “test"),
    (404, error('model "test" not found, try pulling it first'), BackendError, 502, "does not offer the model “test"),
    (400, error("The requested model 'test' is not supported"), BackendError, 502, "does not offer the model “test"),
    (404, b"<h1>Not Found</h1>", BackendError, 502, r"no chat server, .* usually ends in /v1"),
    (413, b"too large", BackendError, 413, "too long for the model. Start a new chat"),
    (
        400,
        error("maximum context length is 4096 tokens", code="context_length_exceeded"),
        BackendError,
        413,
        "too long",
    ),
    (400, error("the request exceeds the available context size"), BackendError, 413, "too long for the model"),
    (400, error("Flagged", code="content_filter"), BackendError, 502, "rules on content"),
    (418, error("I am a teapot"), BackendError, 502, "error 418.*It said: “I am a teapot”"),
    (422, {"detail": [{"loc": ["body"], "msg": "Field required"}]}, BackendError, 502, "It said: “Field required”"),
    (429, {"detail": "Slow down"}, BackendUnavailable, 429, "too many requests .* in 60 seconds"),
    (500, error("CUDA out of memory. Tried to allocate 2 GiB"), BackendError, 502, "ran out of memory"),
    (500, b"", BackendError, 502, "failed \\(error 500\\). Try again"),
    (502, b"<html>Bad gateway</html>", BackendError, 502, "failed \\(error 502\\). Try again"),
    (503, LOADING.body, BackendUnavailable, 503, "still loading the model. Try again in 24 seconds"),
    (503, error("Loading model", code=503), BackendUnavailable, 503, "still loading the model"),
    (503, b"", BackendUnavailable, 503, "is overloaded at the moment"),
    (504, b"", BackendTimeout, 504, "got no answer from its model in time"),
]


@pytest.mark.parametrize(("status", "body", "family", "told", "sentence"), REFUSALS)
async def test_a_refusal_becomes_a_sentence(connect, upstream, status, body, family, told, sentence):
    upstream.enqueue(Answer(status, body))
    fault, text = await fault_of(connect(), question())
    assert type(fault) is family
    assert fault.status == told
    assert text == ""
    assert pytest.raises(BackendError, match=sentence).matches(fault), fault.message
    assert len(upstream.exchanges) == 1


REPLIES_THAT_FAIL = [
    (("Hel", CUT), BackendError, "broke off in the middle of the answer", "Hel"),
    ((CUT,), BackendError, "closed the connection without an answer", ""),
    (("Hel", HANG), BackendTimeout, "fell silent for 1 second in the middle", "Hel"),
    ((HANG,), BackendTimeout, "did not begin to answer within 1 second", ""),
    (("Hel", error("Worker died")), BackendError, "error while it answered.*“Worker died”", "Hel"),
    (("Hel", {"error": "Worker died", "error_type": "generation"}), BackendError, "“Worker died”", "Hel"),
    (("Hel", error("Slow down", code=429)), BackendUnavailable, "too many requests", "Hel"),
    ((error("Context length exceeded"),), BackendError, "too long for the model", ""),
    (("Hel", b"data: {oops\n\n"), BackendError, "cannot be read as an answer", "Hel"),
    (("Hel", b"data: [1, 2]\n\n"), BackendError, "cannot be read as an answer", "Hel"),
    (("Hel", {"choices": ["lo"]}), BackendError, "cannot be read as an answer", "Hel"),
    (("Hel", b'data: {"a":' + b"[" * 100_000 + b"\n\n"), BackendError, "cannot be read as an answer", "Hel"),
    ((), BackendError, "gave an empty answer", ""),
    ((" \n",), BackendError, "gave an empty answer", " \n"),
    ((CLOSE,), BackendError, "closed the connection without an answer", ""),
    ((chunk(reasoning="Hm."), chunk(finish_reason="length"), DONE), BackendError, "before it came to its answer", ""),
    ((chunk(finish_reason="content_filter"), DONE), BackendError, "rules on content", ""),
    ((Answer(200, b"<!doctype html>", {"Content-Type": "text/html"}),), BackendError, "no chat server", ""),
]


@pytest.mark.parametrize(("steps", "family", "sentence", "arrived"), REPLIES_THAT_FAIL)
async def test_a_reply_that_fails_says_why_and_keeps_what_arrived(connect, upstream, steps, family, sentence, arrived):
    upstream.enqueue(*steps)
    hangs = NO_BEGINNING if steps == (HANG,) else NO_MORE if HANG in steps else {}
    fault, text = await fault_of(connect(**hangs), question())
    assert type(fault) is family
    assert text == arrived
    assert pytest.raises(BackendError, match=sentence).matches(fault), fault.message


@pytest.mark.parametrize("steps", [("Hel", CLOSE), ("Hel", chunk(finish_reason="abort"), CLOSE)])
async def test_a_stream_that_just_stops_has_no_finish_reason(connect, upstream, steps):
    upstream.enqueue(*steps)
    deltas = await deltas_of(connect(), question())
    assert "".join(delta.text for delta in deltas) == "Hel"
    assert not any(delta.finish_reason for delta in deltas)


@pytest.mark.parametrize("ending", [(CUT,), (HANG,), (error("Too late"), CLOSE)])
async def test_what_breaks_after_the_finish_reason_takes_nothing_from_the_reply(connect, upstream, ending):
    upstream.enqueue("Hello", chunk(finish_reason="stop"), *ending)
    async with asyncio.timeout(30):  # not the minute that it waits for a token
        deltas = await deltas_of(connect(), question())
    assert "".join(delta.text for delta in deltas) == "Hello"
    assert deltas[-1].finish_reason == "stop"


@pytest.mark.parametrize(
    ("said", "told"),
    [("stop", "stop"), ("length", "length"), ("eos_token", "stop"), ("content_filter", "content_filter")],
)
async def test_finish_reasons_are_told_in_three_words(connect, upstream, said, told):
    upstream.enqueue("Hello", chunk(finish_reason=said), DONE)
    assert (await deltas_of(connect(), question()))[-1].finish_reason == told


async def test_an_endless_reply_is_cut_and_its_connection_closed(connect, upstream):
    deltas = await deltas_of(connect(max_length=1000), question(model="endless"))
    assert sum(len(delta.text) for delta in deltas) == 1000
    assert deltas[-1].finish_reason == "length"
    assert await asyncio.to_thread(upstream.exchanges[0].was_abandoned)


async def test_a_reply_beyond_the_deadline_is_ended_and_its_connection_closed(connect, upstream):
    upstream.enqueue(*["again ", 0.05] * 200)
    fault, text = await fault_of(connect(deadline=1.5), question())
    assert type(fault) is BackendTimeout
    assert "not finished within 2 seconds" in fault.message
    assert text.startswith("again ")
    assert await asyncio.to_thread(upstream.exchanges[0].was_abandoned)


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("7", 7, 7),
        ("0.5", 0.5, 0.5),
        ("in an hour", 3000, 3600),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 60, 60),
        ("99999999999", 86400, 86400),
        ("soon", 60, 60),
        ("nan", 60, 60),
    ],
)
async def test_the_time_to_wait_is_told_and_passed_on(connect, upstream, value, least, most):
    if value == "in an hour":
        value = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    upstream.enqueue(Answer(429, headers={"Retry-After": value}))
    fault, _ = await fault_of(connect(), question())
    assert least <= fault.retry_after <= most


async def test_nobody_listens_there(connect):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    fault, _ = await fault_of(connect(base_url=f"http://127.0.0.1:{port}/v1"), question())
    assert type(fault) is BackendUnavailable
    assert f"“Acme” cannot be reached at 127.0.0.1:{port}." in fault.message


async def test_a_server_that_accepts_no_connection(connect):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(("127.0.0.1", port))
            backend = connect(base_url=f"http://127.0.0.1:{port}/v1", connect_timeout=0.5)
            fault, _ = await fault_of(backend, question())
    assert type(fault) is BackendTimeout
    assert "did not accept a connection at 127.0.0.1" in fault.message


async def test_a_host_that_does_not_exist_is_told_apart():
    sentences = Sentences("Acme", "server", "acme.example:443")
    try:
        try:
            raise socket.gaierror(-2, "Name or service not known")
        except OSError as cause:
            raise ConnectionError from cause
    except ConnectionError as error:
        fault = sentences.unreachable(error)
    assert "The address of “Acme” (acme.example:443) cannot be found" in fault.message


async def test_a_server_without_encryption_behind_an_https_address(connect, upstream):
    fault, _ = await fault_of(connect(base_url=upstream.url.replace("http:", "https:")), question())
    assert "No secure connection to “Acme”" in fault.message


@pytest.mark.parametrize(
    "address", ["", "localhost:11434", "ftp://example.org/v1", "http://", "http://[::1/v1", "http://a:b"]
)
async def test_an_address_that_is_none_is_told_by_check_and_by_the_reply(connect, address):
    backend = connect(base_url=address)
    (message,) = backend.check()
    assert message.id == "conversations.E110"
    assert "base_url" in message.hint
    fault, _ = await fault_of(backend, question())
    assert "The address of the connection “server” is not valid" in fault.message


@pytest.mark.parametrize(
    ("options", "id"),
    [
        ({"base_url": "http://me:pass@localhost/v1"}, "conversations.E111"),
        ({"api_key": "hf_“quoted”"}, "conversations.E112"),
        ({"api_key": "hf_two\nlines"}, "conversations.E112"),
        ({"models": "one,two"}, "conversations.E113"),
        ({"models": [""]}, "conversations.E113"),
        ({"read_timeout": 0}, "conversations.E114"),
        ({"deadline": "600"}, "conversations.E114"),
    ],
)
def test_wrong_options_are_sentences_with_an_id_and_a_hint(kind, options, id):
    (message,) = kind("server", **{"base_url": "http://localhost:1/v1", "api_key": KEY, **options}).check()
    assert message.id == id
    assert "“server”" in message.msg
    assert message.hint
    assert KEY not in message.msg + message.hint


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
async def test_what_is_secret_is_never_quoted(connect, upstream, status):
    echo = f"Bad key {KEY}, or sk-proj-abcdef***xyz, sent by Bearer xyz123 to http://me:pass@10.0.0.1/v1"
    upstream.enqueue(Answer(status, error(echo)))
    fault, _ = await fault_of(connect(headers={"X-Team": "team-secret"}), question())
    for secret in (KEY, "sk-proj", "xyz", "pass", "team-secret"):
        assert secret not in fault.message


async def test_a_server_that_goes_on_at_length_is_quoted_in_brief(connect, upstream):
    upstream.enqueue(Answer(418, error("blah " * 1000)))
    fault, _ = await fault_of(connect(), question())
    assert len(fault.message) < 500


async def test_the_next_reply_is_not_harmed_by_a_fault(connect, upstream):
    backend = connect(**NO_MORE)
    for steps in ((CUT,), ("Hel", HANG), (Answer(500),), ("Hel", CUT)):
        upstream.enqueue(*steps)
        await fault_of(backend, question())
    assert await text_of(backend, question("All is well")) == "All is well"


@pytest.mark.parametrize(
    "listing", [Answer(401), Answer(200, b"<html>", {"Content-Type": "text/html"}), Answer(200, [1]), Answer(200, b"{")]
)
async def test_a_list_of_models_that_is_none_is_told(connect, upstream, listing):
    upstream.models = listing
    with pytest.raises(BackendError, match=r"API key|no chat server"):
        await connect().offers()


async def test_the_models_of_a_server_become_entries_of_the_catalogue(connect, upstream):
    upstream.models = {
        "data": [
            {"id": "acme/Llama-9-8B-Instruct", "max_model_len": 8192},
            {"id": "llama3.2:latest"},
            {"id": "big", "providers": [{"context_length": 4096}, {"context_length": 32768}, {"context_length": None}]},
            {"id": "text-embedding-3-small"},
        ]
    }
    assert [offer.fields for offer in await connect().offers()] == [
        {"model_id": "acme/Llama-9-8B-Instruct", "label": "Llama-9-8B-Instruct", "context_size": 8192},
        {"model_id": "llama3.2:latest", "label": "llama3.2", "context_size": None},
        {"model_id": "big", "label": "big", "context_size": 32768},
    ]
