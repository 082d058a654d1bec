"""Reading in step: one stream is read as it comes, many are read together."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing

import httpcore2
import pytest

from conversations.backends.chat_completions import ChatCompletionsBackend
from conversations.backends.huggingface import HuggingFaceBackend
from conversations.backends.servers import hub_pace
from conversations.backends.servers.pace import LONGEST, PER_STREAM, OpenStreams
from tests.backends.asking import deltas_of, question, text_of
from tests.upstream import Upstream

MANY = int(LONGEST / PER_STREAM)


async def test_one_stream_waits_for_nothing_and_many_wait_longer_but_never_too_long():
    streams = OpenStreams()
    paces = [streams.begin()]
    pauses = [streams.pause]
    for _ in range(3):
        paces += [streams.begin() for _ in range(MANY)]
        pauses.append(streams.pause)
    assert pauses[0] < pauses[1]
    assert pauses[1:] == [LONGEST] * 3
    for pace in paces:
        pace.close()
    assert streams.pause == 0


async def test_what_arrives_meanwhile_is_one_piece_and_nothing_is_missing():
    words = [f"w{number} " for number in range(200)]
    with Upstream() as upstream:
        backend = ChatCompletionsBackend("server", base_url=upstream.url)
        others = [backend._open_streams.get().begin() for _ in range(MANY)]  # as many other replies
        upstream.enqueue(*(step for word in words for step in (word, 0.001)))
        pieces = [delta.text for delta in await deltas_of(backend, question())]
        await backend.aclose()
    assert "".join(pieces) == "".join(words)
    assert len(pieces) < len(words) / 2
    assert pieces[0] in words[:1]  # the first is not kept waiting
    assert others


async def test_a_stream_that_is_left_is_counted_no_more():
    gate = threading.Event()
    with Upstream() as upstream:
        backend = ChatCompletionsBackend("server", base_url=upstream.url)
        streams = backend._open_streams.get()
        upstream.enqueue("Hel", gate, "lo")
        async with aclosing(backend.stream(question())) as stream:
            await anext(stream)
            assert streams.count == 1
        gate.set()
        assert await deltas_of(backend, question())
        assert streams.count == 0
        await backend.aclose()


class Arriving(httpcore2.AsyncNetworkStream):
    """A connection on which a word arrives every millisecond; a read takes all that is there."""

    def __init__(self, words: list[bytes]):
        self.reads = 0
        self._arrived = bytearray()
        self._news = asyncio.Event()
        self._arriving = asyncio.create_task(self._arrive(words))

    async def _arrive(self, words: list[bytes]) -> None:
        for word in words:
            self._arrived += word
            self._news.set()
            await asyncio.sleep(0.001)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.reads += 1
        await self._news.wait()
        self._news.clear()
        data, self._arrived = bytes(self._arrived), bytearray()
        return data


@pytest.mark.parametrize(("others", "most_reads"), [(0, 400), (MANY, 100)])
async def test_huggingface_hub_reads_in_step_too_and_nothing_is_missing(others, most_reads):
    words = [b"w%d " % number for number in range(300)]
    streams = OpenStreams()
    streams.count_by(others)
    arriving = Arriving(words)
    stream, found = hub_pace.PacedStream(arriving, streams), b""
    while len(found) < len(b"".join(words)):
        found += await stream.read(64_000)
    assert found == b"".join(words)
    assert arriving.reads < most_reads
    assert others or arriving.reads > 100  # one stream is read as it comes


async def test_replies_through_huggingface_hub_are_counted_and_paced():
    with Upstream() as upstream:
        backend = HuggingFaceBackend("hub", base_url=upstream.url, api_key="hf_test", models=["test"])
        assert await text_of(backend, question())  # its client is there now
        streams = backend._hub.streams.get()
        pool = backend._hub.clients.get()._transport._pool
        assert isinstance(pool._network_backend, hub_pace.PacedBackend)
        upstream.enqueue("Hel", "lo")
        async with aclosing(backend.stream(question())) as stream:
            await anext(stream)
            assert streams.count == 1
        assert streams.count == 0
        await backend.aclose()
