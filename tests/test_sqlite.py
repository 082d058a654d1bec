"""Connections to SQLite that are passed on: only as good as new, and never to another file or process."""

from __future__ import annotations

import os
import signal

import pytest
from django.db import ConnectionHandler

from chatsite.settings import SQLITE_OPTIONS
from chatsite.sqlite import base

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Opens connections to a database of one table, whose threads may be any."""
    monkeypatch.setattr(base, "_idle", base.Idle())
    path = tmp_path / "database.sqlite3"

    def open_one():
        options = {"ENGINE": "chatsite.sqlite", "NAME": path, "OPTIONS": SQLITE_OPTIONS}
        connection = ConnectionHandler({"default": options}).create_connection("default")
        connection.connect()
        return connection

    ask(open_one(), "CREATE TABLE said (text)")
    yield open_one
    while kept := base._idle.take(base._place(path)):
        kept.close()


def ask(connection, question: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchall()


def closed(connection):
    """What was beneath it."""
    beneath = connection.connection
    connection.close()
    return beneath


def test_the_next_request_gets_the_connection_of_the_last(opened):
    first = closed(opened())
    assert opened().connection is first


def test_two_requests_at_once_have_one_each(opened):
    assert opened().connection is not opened().connection


@pytest.mark.parametrize("left", ["BEGIN", "PRAGMA foreign_keys = OFF"])
def test_what_is_not_as_it_was_opened_is_not_passed_on(opened, left):
    connection = opened()
    ask(connection, left)
    beneath = closed(connection)
    following = opened()
    assert following.connection is not beneath
    assert ask(following, "PRAGMA foreign_keys") == [(1,)]
    ask(following, "BEGIN IMMEDIATE")  # nobody holds a lock


def test_after_an_error_it_is_not_passed_on(opened):
    connection = opened()
    connection.errors_occurred = True
    beneath = closed(connection)
    assert opened().connection is not beneath


def test_an_answer_that_was_not_read_to_its_end_does_not_hide_what_was_said_since(opened):
    connection = opened()
    ask(connection, "INSERT INTO said VALUES ('one'), ('two')")
    half_read = connection.cursor()
    half_read.execute("SELECT text FROM said")
    assert half_read.fetchone() == ("one",)
    beneath = closed(connection)
    other, following = None, opened()
    assert following.connection is beneath
    other = opened()
    ask(other, "INSERT INTO said VALUES ('three')")
    assert ask(following, "SELECT count(*) FROM said") == [(3,)]


def test_a_file_that_was_replaced_is_opened_anew(opened, tmp_path):
    connection = opened()
    path = connection.settings_dict["NAME"]
    closed(connection)
    for beside in tmp_path.iterdir():
        if beside != path:
            beside.unlink()
    (tmp_path / "backup").write_bytes(b"")
    (tmp_path / "backup").replace(path)
    assert ask(opened(), "SELECT count(*) FROM sqlite_master") == [(0,)]


def test_a_file_that_is_replaced_while_a_request_runs_is_not_written_where_nobody_finds_it(opened, tmp_path):
    connection = opened()
    path = connection.settings_dict["NAME"]
    for beside in tmp_path.iterdir():
        if beside != path:
            beside.unlink()
    (tmp_path / "backup").write_bytes(b"")
    (tmp_path / "backup").replace(path)
    closed(connection)
    assert ask(opened(), "SELECT count(*) FROM sqlite_master") == [(0,)]


def test_a_cursor_that_outlives_an_error_spoils_nothing_for_who_comes_next(opened):
    connection = opened()
    held = connection.cursor()  # as the traceback of an exception holds one
    held.execute("SELECT 1")
    connection.errors_occurred = True
    connection.close()
    connection.connect()
    beneath = closed(connection)
    assert held is not None
    assert opened().connection is beneath


def test_so_many_are_kept_and_no_more(opened):
    connections = [opened() for _ in range(base.KEPT + 3)]
    for connection in connections:
        connection.close()
    assert len(base._idle._kept) == base.KEPT


def test_a_process_that_was_forked_opens_its_own(opened):
    beneath = closed(opened())
    child = os.fork()
    if child == 0:
        base._idle.leave()  # what at_fork calls is the site's own, not this test's
        os._exit(17 if opened().connection is not beneath else 1)
    _pid, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 17, signal.strsignal(status & 127)
    assert opened().connection is beneath
