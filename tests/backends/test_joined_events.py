"""Chunks that are joined say what they said one by one, in their order."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.backends.servers.event_stream import EventStreamDecoder
from conversations.backends.servers.joined_events import JoinedEvents
from tests.backends.test_frame import REASONS, TEXTS, payload
from tests.upstream import chunk


def events_of(joined: JoinedEvents, payloads: list[bytes]) -> list[bytes]:
    return EventStreamDecoder().feed(joined.of(payloads))


def said(payloads: list[bytes]) -> list:
    """Text in a row as one, and whatever else each chunk says."""
    found: list = []
    for one in payloads:
        choice = json.loads(one)["choices"][0]
        text, rest = choice["delta"].get("content") or "", choice["finish_reason"]
        if found and not rest and isinstance(found[-1], str):
            found[-1] += text
        else:
            found += [text] if not rest else [text, (rest,)]
    return found


@given(st.lists(st.lists(st.tuples(TEXTS, st.booleans(), REASONS), max_size=8), max_size=5))
def test_the_text_and_its_order_stay(reads):
    joined, before, after = JoinedEvents(), [], []
    for read in reads:
        payloads = [payload(text, compact=compact, reason=reason) for text, compact, reason in read]
        before += payloads
        after += events_of(joined, payloads)
    assert said(after) == said(before)


def test_a_row_of_tokens_is_one_event():
    joined = JoinedEvents()
    events_of(joined, [payload("The")])
    (event,) = events_of(joined, [payload(f" word{number}") for number in range(20)])
    assert json.loads(event)["choices"][0]["delta"]["content"] == "".join(f" word{number}" for number in range(20))


@pytest.mark.parametrize("more", [{"reasoning": "Hm. "}, {"reasoning_content": "Hm. "}, {"tool_calls": [{"id": "1"}]}])
def test_what_brings_more_than_text_is_passed_on_as_it_is(more):
    payloads = [json.dumps(chunk(text, **more)).encode() for text in "abc"]
    assert events_of(JoinedEvents(), payloads) == payloads


@pytest.mark.parametrize(
    "rubbish", [b"[DONE]", b"{", b"[]", b"7", b'{"error": {"message": "no"}}', b'{"choices": [7]}', b"\xff"]
)
def test_what_is_no_chunk_is_left_to_whoever_reads_it(rubbish):
    joined = JoinedEvents()
    assert events_of(joined, [payload("a"), payload("b"), rubbish, payload("c"), payload("d")])[-2] == rubbish


@pytest.mark.parametrize("end", ["\x85", "\u2028", "\u2029"])
def test_what_ends_a_line_for_some_readers_does_not_end_an_event(end):
    written = JoinedEvents().of([json.dumps(chunk(f"a{end}b"), ensure_ascii=False).encode()]).decode()
    [line] = [line for line in written.splitlines() if line]
    assert json.loads(line.removeprefix("data: "))["choices"][0]["delta"]["content"] == f"a{end}b"
