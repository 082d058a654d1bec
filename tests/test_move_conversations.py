"""Moving between the database and S3: everything arrives, nothing is lost, and it may be stopped at any point."""

from __future__ import annotations

import io
import signal
import sys
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from conversations.errors import StoreUnavailable
from conversations.models import Conversation, StoredTranscript
from conversations.stores import build_store
from conversations.stores.database import DatabaseStore
from conversations.stores.document import checksum
from conversations.stores.s3 import S3Store
from conversations.types import Key, Message, Transcript
from tests.s3_server import s3_bucket, s3_endpoint  # noqa: F401 (fixtures)

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = [Key("1", "a"), Key("1", "b"), Key("2", "c")]


class Interrupted(DatabaseStore):
    """Ctrl-C is pressed as the second conversation is read."""

    def load(self, key):
        if key == KEYS[1]:
            signal.raise_signal(signal.SIGINT)
        return super().load(key)


class Restless(DatabaseStore):
    """While a conversation is read for the first time, its owner adds to it; then it holds still."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def load(self, key):
        found = super().load(key)
        if found.version and key not in self.seen:
            self.seen.add(key)
            super().append(key, Message("user", "meanwhile", id="late", parent_id=found.leaf))
        return found


class Cut(DatabaseStore):
    """Its connection is cut as the second conversation is read."""

    def load(self, key):
        if key == KEYS[1]:
            connection.connection.close()
        return super().load(key)


class Away(DatabaseStore):
    """Lists its documents but hands out none."""

    def load(self, key):
        raise StoreUnavailable("The store is away.") from TimeoutError("after 5 s")


@pytest.fixture
def stores(settings, s3_bucket):  # noqa: F811
    """The database, which the site uses, and S3."""
    here = "tests.test_move_conversations."
    settings.CONVERSATION_STORES = {
        "database": {"BACKEND": "conversations.stores.database.DatabaseStore"},
        "s3": {"BACKEND": "conversations.stores.s3.S3Store", "OPTIONS": s3_bucket},
        "interrupted": {"BACKEND": here + "Interrupted"},
        "restless": {"BACKEND": here + "Restless"},
        "cut": {"BACKEND": here + "Cut"},
        "away": {"BACKEND": here + "Away"},
        "wrong": {"BACKEND": "conversations.stores.s3.S3Store", "OPTIONS": {**s3_bucket, "secret_key": ""}},
        "lost": {"BACKEND": "conversations.stores.s3.S3Store", "OPTIONS": {**s3_bucket, "bucket": "no-such-bucket"}},
    }
    settings.CONVERSATION_STORE = settings.CONVERSATION_STORES["database"]


@pytest.fixture
def database(stores):
    return DatabaseStore()


@pytest.fixture
def s3(stores, s3_bucket):  # noqa: F811
    return S3Store(**s3_bucket)


@pytest.fixture
def three(database):
    """Three conversations of two users in the database, one with fields of a newer schema."""
    talk = Transcript().with_messages(Message("user", "Xin chào 😀", id="q"), Message("assistant", "Hi", "r", "q"))
    for key in KEYS[:2]:
        database.save(key, talk)
    database.save(KEYS[2], replace(talk, extra={"schema": 5, "folder": "Work"}))
    return KEYS


def move(source="database", target="s3", **options):
    """What it prints, and what it says instead of succeeding."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("move_conversations", "--from", source, "--to", target, stdout=out, stderr=err, **options)
    except CommandError as error:
        err.write(str(error))
    return out.getvalue(), err.getvalue()


def fingerprints(store, keys):
    return [checksum(key, store.load(key)) for key in keys]


def test_everything_is_copied_and_stays_where_it_was(three, database, s3):
    assert move() == ("Conversations: 3 in all, 3 copied.\n", "")
    assert list(s3.keys()) == list(database.keys()) == three
    assert fingerprints(s3, three) == fingerprints(database, three)
    assert s3.load(KEYS[2]).extra == {"schema": 5, "folder": "Work"}


def test_and_back_again(three, database, s3):
    before = fingerprints(database, three)
    move()
    StoredTranscript.objects.all().delete()
    assert move("s3", "database")[0] == "Conversations: 3 in all, 3 copied.\n"
    assert fingerprints(database, three) == before


def test_what_is_there_already_is_skipped(three, s3):
    move()
    versions = [s3.load(key).version for key in three]
    assert move() == ("Conversations: 3 in all, 3 there already.\n", "")
    assert [s3.load(key).version for key in three] == versions


def test_one_user_alone_can_be_moved(three, s3):
    assert move(user="2")[0] == "Conversations: 1 in all, 1 copied.\n"
    assert list(s3.keys()) == [KEYS[2]]


def test_a_dry_run_writes_nothing(three, database, s3):
    s3.save(KEYS[0], Transcript())
    assert move(dry_run=True) == ("Conversations: 3 in all, 2 to be copied, 1 to be merged.\n", "")
    assert list(s3.keys()) == [KEYS[0]]
    assert s3.load(KEYS[0]).messages == ()


def test_a_dry_run_deletes_nothing(three, database, settings):
    move()
    settings.CONVERSATION_STORE = settings.CONVERSATION_STORES["s3"]
    move(dry_run=True, delete=True)
    assert list(database.keys()) == three


def test_with_both_sides_written_to_nothing_is_lost(three, database, s3):
    move()
    database.append(KEYS[0], Message("user", "here", id="here", parent_id="r"))
    s3.append(KEYS[0], Message("user", "there", id="there", parent_id="r"))
    assert move()[0] == "Conversations: 3 in all, 1 merged, 2 there already.\n"
    merged = s3.load(KEYS[0])
    assert {message.id for message in merged.messages} == {"q", "r", "here", "there"}
    assert merged.leaf == "here"
    assert move()[0] == "Conversations: 3 in all, 3 there already.\n"


def test_the_store_in_use_decides_which_branch_is_shown(three, database, s3, settings):
    move()
    settings.CONVERSATION_STORE = settings.CONVERSATION_STORES["s3"]
    s3.save(KEYS[0], replace(s3.load(KEYS[0]), leaf="q"))
    database.append(KEYS[0], Message("user", "straggler", id="late", parent_id="r"))
    assert move()[0] == "Conversations: 3 in all, 1 merged, 2 there already.\n"
    assert s3.load(KEYS[0]).leaf == "q"
    assert "late" in s3.load(KEYS[0]).index()


def test_what_is_said_while_it_is_moved_arrives_too(three, database, s3):
    assert move("restless")[1] == ""
    assert fingerprints(s3, three) == fingerprints(database, three)
    assert all("late" in s3.load(key).index() for key in three)


def test_deleting_empties_the_source_once_the_target_holds_it(three, database, s3, settings):
    before = fingerprints(database, three)
    move()
    settings.CONVERSATION_STORE = settings.CONVERSATION_STORES["s3"]
    assert move(delete=True) == ("Conversations: 3 in all, 3 there already.\n", "")
    assert list(database.keys()) == []
    assert fingerprints(s3, three) == before
    assert move(delete=True) == ("Conversations: 0 in all.\n", "")


def test_deleting_moves_what_was_not_there_yet(three, database, s3, settings):
    settings.CONVERSATION_STORE = {"BACKEND": "conversations.stores.memory.MemoryStore"}
    assert move(delete=True)[0] == "Conversations: 3 in all, 3 copied.\n"
    assert list(database.keys()) == []
    assert list(s3.keys()) == three


def test_deleting_spares_what_was_said_meanwhile(three, database, s3, settings):
    move()
    settings.CONVERSATION_STORE = settings.CONVERSATION_STORES["s3"]
    move("restless", delete=True)
    assert list(database.keys()) == []
    assert all("late" in s3.load(key).index() for key in three)


def test_the_store_in_use_is_never_emptied(three, database, s3):
    out, err = move(delete=True)
    assert "CONVERSATION_STORE" in err
    assert out == ""
    assert list(database.keys()) == three
    assert list(s3.keys()) == []


def test_a_chat_deleted_after_the_change_does_not_come_back(alice, database, s3, settings):
    kept, deleted = Conversation.objects.create(user=alice), Conversation.objects.create(user=alice)
    for conversation in (kept, deleted):
        database.save(conversation.key, Transcript())
    gone = deleted.key
    deleted.delete()
    settings.CONVERSATION_STORE = settings.CONVERSATION_STORES["s3"]
    out, _ = move(delete=True)
    assert out == "Conversations: 2 in all, 1 copied, 1 left out because they were deleted meanwhile.\n"
    assert list(s3.keys()) == [kept.key]
    assert list(database.keys()) == [gone]


def test_rows_of_conversations_are_not_touched(alice, database, s3):
    conversation = Conversation.objects.create(user=alice, title="A name")
    database.save(conversation.key, Transcript())
    before = Conversation.objects.values().get()
    move()
    assert Conversation.objects.values().get() == before


def test_a_damaged_document_does_not_stop_the_others(three, s3):
    StoredTranscript.objects.filter(conversation_id="b").update(document="{")
    out, err = move()
    assert out == "Conversations: 3 in all, 2 copied, 1 failed.\n"
    assert err.startswith("1/b: The stored document of this chat is damaged")
    assert "Run the same command again" in err
    assert list(s3.keys()) == [KEYS[0], KEYS[2]]


@pytest.mark.postgres
def test_a_cut_connection_does_not_stop_the_others(three, s3):
    if connection.vendor != "postgresql":
        pytest.skip("Needs Postgres: python -m tests.postgres -- python -m pytest tests/test_move_conversations.py")
    assert move("cut")[0] == "Conversations: 3 in all, 2 copied, 1 failed.\n"
    assert list(s3.keys()) == [KEYS[0], KEYS[2]]


def test_a_store_that_stops_answering_ends_it_with_the_reason(database, stores):
    for number in range(8):
        database.save(Key("1", f"c{number}"), Transcript())
    out, err = move("away")
    assert out == "Conversations: 8 in all, 5 failed, 3 not reached.\n"
    assert "1/c0: The store is away. (after 5 s)\n" in err
    assert "A store has stopped answering." in err


def test_ctrl_c_says_how_to_go_on_and_going_on_completes_it(three, database, s3):
    out, err = move("interrupted")
    assert out == "Conversations: 3 in all, 1 copied, 2 not reached.\n"
    assert "run the same command again" in err
    assert list(s3.keys()) == KEYS[:1]
    assert move()[0] == "Conversations: 3 in all, 2 copied, 1 there already.\n"
    assert fingerprints(s3, three) == fingerprints(database, three)


@pytest.mark.parametrize(("source", "status"), [("interrupted", 130), ("away", 1)])
def test_the_exit_status_tells_what_happened(three, source, status):
    with pytest.raises(CommandError) as caught:
        call_command("move_conversations", "--from", source, "--to", "s3", stdout=io.StringIO(), stderr=io.StringIO())
    assert caught.value.returncode == status


def test_without_a_terminal_a_line_tells_how_far_it_is(database, stores):
    for number in range(201):
        database.save(Key("1", f"c{number:03}"), Transcript())
    lines = move(dry_run=True)[0].splitlines()
    assert lines == [
        "100 of 201 conversations.",
        "200 of 201 conversations.",
        "Conversations: 201 in all, 201 to be copied.",
    ]


def test_on_a_terminal_there_is_a_bar_instead(three, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    assert move()[0] == "Conversations: 3 in all, 3 copied.\n"
    assert "0/3" in sys.stderr.getvalue()


@pytest.mark.parametrize(
    ("source", "target", "told"),
    [
        ("database", "database", "two different stores"),
        ("database", "nowhere", "There is: database, s3,"),
        ("nowhere", "s3", "There is no store “nowhere”"),
        ("database", "wrong", "AWS_SECRET_ACCESS_KEY"),
        ("database", "lost", "NoSuchBucket"),
        ("lost", "database", "NoSuchBucket"),
    ],
)
def test_wrong_names_and_settings_are_told_before_anything_is_done(three, source, target, told):
    out, err = move(source, target)
    assert told in err
    assert out == ""


def test_a_user_id_that_is_none_is_told(stores):
    assert "“../2” is not the id of a user." in move("s3", "database", user="../2")[1]


def test_the_shipped_settings_name_their_stores(settings):
    assert {type(build_store(config)).__name__ for config in settings.CONVERSATION_STORES.values()} == {
        "DatabaseStore",
        "MemoryStore",
    }
