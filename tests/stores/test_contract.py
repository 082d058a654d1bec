"""What every store promises, over each of them: memory, the run's database, and S3 over real HTTP."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import connections

from conversations.errors import ConflictError, TooLarge
from conversations.stores import build_store
from conversations.types import Key, Message, Transcript
from tests.s3_server import new_bucket

ALICE = Key("1", "c0ffee")
BOB = Key("11", "c0ffee")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


@pytest.fixture(params=["memory", pytest.param("database", marks=pytest.mark.django_db(transaction=True)), "s3"])
def store(request, settings):
    if request.param != "s3":
        return build_store(settings.CONVERSATION_STORES[request.param])
    store = request.getfixturevalue("s3_store")
    for key in list(store.keys()):
        store.delete(key)
    return store


@pytest.fixture(scope="module")
def s3_store(s3_endpoint):
    """One for all tests: making a client takes boto3 a third of a second."""
    return build_store({"BACKEND": "conversations.stores.s3.S3Store", "OPTIONS": new_bucket(s3_endpoint)})


def talk(*texts):
    """A user and an assistant taking turns."""
    transcript = Transcript()
    for number, text in enumerate(texts):
        role = "assistant" if number % 2 else "user"
        transcript = transcript.with_messages(Message(role, text, parent_id=transcript.leaf))
    return transcript


def in_threads(count, work):
    """Run work(number) in that many threads, begun at the same moment and changed often; the results."""
    start = threading.Barrier(count, timeout=30)
    interval = sys.getswitchinterval()

    def job(number):
        start.wait()
        try:
            return work(number)
        finally:
            connections.close_all()

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(job, range(count), timeout=120))
    finally:
        sys.setswitchinterval(interval)


def test_what_is_absent_is_empty(store):
    assert store.load(ALICE) == Transcript()


def test_what_was_saved_is_loaded(store):
    written = talk("Hello", "Hi there")
    saved = store.save(ALICE, written)
    assert saved.version is not None
    assert replace(saved, version=None) == written
    assert store.load(ALICE) == saved


def test_an_empty_transcript_can_be_saved(store):
    saved = store.save(ALICE, Transcript())
    assert saved.version is not None
    assert store.load(ALICE) == saved


def test_nothing_of_a_message_is_lost(store):
    metadata = {"model": "a/b", "tokens": 3, "nested": {"list": [1, 2.5, None, True]}}
    time = datetime(2026, 11, 20, 23, 59, 59, 123456, tzinfo=timezone(timedelta(hours=7)))
    message = Message("tool", "4", id="m1", parent_id="m0", created_at=time, metadata=metadata)
    store.save(ALICE, Transcript((message,), leaf="m1"))
    [found] = store.load(ALICE).messages
    assert found == message
    assert found.created_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("Nguyễn Thị Ánh Tuyết xin chào", "Nguyễn Thị Ánh Tuyết xin chào"),
        ("👩‍👩‍👧‍👦 and 🏳️‍🌈", "👩‍👩‍👧‍👦 and 🏳️‍🌈"),
        ("a\0b", f"a{REPLACEMENT}b"),
        ("half \ud83d of one", f"half {REPLACEMENT} of one"),
        ("\udc00\ud800", REPLACEMENT * 2),
        ("joined \ud83d\ude00", "joined 😀"),
        ("\\u0000 and \\ud800 as typed, \u2028, \x7f, \ufeff, \uffff", None),
        ('"}\\\n\r\t</script>', None),
        ("x" * 1_000_000, None),
    ],
    ids=["vietnamese", "emoji", "nul", "surrogate", "two surrogates", "pair", "escapes", "syntax", "megabyte"],
)
def test_any_text_can_be_stored_and_comes_back_clean(store, text, stored):
    saved = store.save(ALICE, Transcript((Message("user", text, id="m", metadata={text[:20]: text[:20]}),), leaf="m"))
    stored = text if stored is None else stored
    loaded = store.load(ALICE)
    assert loaded == saved
    assert loaded.messages[0].content == stored
    assert list(loaded.messages[0].metadata) == [stored[:20]]
    assert store.append(ALICE, Message("user", text, id="n", parent_id="m")).messages[1].content == stored


def test_saving_gives_a_new_version(store):
    first = store.save(ALICE, talk("one"))
    second = store.save(ALICE, first.with_messages(Message("user", "two", parent_id=first.leaf)))
    assert second.version != first.version
    assert store.load(ALICE) == second


def test_a_stale_version_is_refused(store):
    first = store.save(ALICE, talk("one"))
    second = store.save(ALICE, first.with_messages(Message("user", "two")))
    with pytest.raises(ConflictError):
        store.save(ALICE, first.with_messages(Message("user", "three")))
    assert store.load(ALICE) == second


def test_another_stores_version_is_refused(store):
    saved = store.save(ALICE, talk("one"))
    with pytest.raises(ConflictError):
        store.save(ALICE, replace(talk("two"), version="of another store"))
    assert store.load(ALICE) == saved


def test_what_exists_is_not_created_again(store):
    saved = store.save(ALICE, talk("one"))
    with pytest.raises(ConflictError):
        store.save(ALICE, talk("two"))
    assert store.load(ALICE) == saved


def test_what_was_deleted_is_not_saved_back(store):
    saved = store.save(ALICE, talk("one"))
    store.delete(ALICE)
    with pytest.raises(ConflictError):
        store.save(ALICE, saved.with_messages(Message("user", "two")))
    assert store.load(ALICE) == Transcript()


def test_an_old_version_does_not_fit_what_was_made_anew(store):
    old = store.save(ALICE, talk("one"))
    store.delete(ALICE)
    new = store.save(ALICE, talk("two"))
    with pytest.raises(ConflictError):
        store.save(ALICE, old)
    assert store.load(ALICE) == new


def test_of_many_who_create_exactly_one_wins(store):
    def create(number):
        try:
            return store.save(ALICE, talk(f"from {number}"))
        except ConflictError:
            return None

    winners = [won for won in in_threads(8, create) if won]
    assert len(winners) == 1
    assert store.load(ALICE) == winners[0]


def test_of_many_who_save_the_same_version_exactly_one_wins(store):
    read = store.save(ALICE, talk("one"))

    def save(number):
        try:
            return store.save(ALICE, read.with_messages(Message("user", f"from {number}")))
        except ConflictError:
            return None

    winners = [won for won in in_threads(8, save) if won]
    assert len(winners) == 1
    assert store.load(ALICE) == winners[0]


def test_appending_adds_to_the_end(store):
    saved = store.save(ALICE, talk("Hello", "Hi"))
    longer = store.append(ALICE, Message("user", "How are you?", id="new", parent_id=saved.leaf))
    assert longer.leaf == "new"
    assert [message.content for message in longer.branch()] == ["Hello", "Hi", "How are you?"]
    assert store.load(ALICE) == longer


def test_appending_the_same_message_twice_adds_it_once(store):
    message = Message("user", "Hello", id="m")
    first = store.append(ALICE, message, create=True)
    assert store.append(ALICE, message, create=True) == first
    assert store.append(ALICE, Message("user", "another text", id="m")) == first
    assert store.load(ALICE) == first
    assert len(first.messages) == 1


def test_appending_to_what_is_absent_does_nothing(store):
    assert store.append(ALICE, Message("user", "Hello")) == Transcript()
    assert store.load(ALICE) == Transcript()
    assert list(store.keys()) == []


def test_appending_creates_when_asked_to(store):
    created = store.append(ALICE, Message("user", "Hello", id="m"), create=True)
    assert created.version is not None
    assert store.load(ALICE) == created


def test_eight_writers_lose_and_double_nothing(store):
    store.save(ALICE, Transcript())

    def write(number):
        parent = None
        for turn in range(10):
            message = Message("user", "Hello", id=f"{number}-{turn}", parent_id=parent)
            store.append(ALICE, message)
            parent = message.id

    in_threads(8, write)
    transcript = store.load(ALICE)
    assert sorted(message.id for message in transcript.messages) == sorted(
        f"{n}-{t}" for n in range(8) for t in range(10)
    )
    for number in range(8):
        assert [message.id for message in transcript.branch(f"{number}-9")] == [
            f"{number}-{turn}" for turn in range(10)
        ]


def test_unknown_fields_survive_an_append(store):
    message = Message("user", "Hello", id="m", extra={"mood": "glad"})
    transcript = Transcript((message,), leaf="m", extra={"schema": 7, "folder": {"name": "Work"}})
    store.save(ALICE, transcript)
    longer = store.append(ALICE, Message("assistant", "Hi", id="n", parent_id="m"))
    assert store.load(ALICE) == longer
    assert longer.extra == {"schema": 7, "folder": {"name": "Work"}}
    assert longer.messages[0].extra == {"mood": "glad"}


def test_deleting_removes_it(store):
    store.save(ALICE, talk("Hello"))
    store.delete(ALICE)
    assert store.load(ALICE) == Transcript()
    assert list(store.keys()) == []


def test_deleting_twice_is_fine(store):
    store.save(ALICE, talk("Hello"))
    store.delete(ALICE)
    store.delete(ALICE)
    store.delete(BOB)
    store.delete(BOB, version="1.1")


def test_deleting_one_version_leaves_a_newer_one(store):
    old = store.save(ALICE, talk("Hello"))
    new = store.append(ALICE, Message("user", "Wait"))
    with pytest.raises(ConflictError):
        store.delete(ALICE, version=old.version)
    assert store.load(ALICE) == new
    store.delete(ALICE, version=new.version)
    assert store.load(ALICE) == Transcript()


def test_another_users_conversation_is_another_one(store):
    ours = store.save(ALICE, talk("ours"))
    theirs = store.save(BOB, talk("theirs"))
    store.append(ALICE, Message("user", "more"))
    assert store.load(BOB) == theirs
    store.delete(ALICE)
    assert store.load(BOB) == theirs
    assert ours != theirs


def test_keys_of_one_user_and_of_all(store):
    keys = [Key("1", "a"), Key("1", "b"), Key("11", "a"), Key("2", "c")]
    for key in reversed(keys):
        store.save(key, Transcript())
    assert list(store.keys("1")) == keys[:2]
    assert list(store.keys("11")) == keys[2:3]
    assert list(store.keys("3")) == []
    assert sorted(store.keys()) == keys
    assert list(store.keys()) == list(store.keys())


def test_keys_may_be_deleted_while_they_are_read(store):
    for number in range(5):
        store.save(Key("1", f"c{number}"), Transcript())
    found = store.keys()
    for key in found:
        store.delete(key)
    assert list(store.keys()) == []


def test_a_document_beyond_the_limit_is_refused_and_nothing_changes(store, settings):
    saved = store.save(ALICE, talk("Hello"))
    settings.CHAT_MAX_DOCUMENT_SIZE = 2000
    with pytest.raises(TooLarge, match="too long"):
        store.append(ALICE, Message("user", "ễ" * 1000))
    with pytest.raises(TooLarge):
        store.save(BOB, talk("x" * 2000))
    assert store.load(ALICE) == saved
    assert store.load(BOB) == Transcript()


def test_probing_leaves_nothing_behind(store):
    store.probe()
    assert list(store.keys()) == []


def test_a_good_configuration_has_nothing_to_report(store):
    assert list(store.check()) == []
