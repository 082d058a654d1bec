"""Postgres, never with more connections than OPTIONS["max_connections"] per process.

Under ASGI each request has a thread of its own and each thread a connection of its own, so a burst of two hundred
requests would ask Postgres for two hundred. Small plans allow twenty, Postgres itself a hundred, and whoever comes
later is refused. Here the threads wait for each other instead. A pool would bound them as well, but psycopg's answers
only after its time-out where the database refuses connections, and this site must tell within seconds.
"""

from __future__ import annotations

import threading
import weakref
from functools import cache
from typing import Any

from django.db import OperationalError
from django.db.backends.postgresql import base

from chatsite.postgresql.hanging import Driver

PATIENCE = 5.0  # seconds to wait for a connection that somebody else holds


@cache
def _slots(alias: str, count: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(count)


class DatabaseWrapper(base.DatabaseWrapper):
    Database = Driver()

    def __init__(self, settings_dict: dict[str, Any], *args, **kwargs) -> None:
        super().__init__(settings_dict, *args, **kwargs)
        self._release = _nothing_held

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        params.pop("max_connections", None)
        return params

    def get_new_connection(self, conn_params: dict[str, Any]):
        """Raises OperationalError if no connection becomes free within PATIENCE."""
        slots = _slots(self.alias, self.settings_dict["OPTIONS"]["max_connections"])
        if not slots.acquire(timeout=PATIENCE):
            raise OperationalError("All connections of this process to the database are in use.")
        try:
            connection = super().get_new_connection(conn_params)
        except BaseException:
            slots.release()
            raise
        # A thread may end without closing what it opened: then the slot is free when its connection is collected.
        self._release = weakref.finalize(connection, slots.release)
        return connection

    def _close(self) -> None:
        try:
            super()._close()
        finally:
            self._release()
            self._release = _nothing_held


def _nothing_held() -> None:
    pass
