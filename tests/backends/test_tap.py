"""Event streams read at the transport: the same bytes, the same ends, and connections that can be used again."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing, asynccontextmanager

import aiohttp
import pytest

from conversations.backends.chat_completions import ChatCompletionsBackend
from conversations.backends.servers.tap import MOST_WAITING, Tap, body_of, tapped_connector
from tests.backends.asking import deltas_of, question, text_of
from tests.upstream import Upstream


@asynccontextmanager
async def served(*pieces: bytes):
    """A session, and the address of a server that answers each request with these bytes, cut where they are cut."""
    connections = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while await reader.readuntil(b"\r\n\r\n"):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.01)
            if pieces[-1] != b"0\r\n\r\n":
                break
        writer.close()

    async def guarded(reader, writer) -> None:
        try:
            await answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0)
    session = aiohttp.ClientSession(connector=tapped_connector())
    try:
        yield session, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", lambda: connections
    finally:
        await session.close()
        server.close()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"


async def whole(body) -> bytes:
    found: list[bytes] = []
    await collect(body, found)
    return b"".join(found)


async def collect(body, found: list[bytes]) -> None:
    while data := await body.read():
        found.append(data)


@pytest.mark.parametrize(
    "pieces",
    [
        (HEAD + b"\r\n5\r\nfirst\r\n", b"6\r\nsecond\r\n", b"0\r\n\r\n"),
        (HEAD + b"\r\n5\r\nfi", b"rst\r\n6\r", b"\nsecond\r\n", b"0\r\n\r\n"),
        (HEAD[:20], HEAD[20:], b"\r\n", b"5\r\nfirst\r\n6\r\nsecond\r\n", b"0\r\n\r\n"),
    ],
)
async def test_a_body_is_whole_however_it_arrives_and_its_connection_is_used_again(pieces):
    async with served(*pieces) as (session, url, connections):
        for _ in range(3):
            response = await session.get(url)
            body = body_of(response)
            assert isinstance(body, Tap)
            assert await whole(body) == b"firstsecond"
            assert await body.read() == b""
            response.release()
        assert connections() == 1


async def test_a_body_that_breaks_off_is_an_error_after_all_that_came():
    async with served(HEAD + b"\r\n5\r\nfirst\r\n", b"6\r\nsec") as (session, url, _connections):
        body = body_of(await session.get(url))
        assert isinstance(body, Tap)
        found: list[bytes] = []
        with pytest.raises(aiohttp.ClientPayloadError):
            await collect(body, found)
        assert b"".join(found) == b"firstsec"


async def test_what_is_no_http_is_an_error():
    async with served(HEAD + b"\r\n5\r\nfirst\r\n", b"no chunk at all\r\n") as (session, url, _connections):
        body = body_of(await session.get(url))
        with pytest.raises(aiohttp.ClientError):
            await whole(body)


async def test_an_upstream_that_is_faster_than_its_reader_waits():
    chunk = b"x" * 60_000
    pieces = [b"%x\r\n%s\r\n" % (len(chunk), chunk)] * 400
    async with served(HEAD + b"\r\n", *pieces, b"0\r\n\r\n") as (session, url, _connections):
        body = body_of(await session.get(url))
        await body.read()
        for _ in range(100):
            await asyncio.sleep(0.01)
            if not body.transport.is_reading():
                break
        assert not body.transport.is_reading()
        assert body._waiting < 4 * MOST_WAITING
        assert len(await whole(body)) > 350 * len(chunk)


async def test_a_connection_whose_long_body_nobody_read_serves_the_next_request():
    long = b"x" * (2 * MOST_WAITING)
    async with served(HEAD + b"\r\n%x\r\n%s\r\n" % (len(long), long), b"0\r\n\r\n") as (session, url, connections):
        unread = body_of(await session.get(url))
        async with asyncio.timeout(10):
            while unread.transport is not None:
                await asyncio.sleep(0.01)
                if unread.transport and not unread.transport.is_reading():
                    await unread.read()
            assert await whole(body_of(await session.get(url))) == long
        assert connections() == 1


async def test_a_stream_that_is_left_closes_its_connection():
    gate = threading.Event()
    with Upstream() as upstream:
        backend = ChatCompletionsBackend("server", base_url=upstream.url)
        upstream.enqueue("Hel", gate, "lo")
        async with aclosing(backend.stream(question())) as stream:
            await anext(stream)
        assert await asyncio.to_thread(upstream.exchanges[0].was_abandoned)
        gate.set()
        await backend.aclose()


async def test_a_second_reply_uses_the_first_one_s_connection():
    with Upstream() as upstream:
        backend = ChatCompletionsBackend("server", base_url=upstream.url)
        for _ in range(3):
            assert await text_of(backend, question())
        assert upstream.open <= 1
        await backend.aclose()


async def test_another_aiohttp_without_a_place_for_the_tap_is_read_all_the_same():
    with Upstream() as upstream:
        backend = ChatCompletionsBackend("server", base_url=upstream.url)
        upstream.enqueue("Hello", " there")
        session = backend._sessions.get()
        await session.connector.close()
        session._connector = aiohttp.TCPConnector()
        assert "".join(delta.text for delta in await deltas_of(backend, question())) == "Hello there"
        await backend.aclose()
