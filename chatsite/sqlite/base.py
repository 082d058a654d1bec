"""SQLite, its connections passed from thread to thread.

Under ASGI each request that needs the database has a thread of its own, for which Django opens a connection: it
registers sixty functions, runs six statements and reads the schema, 2 ms, more than a page's queries take together.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from typing import Any

from django.db.backends.sqlite3 import base

KEPT = 4  # idle connections; a process seldom answers more pages at once, and each holds files open
Place = tuple[str, int, int]  # of the file, which may be another by the time a connection is taken


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._cursors: weakref.WeakSet[sqlite3.Cursor] = weakref.WeakSet()
        self._place: Place | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        self._place = _place(conn_params["database"])  # by the time it is closed another file may stand there
        return _idle.take(self._place) or super().get_new_connection(conn_params)

    def create_cursor(self, name: str | None = None) -> sqlite3.Cursor:
        cursor = super().create_cursor(name)
        self._cursors.add(cursor)
        return cursor

    def _close(self) -> None:
        place = self._place
        for cursor in list(self._cursors):
            cursor.close()  # one that was not read to its end would show the next request what was true then
        self._cursors.clear()  # who was caught in a traceback lives on, and cannot be closed once more without error
        if place is None or self.errors_occurred or not _is_as_new(self.connection):
            super()._close()
        else:
            _idle.put(place, self.connection)


class Idle:
    """Connections that nobody uses, the last one used first."""

    def __init__(self) -> None:
        self._kept: list[tuple[Place, sqlite3.Connection]] = []
        self._inherited: list[Any] = []
        self._lock = threading.Lock()

    def take(self, place: Place | None) -> sqlite3.Connection | None:
        while place:
            with self._lock:
                if not self._kept:
                    return None
                found, connection = self._kept.pop()
            if found == place:
                return connection
            connection.close()
        return None

    def put(self, place: Place, connection: sqlite3.Connection) -> None:
        with self._lock:
            if len(self._kept) < KEPT:
                self._kept.append((place, connection))
                return
        connection.close()

    def leave(self) -> None:
        """In a process that was forked: SQLite forbids it to use or to close what the other one opened."""
        self._inherited.append(self._kept)
        self._kept, self._lock = [], threading.Lock()


_idle = Idle()
os.register_at_fork(after_in_child=_idle.leave)


def _place(path: Any) -> Place | None:
    """None for what is no file."""
    try:
        found = os.stat(path)
    except (OSError, TypeError, ValueError):
        return None
    return str(path), found.st_dev, found.st_ino


def _is_as_new(connection: sqlite3.Connection) -> bool:
    """Whether it stands between transactions, and checks foreign keys."""
    if connection.in_transaction or connection.isolation_level is not None:
        return False
    return connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
