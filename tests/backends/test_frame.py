"""The short way to a chunk's text gives what parsing it gives, or nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.backends.servers.frame import MOST_MISSES, Frame
from conversations.backends.servers.reply import ReplyReader
from conversations.backends.servers.sentences import Sentences
from conversations.errors import BackendError

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    ['"', "\\", "\n", "\x00", "content", "é", "文"]
)
REASONS = st.sampled_from([None, None, None, None, "stop", "length"])


def payload(text: str | None, *, compact: bool = True, ascii_only: bool = False, reason=None, **more) -> bytes:
    chunk = {"id": "c-1", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}], **more}
    separators = (",", ":") if compact else None
    return json.dumps(chunk, ensure_ascii=ascii_only, separators=separators).encode()


def read(chunks) -> tuple[str, str | None, bool, str]:
    """Text, finish reason, whether it was cut, and the error it ended with."""
    reply = ReplyReader(Sentences("Test", "test", "localhost", ()), "test", 60)
    parts, error = [], ""
    try:
        parts += [delta.text for delta in reply.read_all(chunks(reply))]
    except BackendError as caught:
        error = caught.code
    return "".join(parts), reply.finish_reason, reply.is_cut, error


@given(st.lists(st.tuples(TEXTS, st.booleans(), st.booleans(), REASONS), max_size=30))
def test_payloads_read_the_short_way_say_what_parsed_chunks_say(chunks):
    payloads = [
        payload(text, compact=compact, ascii_only=plain, reason=reason) for text, compact, plain, reason in chunks
    ]
    assert read(lambda _reply: payloads) == read(lambda reply: map(reply.parse, payloads))


@given(st.binary(max_size=12))
def test_bytes_between_the_known_ones_are_never_taken_for_text_that_json_would_not_give(between):
    known = payload("first")
    frame = Frame()
    frame.learn(known, json.loads(known))
    changed = known.replace(b'"first"', b'"' + between + b'"')
    if text := frame.text_in(changed):
        assert json.loads(changed)["choices"][0]["delta"]["content"] == text


@pytest.mark.parametrize(
    ("what", "first"),
    [
        ("text and usage", payload("a", usage={"completion_tokens": 1})),
        ("the last text", payload("a", reason="stop")),
        ("two choices", b'{"choices": [{"delta": {"content": "a"}}, {"delta": {}}]}'),
        ("the same key elsewhere", b'{"choices": [{"delta": {"content": "a"}}], "more": {"content": "a"}}'),
        ("text in escapes", b'{"choices": [{"delta": {"content": "\\u0061b"}}]}'),
    ],
)
def test_a_chunk_that_holds_more_than_text_teaches_nothing(what, first):
    frame = Frame()
    frame.learn(first, json.loads(first))
    assert frame.text_in(first) == "", what


def test_a_chunk_like_the_one_before_is_not_parsed():
    frame = Frame()
    frame.learn(payload("one"), json.loads(payload("one")))
    assert frame.text_in(payload("two and more")) == "two and more"
    assert frame.text_in(payload(None)) == ""
    assert frame.text_in(b"") == ""


def test_a_server_that_changes_every_chunk_is_soon_left_alone():
    frame = Frame()
    for number in range(MOST_MISSES + 5):
        changed = payload("text", obfuscation="x" * number)
        assert frame.text_in(changed) == ""
        frame.learn(changed, json.loads(changed))
    assert frame.text_in(changed) == ""
