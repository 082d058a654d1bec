"""Django's database backend for SQLite, its connections passed on: see base.py. And one that stays open."""

from __future__ import annotations

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper


def hold_open() -> BaseDatabaseWrapper | None:
    """A connection that stays, for SQLite; close it at the end. Raises DatabaseError.

    Whoever closes the last connection merges the write-ahead log into the database and waits for the disk. Ours are
    opened and closed per job, so nearly each would be the last: a write took 10 ms, with this one open it takes 1.
    """
    if connections["default"].vendor != "sqlite":
        return None
    held = connections.create_connection("default")
    held.inc_thread_sharing()
    with held.cursor() as cursor:
        cursor.execute("SELECT 1 FROM sqlite_master")  # only who has read takes part in the log
        cursor.fetchall()
    return held
