"""What is particular to the database store: transactions, outages, many rows."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connection, connections, transaction

from conversations.errors import ConflictError, CorruptDocument, StoreUnavailable
from conversations.models import StoredTranscript
from conversations.stores.database import DatabaseStore
from conversations.stores.document import dumps
from conversations.types import Key, Message, Transcript

KEY = Key("1", "c0ffee")
HELLO = Transcript().with_messages(Message("user", "Xin chào", id="m1"))


@pytest.fixture
def store():
    return DatabaseStore()


@pytest.mark.django_db
def test_the_row_holds_the_document_byte_for_byte(store):
    store.save(KEY, HELLO)
    row = StoredTranscript.objects.get()
    assert (row.user_id, row.conversation_id, row.document) == (*KEY, dumps(KEY, HELLO))


@pytest.mark.django_db
def test_saving_notes_the_time(store):
    saved = store.save(KEY, HELLO)
    before = StoredTranscript.objects.get().updated_at
    store.save(KEY, saved)
    assert StoredTranscript.objects.get().updated_at > before


@pytest.mark.django_db
def test_a_damaged_row_is_told(store):
    StoredTranscript.objects.create(user_id="1", conversation_id="c0ffee", document='{"schema": 1}')
    with pytest.raises(CorruptDocument, match="1/c0ffee: messages"):
        store.load(KEY)


@pytest.mark.django_db(transaction=True)
def test_a_conflict_leaves_the_callers_transaction_usable(store):
    saved = store.save(KEY, HELLO)
    with transaction.atomic():
        with pytest.raises(ConflictError):
            store.save(KEY, HELLO)
        store.save(Key("1", "other"), HELLO)
    assert store.load(KEY) == saved
    assert list(store.keys()) == [KEY, Key("1", "other")]


@pytest.mark.django_db(transaction=True)
def test_what_is_saved_in_a_transaction_is_gone_with_it(store):
    with transaction.atomic():
        store.append(KEY, *HELLO.messages, create=True)
        transaction.set_rollback(True)
    assert store.load(KEY) == Transcript()


@pytest.mark.django_db(transaction=True)
def test_writers_inside_transactions_lose_nothing(store):
    store.save(KEY, Transcript())

    def write(number):
        try:
            with transaction.atomic():
                store.append(KEY, Message("user", "Hello", id=str(number)))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(12), timeout=120))
    assert {message.id for message in store.load(KEY).messages} == {str(number) for number in range(12)}


@pytest.mark.django_db
def test_keys_run_over_many_pages_in_order(store):
    keys = [Key(f"{number % 3}", f"{number:04}") for number in range(2500)]
    StoredTranscript.objects.bulk_create(
        [StoredTranscript(user_id=user, conversation_id=conversation, document="{}") for user, conversation in keys]
    )
    assert list(store.keys()) == sorted(keys)
    assert list(store.keys("1")) == sorted(key for key in keys if key.user_id == "1")


@contextmanager
def locked_sqlite():
    """Another process holds the write lock for longer than this connection waits."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


@contextmanager
def cut_postgres():
    """Postgres closes this connection, as it does when it restarts."""
    pid = connection.connection.info.backend_pid

    def cut():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(cut).result(30)
    yield


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_unavailable(store):
    saved = store.save(KEY, HELLO)
    outage = {"sqlite": locked_sqlite, "postgresql": cut_postgres}[connection.vendor]
    with outage(), pytest.raises(StoreUnavailable, match="Try again") as caught:
        store.append(KEY, Message("user", "more"))
    connection.close()
    assert caught.value.retry_after
    assert store.load(KEY) == saved
