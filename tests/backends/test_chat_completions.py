"""The client of OpenAI-compatible servers, against a real one on loopback. Its faults: test_server_faults.py."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import warnings
from base64 import b64encode

import pytest

from conversations.backends.chat_completions import ChatCompletionsBackend
from conversations.types import ChatRequest, Message, Usage
from tests.backends.asking import deltas_of, fault_of, question, text_of
from tests.upstream import DONE, HANG, Answer, Headers, chunk


@pytest.fixture
async def connect(upstream):
    made = []

    def make(**options):
        made.append(ChatCompletionsBackend("server", **{"base_url": upstream.url, **options}))
        return made[-1]

    yield make
    for backend in made:
        await backend.aclose()


@pytest.fixture
def backend(connect):
    return connect()


async def test_the_last_piece_counts_the_tokens(backend, upstream):
    upstream.enqueue("Hel", "lo")
    deltas = await deltas_of(backend, question())
    assert "".join(delta.text for delta in deltas) == "Hello"  # what arrives together may be one piece
    assert deltas[-1].finish_reason == "stop"
    assert deltas[-1].usage == Usage(prompt_tokens=12, completion_tokens=2)


async def test_a_piece_is_there_before_the_next_is_sent(backend, upstream):
    gate = threading.Event()
    upstream.enqueue("Hel", gate, "lo")
    async for delta in backend.stream(question()):
        if delta.text == "Hel":
            gate.set()
            break
    else:
        pytest.fail("the first piece waited for the second")


async def test_the_server_gets_roles_and_contents_and_nothing_else(backend, upstream):
    messages = (
        Message("system", "Be brief."),
        Message("user", "Hello", metadata={"name": "Alice"}),
        Message("assistant", "Hi!", extra={"rating": 5}),
        Message("user", "Half a \ud83d character"),
    )
    await text_of(backend, ChatRequest(messages, model="big", user_id="7", conversation_id="c"))
    assert upstream.exchanges[0].body == {
        "model": "big",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi!"},
            {"role": "user", "content": "Half a ? character"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_options_that_are_set_are_sent(backend, upstream):
    options = {"temperature": 0.0, "max_tokens": 5, "top_p": 0.9, "top_k": 40, "seed": 1, "stop": "END"}
    await text_of(backend, question(**options, purpose="title", presence_penalty=None))
    body = upstream.exchanges[0].body
    assert {name: body[name] for name in options} == {**options, "stop": ["END"]}
    assert body.keys() - options.keys() == {"model", "messages", "stream", "stream_options"}


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        ("stream_options", "Invalid parameter: stream_options"),
        ("top_k", "Unrecognized request argument supplied: top_k"),
        ("temperature", "Unsupported value: 'temperature' does not support 0.7 with this model."),
    ],
)
async def test_a_field_that_the_server_refuses_is_left_out_from_then_on(backend, upstream, refused, message):
    upstream.enqueue(Answer(400, {"error": {"message": message, "param": refused}}))
    asked = question("Still there?", top_k=40, temperature=0.7)
    assert await text_of(backend, asked) == "Still there?"
    assert await text_of(backend, asked) == "Still there?"
    sent = [refused in exchange.body for exchange in upstream.exchanges]
    assert sent == [True, False, False]


async def test_a_field_refused_for_one_model_is_still_sent_to_another(backend, upstream):
    upstream.enqueue(Answer(422, {"detail": [{"loc": ["body", "top_k"], "msg": "Extra inputs are not permitted"}]}))
    await text_of(backend, question(model="one", top_k=40))
    await text_of(backend, question(model="two", top_k=40))
    assert ["top_k" in exchange.body for exchange in upstream.exchanges] == [True, False, True]


async def test_the_length_is_asked_for_by_its_newer_name_where_the_old_one_is_refused(backend, upstream):
    message = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    )
    upstream.enqueue(Answer(400, {"error": {"message": message, "param": "max_tokens"}}))
    await text_of(backend, question(max_tokens=256))
    assert "max_tokens" not in upstream.exchanges[1].body
    assert upstream.exchanges[1].body["max_completion_tokens"] == 256


async def test_a_wrong_value_is_told_instead_of_being_left_out(backend, upstream):
    upstream.enqueue(Answer(400, {"error": {"message": "top_p must be at most 1", "param": "top_p"}}))
    fault, _ = await fault_of(backend, question(top_p=7))
    assert "top_p must be at most 1" in fault.message
    assert len(upstream.exchanges) == 1


async def test_a_conversation_that_is_too_long_is_told_even_where_the_refusal_names_a_field(backend, upstream):
    message = "max_tokens is not supported beyond the model's maximum context length of 4096 tokens"
    upstream.enqueue(Answer(400, {"error": {"message": message, "param": "max_tokens"}}))
    fault, _ = await fault_of(backend, question(max_tokens=5000))
    assert "too long for the model" in fault.message
    assert len(upstream.exchanges) == 1


async def test_the_key_goes_as_a_bearer_token_and_other_headers_beside_it(connect, upstream):
    await text_of(connect(api_key=" sk-123\n", headers={"X-Team": "blue"}), question())
    headers = upstream.exchanges[0].headers
    assert headers["Authorization"] == "Bearer sk-123"
    assert headers["X-Team"] == "blue"
    assert headers["Accept-Encoding"] == "identity"


async def test_a_name_and_password_in_the_address_become_basic_authentication(connect, upstream):
    backend = connect(base_url=upstream.url.replace("//", "//me:p%40ss@"))
    await text_of(backend, question())
    assert upstream.exchanges[0].headers["Authorization"] == "Basic " + b64encode(b"me:p@ss").decode()
    assert "p@ss" not in backend.address.url()


async def test_without_a_key_none_is_sent_and_a_missing_one_is_asked_for(backend, upstream):
    upstream.enqueue(Answer(401))
    fault, _ = await fault_of(backend, question())
    assert "Authorization" not in upstream.exchanges[0].headers
    assert "asks for an API key, and this site has none" in fault.message


async def test_cookies_of_a_server_are_not_passed_from_one_person_to_the_next(connect, upstream):
    backend = connect(base_url=upstream.url.replace("127.0.0.1", "localhost"))  # numbers get no cookies anyway
    upstream.enqueue(Headers({"Content-Type": "text/event-stream", "Set-Cookie": "session=alice"}), "Hello")
    await text_of(backend, question())
    await text_of(backend, question())
    assert "Cookie" not in upstream.exchanges[1].headers


async def test_a_redirect_is_a_wrong_address_and_is_not_followed(backend, upstream):
    upstream.enqueue(Answer(307, b"", {"Location": upstream.url + "/chat/completions"}))
    fault, _ = await fault_of(backend, question())
    assert "Whoever runs the site can check base_url" in fault.message
    assert len(upstream.exchanges) == 1


@pytest.mark.parametrize("suffix", ["", "/", "/chat/completions", "?api-version=1"])
async def test_the_address_may_be_written_in_several_ways(connect, upstream, suffix):
    assert await text_of(connect(base_url=upstream.url + suffix), question("Hello")) == "Hello"


async def test_the_model_may_be_left_to_the_configuration_or_to_the_server(connect, upstream):
    upstream.models = {"data": [{"id": "nomic-embed-text"}, {"id": "llama3.2"}]}
    await text_of(connect(models=["first", "second"]), question(model=""))
    unnamed = connect()
    await text_of(unnamed, question(model=""))
    await text_of(unnamed, question(model=""))
    asked = [exchange.body.get("model") for exchange in upstream.exchanges if exchange.path.endswith("completions")]
    assert asked == ["first", "llama3.2", "llama3.2"]
    assert sum(exchange.path.endswith("/models") for exchange in upstream.exchanges) == 1


async def test_a_server_without_a_list_of_models_is_asked_without_a_name(backend, upstream):
    upstream.models = Answer(404, b"")
    await text_of(backend, question(model=""))
    assert "model" not in upstream.exchanges[-1].body


async def test_a_bug_of_ours_is_not_passed_off_as_a_fault_of_the_server(backend):
    with pytest.raises(TypeError):
        await text_of(backend, question(model=object()))


def test_the_catalogue_has_the_configured_models_or_one_entry_for_the_server():
    backend = ChatCompletionsBackend(
        "server", base_url="http://gpu.example:8000/v1", models=["org/big", "small:latest"]
    )
    assert backend.models() == [
        {"model_id": "org/big", "label": "big"},
        {"model_id": "small:latest", "label": "small"},
    ]
    unnamed = ChatCompletionsBackend("server", base_url="http://gpu.example:8000/v1")
    assert unnamed.models() == [{"model_id": "", "label": "gpu.example"}]
    assert unnamed.label == "gpu.example"


async def test_reasoning_stays_out_of_the_text(backend, upstream):
    upstream.enqueue(chunk(reasoning_content="Let me "), chunk(reasoning="see."), "84")
    deltas = await deltas_of(backend, question())
    assert [delta.metadata.get("reasoning") for delta in deltas] == ["Let me ", "see.", None, None]
    assert "".join(delta.text for delta in deltas) == "84"


async def test_content_in_parts_is_joined(backend, upstream):
    upstream.enqueue(chunk(content=[{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]))
    assert await text_of(backend, question()) == "Hello"


async def test_characters_cut_by_the_network_arrive_whole(backend, upstream):
    data = 'data: {"choices":[{"delta":{"content":"漢字 \U0001f680"},"finish_reason":null}]}\n\n'.encode()
    upstream.enqueue(*(data[i : i + 1] for i in range(len(data))))
    assert await text_of(backend, question()) == "漢字 \U0001f680"


async def test_what_is_no_utf8_is_told_and_keeps_what_arrived(backend):
    fault, text = await fault_of(backend, question(model="latin1"))
    assert "cannot be read as an answer" in fault.message
    assert text == "Hel"


async def test_done_without_a_finish_reason_is_a_finish(backend, upstream):
    upstream.enqueue("Hello", DONE)
    assert (await deltas_of(backend, question()))[-1].finish_reason == "stop"


@pytest.mark.parametrize("after", [(), (HANG,)])
async def test_done_after_a_server_gave_up_is_none(backend, upstream, after):
    upstream.enqueue("Hel", chunk(finish_reason="abort"), DONE, *after)
    assert not any(delta.finish_reason for delta in await deltas_of(backend, question()))


async def test_a_server_that_does_not_stream_is_understood(backend, upstream):
    message = {"role": "assistant", "content": "All at once"}
    usage = {"prompt_tokens": 1, "completion_tokens": 3}
    body = json.dumps({"choices": [{"message": message}], "usage": usage}, indent=2).encode()
    upstream.enqueue(Answer(200, body, {"Content-Type": "application/json"}))
    deltas = await deltas_of(backend, question())
    assert [delta.text for delta in deltas] == ["All at once", ""]
    assert (deltas[-1].finish_reason, deltas[-1].usage) == ("stop", Usage(1, 3))


async def test_a_server_that_says_it_is_still_busy_is_waited_for(connect, upstream):
    upstream.enqueue(*[b": processing\n\n", 0.2] * 5, "Hello")
    assert await text_of(connect(first_token_timeout=0.6), question()) == "Hello"


@pytest.mark.parametrize(
    "raw", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"SSH-2.0-OpenSSH_9.9\r\n", b""]
)
async def test_what_is_no_http_is_told(connect, raw):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        fault, _ = await fault_of(connect(base_url=f"http://127.0.0.1:{port}/v1"), question())
    assert "closed the connection without an answer" in fault.message


async def test_one_connection_serves_one_reply_after_the_other(backend, upstream):
    for _ in range(3):
        await text_of(backend, question())
    assert len({exchange.client_port for exchange in upstream.exchanges}) == 1


async def test_a_connection_is_kept_when_its_end_comes_a_little_later(backend, upstream):
    for _ in range(5):
        upstream.enqueue("Hello", DONE, 0.02)
        await text_of(backend, question())
    assert len({exchange.client_port for exchange in upstream.exchanges}) < 5


def test_sessions_of_loops_that_have_ended_are_closed(upstream):
    backend = ChatCompletionsBackend("server", base_url=upstream.url)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(text_of(backend, question()))
        asyncio.run(text_of(backend, question()))
        gc.collect()
    assert not [warning for warning in caught if "client session" in str(warning.message)]


async def test_many_replies_are_live_at_the_same_time(backend, upstream):
    gate = threading.Event()
    for i in range(150):
        upstream.enqueue("begun ", gate, f"done {i}")
    begun = asyncio.Semaphore(0)

    async def read() -> str:
        pieces = []
        async for delta in backend.stream(question()):
            pieces.append(delta.text)
            begun.release()
        return "".join(pieces)

    tasks = [asyncio.create_task(read()) for _ in range(150)]
    async with asyncio.timeout(30):
        for _ in range(150):
            await begun.acquire()
        assert upstream.open == 150
        gate.set()
        assert set(await asyncio.gather(*tasks)) == {f"begun done {i}" for i in range(150)}


async def test_closing_the_backend_ends_its_replies(backend, upstream):
    stream = backend.stream(question(model="silent"))
    assert (await anext(stream)).text == "Hel"
    await backend.aclose()
    assert await asyncio.to_thread(upstream.exchanges[0].was_abandoned)
    await stream.aclose()
