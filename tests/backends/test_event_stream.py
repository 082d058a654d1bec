"""Server-sent events, decoded at every split that a network can make."""

from __future__ import annotations

import pytest

from conversations.backends.servers.event_stream import MAX_EVENT, EventStreamDecoder, EventTooLong

STREAMS = {
    "plain": (b'data: {"a": 1}\n\ndata: {"b": 2}\n\ndata: [DONE]\n\n', [b'{"a": 1}', b'{"b": 2}', b"[DONE]"]),
    "characters of several bytes": ("data: äöü 漢字 \U0001f680\n\n".encode(), ["äöü 漢字 \U0001f680".encode()]),
    "CRLF": (b"data: one\r\n\r\ndata: two\r\n\r\n", [b"one", b"two"]),
    "comments": (b": OPENROUTER PROCESSING\n\ndata: one\n: ping\n\n:\n\n", [b"one"]),
    "several data lines": (b"data: one\ndata:two\n\n", [b"one\ntwo"]),
    "no space after the colon": (b"data:one\n\n", [b"one"]),
    "only one space is taken away": (b"data:  one\n\n", [b" one"]),
    "no blank line at the end": (b"data: one\n\ndata: [DONE]\n", [b"one", b"[DONE]"]),
    "no line end at the end": (b"data: one\n\ndata: [DONE]", [b"one", b"[DONE]"]),
    "other fields": (b"event: message\nid: 7\nretry: 10\ndata: one\n\n", [b"one"]),
    "byte order mark": (b"\xef\xbb\xbfdata: one\n\n", [b"one"]),
    "blank lines": (b"\n\n\ndata: one\n\n\n\n", [b"one"]),
    "an empty event": (b"data:\n\ndata: one\n\n", [b"", b"one"]),
    "an error as a bare line": (b'data: one\n\n{"error": "out of memory"}\n', [b"one", b'{"error": "out of memory"}']),
    "an error as llama.cpp sends it": (b'error: {"code": 500}\n\n', [b'{"error": {"code": 500}}']),
    "nothing": (b"", []),
    "no events at all": (b"<html>\n<p>Hello</p>\n</html>\n", []),
}


def decode(*pieces: bytes) -> list[bytes]:
    decoder = EventStreamDecoder()
    payloads = [payload for piece in pieces for payload in decoder.feed(piece)]
    return payloads + decoder.finish()


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_decodes_the_same_however_it_is_cut(name):
    stream, payloads = STREAMS[name]
    assert decode(stream) == payloads
    assert decode(*(stream[i : i + 1] for i in range(len(stream)))) == payloads
    for first in range(len(stream)):
        for second in range(first, len(stream)):
            assert decode(stream[:first], stream[first:second], stream[second:]) == payloads


def test_a_payload_is_handed_out_as_soon_as_its_event_is_whole():
    decoder = EventStreamDecoder()
    assert decoder.feed(b"data: one\n") == []
    assert decoder.feed(b"\ndata: t") == [b"one"]
    assert decoder.feed(b"wo\n\n") == [b"two"]


@pytest.mark.parametrize("piece", [b"x" * 100_000, b"data: x\n" * 10_000])
def test_an_event_without_end_is_refused_before_it_fills_the_memory(piece):
    with pytest.raises(EventTooLong):
        decode(*[piece] * (MAX_EVENT // len(piece) + 2))


def test_many_events_in_one_piece_are_not_too_long():
    decoder = EventStreamDecoder()
    for _ in range(3):
        assert len(decoder.feed(b"data: x\n\n" * 300_000)) == 300_000
