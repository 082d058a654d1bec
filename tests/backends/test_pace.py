"""Reading in step: one stream is read as it comes, many are read together."""

from __future__ import annotations

import threading
from contextlib import aclosing

from conversations.backends.chat_completions import ChatCompletionsBackend
from conversations.backends.huggingface import HuggingFaceBackend
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


async def test_replies_through_huggingface_hub_are_counted_and_read_in_step_too():
    words = [f"w{number} " for number in range(200)]
    with Upstream() as upstream:
        backend = HuggingFaceBackend("hub", base_url=upstream.url, api_key="hf_test", models=["test"])
        assert await text_of(backend, question())  # its client is there now
        streams = backend._hub.streams.get()
        upstream.enqueue("Hel", "lo")
        async with aclosing(backend.stream(question())) as stream:
            await anext(stream)
            assert streams.count == 1
        assert streams.count == 0
        streams.count_by(MANY)  # as many other replies
        upstream.enqueue(*(step for word in words for step in (word, 0.001)))
        pieces = [delta.text for delta in await deltas_of(backend, question())]
        await backend.aclose()
    assert "".join(pieces) == "".join(words)
    assert len(pieces) < len(words) / 4  # what came together was one chunk to the library, too
    assert pieces[0] in words[:1]  # the first is not kept waiting
