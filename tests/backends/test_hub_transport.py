"""huggingface_hub's client on aiohttp's connections: what httpx would have done is done, whoever does it."""

from __future__ import annotations

import asyncio
import gzip
import re
from contextlib import suppress

import httpx2
import pytest

from conversations.backends.chat_completions import ChatCompletionsBackend
from conversations.backends.huggingface import HuggingFaceBackend
from conversations.backends.servers.hub_transport import TappedTransport
from conversations.backends.servers.pace import OpenStreams
from tests.backends.asking import fault_of, question, text_of
from tests.upstream import Answer, Headers, Upstream

SAID = b'data: {"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
BOTH = pytest.mark.parametrize("kind", [ChatCompletionsBackend, HuggingFaceBackend])


@pytest.fixture
async def client():
    streams = OpenStreams()
    async with httpx2.AsyncClient(transport=TappedTransport(lambda: streams), timeout=5) as client:
        yield client


@BOTH
async def test_the_proxy_that_the_environment_names_is_asked(kind, monkeypatch):
    asked = []

    async def answer(reader, writer):
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(SAID)
        writer.write(head + SAID)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "")
        backend = kind("server", base_url="http://models.example/v1", api_key="k", models=["test"])
        assert await text_of(backend, question()) == "Hi"
        await backend.aclose()
    assert asked[0].startswith(b"POST http://models.example/v1/chat/completions HTTP/1.1\r\n")


async def test_a_connection_is_used_again_once_its_stream_was_read_to_the_end():
    connections = 0

    async def answer(reader, writer):
        nonlocal connections
        connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(int(re.search(rb"(?i)content-length: (\d+)", head)[1]))
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                )
                writer.write(b"%x\r\n%b\r\n" % (len(SAID), SAID))
                await asyncio.sleep(0.05)  # the library has left by then
                writer.write(b"0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        backend = HuggingFaceBackend("hub", base_url=url, api_key="k", models=["test"])
        for _ in range(3):
            assert await text_of(backend, question()) == "Hi"
        await backend.aclose()
    assert connections < 3


async def test_headers_are_sent_once_and_as_they_were_given(client, upstream):
    await client.post(
        f"{upstream.url}/chat/completions", json={"messages": []}, headers={"User-Agent": "hub", "X-A": "b"}
    )
    (exchange,) = upstream.exchanges
    assert exchange.headers["User-Agent"] == "hub"
    assert exchange.headers["X-A"] == "b"
    assert exchange.headers["Content-Type"] == "application/json"
    names = [name.lower() for name in exchange.headers]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_what_is_compressed_all_the_same_is_unpacked(client, upstream, kind):
    packed = {"Content-Encoding": "gzip", "Content-Type": kind}
    upstream.enqueue(Answer(200, gzip.compress(b'data: {"a": 1}\n\n'), packed))
    answer = await client.post(f"{upstream.url}/chat/completions", json={})
    assert answer.text == 'data: {"a": 1}\n\n'


@pytest.mark.parametrize(
    ("address", "error"),
    [("http://127.0.0.1:9", httpx2.ConnectError), ("http://nowhere.invalid", httpx2.ConnectError)],
)
async def test_what_cannot_be_reached_is_told_as_httpx_tells_it(client, address, error):
    with pytest.raises(error):
        await client.get(address)


async def test_an_error_is_read_as_one_whatever_type_it_claims(upstream):
    body = b'{"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}'
    for kind in ("application/json", "text/event-stream"):
        upstream.enqueue(Answer(429, body, {"Content-Type": kind}))
    backend = HuggingFaceBackend("hub", base_url=upstream.url, api_key="k", models=["test"])
    told = [str((await fault_of(backend, question()))[0]) for _ in range(2)]
    await backend.aclose()
    assert told[0] == told[1]


async def test_no_cookie_of_one_answer_is_sent_with_the_next_question(upstream):
    upstream.enqueue(Headers({"Set-Cookie": "sid=alice", "Content-Type": "text/event-stream"}), "Hi")
    backend = HuggingFaceBackend("hub", base_url=upstream.url, api_key="k", models=["test"])
    for _ in range(2):
        await text_of(backend, question())
    await backend.aclose()
    assert not any("cookie" in name.lower() for exchange in upstream.exchanges for name in exchange.headers)


async def test_a_redirect_is_not_followed_with_the_prompt(upstream):
    with Upstream() as other:
        upstream.enqueue(Answer(307, b"", {"Location": f"{other.url}/chat/completions"}))
        backend = HuggingFaceBackend("hub", base_url=upstream.url, api_key="k", models=["test"])
        _error, text = await fault_of(backend, question())
        await backend.aclose()
        assert (text, other.exchanges) == ("", [])


async def test_an_endless_error_is_not_read_to_its_end(client):
    sent = 0

    async def complain(reader, writer):
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 500 No\r\nContent-Type: text/plain\r\n\r\n")
        with suppress(ConnectionError):
            while sent < 50_000_000:
                writer.write(b"x" * 10_000)
                sent += 10_000
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(complain, "127.0.0.1", 0) as server:
        answer = await client.get(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        assert answer.status_code == 500
        assert sent < 20_000_000  # what stands in buffers is on its way already


def test_loops_that_have_ended_leave_no_connection_open(upstream):
    backend = HuggingFaceBackend("hub", base_url=upstream.url, api_key="k", models=["test"])
    for _ in range(10):
        assert asyncio.run(text_of(backend, question()))
    assert len(backend._hub.clients._items) == 1  # the last one's
    asyncio.run(backend._hub.close_stale())
    assert all(exchange.ended.wait(5) for exchange in upstream.exchanges)
    assert not backend._hub.clients._items
