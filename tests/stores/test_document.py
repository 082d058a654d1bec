"""The document's form: what is kept, what is refused, and that equal transcripts make equal bytes."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import settings as searching
from hypothesis import strategies as st

from conversations.errors import CorruptDocument, TooLarge
from conversations.stores.document import checksum, dumps, loads
from conversations.types import Key, Message, Transcript

KEY = Key("1", "c0ffee")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HELLO = Message("user", "Xin chào", id="m1", created_at=NOON, metadata={"a": 1})
TALK = Transcript((HELLO,), leaf="m1")
DATA = {
    "schema": 1,
    "user_id": "1",
    "conversation_id": "c0ffee",
    "leaf": "m1",
    "messages": [
        {
            "id": "m1",
            "parent_id": None,
            "role": "user",
            "content": "Xin chào",
            "created_at": "2026-11-20T12:00:00.000000+00:00",
            "metadata": {"a": 1},
        }
    ],
}


def changed(**fields):
    return json.dumps({**DATA, **fields})


def changed_message(**fields):
    return changed(messages=[{**DATA["messages"][0], **fields}])


def test_the_form_is_the_one_that_is_documented():
    assert json.loads(dumps(KEY, TALK)) == DATA


def test_it_is_compact_and_readable():
    text = dumps(KEY, TALK)
    assert "Xin chào" in text
    assert ", " not in text


def test_what_was_written_is_read():
    assert loads(dumps(KEY, TALK), KEY) == TALK


def test_the_version_is_the_stores_own():
    assert "v1" not in dumps(KEY, replace(TALK, version="v1"))
    assert loads(dumps(KEY, TALK), KEY, "v2").version == "v2"


def test_bytes_are_read_too_with_or_without_a_byte_order_mark():
    text = dumps(KEY, TALK)
    assert loads(text.encode(), KEY) == loads(text.encode("utf-8-sig"), KEY) == TALK


def test_equal_transcripts_make_equal_bytes():
    one = replace(TALK, extra={"a": 1, "b": {"c": 1, "d": 2}})
    elsewhere = replace(HELLO, created_at=NOON.astimezone(timezone(timedelta(hours=7))))
    two = replace(TALK, messages=(elsewhere,), extra={"b": {"d": 2, "c": 1}, "a": 1})
    assert one == two
    assert dumps(KEY, one) == dumps(KEY, two)
    assert checksum(KEY, one) == checksum(KEY, two)


def test_different_transcripts_have_different_checksums():
    others = [
        replace(TALK, leaf=None),
        replace(TALK, messages=(replace(HELLO, content="Xin chao"),)),
        replace(TALK, messages=(replace(HELLO, metadata={}),)),
        replace(TALK, extra={"folder": "Work"}),
    ]
    assert len({checksum(KEY, transcript) for transcript in [TALK, *others]}) == 5
    assert checksum(KEY, TALK) != checksum(Key("2", "c0ffee"), TALK)
    assert checksum(KEY, TALK) == checksum(KEY, replace(TALK, version="9"))


def test_a_newer_schema_and_its_fields_survive_a_round_trip():
    message = {**DATA["messages"][0], "attachments": [{"name": "a.pdf"}]}
    newer = {**DATA, "schema": 9, "messages": [message], "folder": "Work", "tags": ["a"]}
    transcript = loads(json.dumps(newer), KEY)
    assert transcript.messages[0].content == "Xin chào"
    assert json.loads(dumps(KEY, transcript)) == newer


def test_unknown_fields_never_stand_in_for_known_ones():
    hostile = replace(TALK, extra={"messages": [], "user_id": "2", "leaf": "x", "conversation_id": "y"})
    hostile = replace(hostile, messages=(replace(HELLO, extra={"content": "forged", "id": "z", "role": "system"}),))
    assert json.loads(dumps(KEY, hostile)) == DATA


def test_where_a_document_lies_decides_whose_it_is():
    copied = loads(dumps(KEY, TALK), Key("2", "other"))
    assert json.loads(dumps(Key("2", "other"), copied))["user_id"] == "2"


def test_a_time_without_a_zone_is_taken_for_utc():
    assert loads(changed_message(created_at="2026-11-20T12:00:00"), KEY) == TALK
    naive = replace(HELLO, created_at=NOON.replace(tzinfo=None))
    assert dumps(KEY, replace(TALK, messages=(naive,))) == dumps(KEY, TALK)


@pytest.mark.parametrize("time", ["2026-11-20T12:00:00Z", "2026-11-20T19:00:00+07:00", "2026-11-20 12:00:00.000+00:00"])
def test_times_are_read_in_every_iso_form(time):
    assert loads(changed_message(created_at=time), KEY) == TALK


def test_metadata_may_hold_what_django_can_serialize():
    number = uuid.UUID(int=7)
    metadata = {"label": gettext_lazy("Guide"), "at": NOON, "id": number, "pair": (1, 2)}
    [message] = loads(dumps(KEY, replace(TALK, messages=(replace(HELLO, metadata=metadata),))), KEY).messages
    assert message.metadata == {"label": "Guide", "at": "2026-11-20T12:00:00Z", "id": str(number), "pair": [1, 2]}


def test_numbers_that_json_lacks_become_null():
    metadata = {"a": float("nan"), "b": [float("inf")], "c": 0.5}
    text = dumps(KEY, replace(TALK, messages=(replace(HELLO, metadata=metadata),)))
    assert json.loads(text)["messages"][0]["metadata"] == {"a": None, "b": [None], "c": 0.5}


def test_escapes_written_by_another_hand_are_cleaned():
    [message] = loads(changed_message(content="a\0b\ud800", metadata={"\udfff": "\0"}), KEY).messages
    assert message.content == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    assert message.metadata == {"\N{REPLACEMENT CHARACTER}": "\N{REPLACEMENT CHARACTER}"}


@searching(deadline=None)  # no timed tests
@given(
    st.text(st.characters(exclude_categories=[]), max_size=50),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    ),
)
def test_any_value_settles_after_one_round_trip(text, value):
    transcript = Transcript((Message("user", text, id="m", metadata={"value": value}),), leaf="m", extra={"x": text})
    once = dumps(KEY, transcript)
    once.encode()
    assert "\0" not in once
    assert dumps(KEY, loads(once, KEY)) == once


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("{}", "schema"),
        (changed(schema="1"), "schema"),
        (changed(schema=True), "schema"),
        (changed(messages=None), "messages"),
        (changed(messages={"0": {}}), "messages"),
        (changed(messages=["secret"]), "messages"),
        (changed(leaf=3), "leaf"),
        (changed_message(id=None), "id"),
        (changed_message(parent_id=["secret"]), "parent_id"),
        (changed_message(role=None), "role"),
        (changed_message(content=["secret"]), "content"),
        (changed_message(created_at=None), "created_at"),
        (changed_message(created_at="secret"), "created_at"),
        (changed_message(created_at="0001-01-01T00:00:00+14:00"), "created_at"),
        (changed_message(metadata="secret"), "metadata"),
    ],
)
def test_a_broken_document_is_told_with_its_key_and_without_its_text(text, reason):
    with pytest.raises(CorruptDocument) as caught:
        loads(text, KEY)
    told = str(caught.value)
    assert "1/c0ffee" in told
    assert reason in told
    assert "secret" not in told
    assert caught.value.__cause__ is None
    assert caught.value.status == 500


def test_the_size_limit_counts_bytes_of_the_document(settings):
    size = len(dumps(KEY, TALK).encode())
    settings.CHAT_MAX_DOCUMENT_SIZE = size
    assert dumps(KEY, TALK)
    settings.CHAT_MAX_DOCUMENT_SIZE = size - 1
    with pytest.raises(TooLarge, match=r"Start a new one\."):
        dumps(KEY, TALK)


def test_a_document_that_is_too_large_by_now_can_still_be_read(settings):
    text = dumps(KEY, TALK)
    settings.CHAT_MAX_DOCUMENT_SIZE = 10
    assert loads(text, KEY) == TALK
    assert checksum(KEY, TALK)
