"""The database is cut off or hangs: before, during, after a reply. Nothing accepted is lost, nothing refused comes."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError, connection, connections

from chatsite.deadline import MARK, MOST_OVERDUE, Deadline
from conversations.models import Generation
from conversations.signals import generation_finished
from conversations.streaming.executors import DATABASE_THREADS
from tests.conftest import PASSWORD
from tests.faults.outages import PATIENCE, Person, cabled_postgres, eventually, is_normal
from tests.helpers import Gate
from tests.live import serve
from tests.serving import Visitor

FAULTS = ["cut", "hang"]


@pytest.fixture
def cable(alice, settings):
    """Postgres behind a cable, for connections to come: the test's own is there already."""
    if connection.vendor != "postgresql":
        pytest.skip("Cuts Postgres off: python -m tests.postgres -- python -m pytest …")
    settings.DATABASE_PATIENCE = 1.0  # less, and a busy machine looks like an outage
    with cabled_postgres() as cable:
        yield cable


@contextmanager
def locked():
    """Another process writes, and does not end."""
    if connection.vendor != "sqlite":
        pytest.skip("On Postgres one writer does not keep others waiting.")
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


@pytest.mark.postgres
@pytest.mark.parametrize("fault", FAULTS)
def test_pages_say_503_without_the_database_and_work_when_it_is_back(site, cable, fault):
    alice = Person.logged_in(site)
    getattr(cable, fault)()
    for _attempt in range(2):  # the second is told what the first has found out
        answer = alice.get("/")
        assert (answer.status, "cannot reach its database" in answer.text) == (503, True)
        assert int(answer.headers["retry-after"]) <= 5
    cable.heal()
    eventually(is_normal(alice))


@pytest.mark.postgres
@pytest.mark.parametrize("fault", FAULTS)
def test_a_send_without_the_database_is_refused_with_its_text_and_accepted_later(site, cable, scripted, fault):
    alice = Person.logged_in(site)
    form = alice.composer()
    getattr(cable, fault)()
    answer = alice.send(form, "Keep these words")
    assert (answer.status, "Keep these words" in answer.text) == (503, True)
    assert answer.headers["retry-after"]
    cable.heal()
    eventually(is_normal(alice))
    assert not Generation.objects.exists()
    eventually(lambda: alice.send(form, "Keep these words").status == 303)
    assert alice.send(form, "Keep these words").status == 303
    assert [row.user_text for row in Generation.objects.all()] == ["Keep these words"]


@pytest.mark.postgres
@pytest.mark.parametrize("fault", FAULTS)
def test_a_running_reply_goes_on_from_memory_and_is_stored_afterwards(site, cable, scripted, fault):
    gate = Gate()
    scripted.enqueue("Before. ", gate.wait, "Meanwhile.")
    alice = Person.logged_in(site)
    alice.send(alice.composer(), "Hello")
    row = Generation.objects.get()
    events = alice.events(f"/g/{row.pk}/events/")
    seen = next(data for name, data in events if "Before" in str(data))
    getattr(cable, fault)()
    gate.open()
    seen = next(data for name, data in events if "Meanwhile" in str(data))
    assert seen
    assert Generation.objects.get().is_live  # nothing could be written
    cable.heal()
    assert next(data["status"] for name, data in events if name == "done") == "completed"
    stored = eventually(lambda: Generation.objects.exclude(stored_at=None).first())
    assert (stored.status, stored.reply_text) == ("completed", "Before. Meanwhile.")


@pytest.mark.postgres
def test_a_statement_that_is_not_answered_fails_and_its_connection_is_closed(site, cable):
    database = connections.create_connection("default")
    database.inc_thread_sharing()

    def ask():
        with database.cursor() as cursor:
            cursor.execute("SELECT 1")

    with ThreadPoolExecutor(1) as pool:
        pool.submit(ask).result(PATIENCE)
        cable.hang()
        asked = pool.submit(ask)
        try:
            with pytest.raises(OperationalError, match="did not answer in time"):
                asked.result(PATIENCE)
        finally:
            cable.heal()
    assert database.connection.closed
    database.close()


@pytest.mark.postgres
def test_a_database_that_hangs_for_long_leaves_no_connection_behind(site, cable):
    alice = Person.logged_in(site)
    cable.hang()
    assert [alice.get("/").status for _ in range(20)] == [503] * 20
    cable.heal()
    eventually(is_normal(alice))
    eventually(lambda: cable.connections <= DATABASE_THREADS)  # the clock's and those kept for the next jobs


@pytest.mark.postgres
@pytest.mark.parametrize("fault", FAULTS)
def test_a_site_that_stops_without_its_database_ends_and_the_next_one_settles(catalogue, cable, scripted, fault):
    gate, finished = Gate(), []
    scripted.enqueue("Before. ", gate.wait)
    generation_finished.connect(
        lambda generation_id, **_: finished.append(generation_id), weak=False, dispatch_uid=fault
    )
    with serve() as site:
        person = Person.logged_in(site)
        person.send(person.composer(), "Hello")
        row = eventually(lambda: Generation.objects.exclude(reply_text="").first())
        getattr(cable, fault)()
    assert not [thread for thread in threading.enumerate() if thread.name.endswith("(run)")]  # the site's own
    assert Generation.objects.get().is_live
    cable.heal()
    with serve():
        eventually(lambda: Generation.objects.exclude(stored_at=None).exists())
    generation_finished.disconnect(dispatch_uid=fault)
    assert Generation.objects.get().status == "interrupted"
    assert finished == [row.pk]


@pytest.mark.sqlite
def test_log_in_behind_a_locked_sqlite_says_503(site, alice, settings):
    person = Visitor(urlsplit(site).port)
    token = person.token("/accounts/login/")
    with locked():
        settings.ANSWER_WITHIN = 0.5
        form = {"login": "alice", "password": PASSWORD, "csrfmiddlewaretoken": token}
        assert person.post("/accounts/login/", form).status == 503
    settings.ANSWER_WITHIN = 30
    eventually(lambda: person.log_in("alice", PASSWORD).status == 302)


@pytest.mark.sqlite
def test_a_session_that_cannot_be_saved_after_the_page_is_503_too(site, alice, monkeypatch):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.1)
    person = Person.logged_in(site)
    session = SessionStore(person.cookies["sessionid"])
    session["draft"] = {"author": str(alice.pk), "content": "Sent while logged out"}  # the page takes it out
    session.save()
    with locked():
        answer = person.get("/")
        assert (answer.status, "cannot reach its database" in answer.text) == (503, True)
        assert answer.headers["retry-after"]
    assert "Sent while logged out" in person.get("/").text


@pytest.mark.sqlite
def test_pages_are_read_while_sqlite_is_locked(site, alice):
    person = Person.logged_in(site)
    with locked():
        assert person.get("/").status == 200


@pytest.mark.sqlite
def test_a_send_behind_a_locked_sqlite_is_refused_and_does_not_come_later(site, alice, scripted, settings):
    person = Person.logged_in(site)
    form = person.composer()
    with locked():
        settings.ANSWER_WITHIN = 0.5
        answer = person.send(form, "Keep these words")
        assert (answer.status, "takes too long" in answer.text) == (503, True)
        assert "Keep these words" in answer.text
        assert answer.headers["retry-after"]
        assert form["key"] in answer.text  # the page's own button sends the same turn again
    settings.ANSWER_WITHIN = 30
    other = Person.logged_in(site)  # a session is written after what waited for the lock
    assert other.send(other.composer(), "Later").status == 303
    assert [row.user_text for row in Generation.objects.all()] == ["Later"]
    assert person.send(form, "Keep these words").status == 303
    assert Generation.objects.count() == 2


async def test_beyond_a_number_of_late_requests_whoever_comes_is_refused_at_once(settings):
    """What a process can hold is bounded; when one of them is through, others are tried again."""
    settings.ANSWER_WITHIN = 0.01
    released = asyncio.Event()
    answered = []

    async def site(scope, receive, send):
        await receive()
        if MARK not in scope:
            await released.wait()
        await send({"type": "http.response.start", "status": 503 if MARK in scope else 200, "headers": []})

    async def visit():
        async def receive():
            return {"type": "http.request", "body": b""}

        async def send(message):
            answered.append(message["status"])

        scope = {"type": "http", "path": "/", "method": "GET", "headers": []}
        await application(scope, receive, send)

    application = Deadline(site)
    async with asyncio.timeout(30):
        late = [asyncio.create_task(visit()) for _ in range(MOST_OVERDUE)]
        while len(answered) < MOST_OVERDUE:
            await asyncio.sleep(0.01)
        settings.ANSWER_WITHIN = 30
        await visit()  # returns, though the site would keep it waiting
        released.set()
        await asyncio.gather(*late)
        await visit()
    assert answered == [503] * (MOST_OVERDUE + 1) + [200]
