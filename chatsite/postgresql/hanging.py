"""A Postgres that does not answer: each statement has a time limit of its own, kept by the client.

libpq waits for as long as the connection stands, and a stopped server or a lost route leaves it standing: then each
request would hold its thread for good. The server's own statement_timeout is no help, for that server does not answer.
"""

from __future__ import annotations

import time
import traceback
from typing import Any

import psycopg
from django.conf import settings
from psycopg.errors import ConnectionTimeout, _WaitTimeout

from chatsite import postgresql
from conversations.outage import Outage

outage = Outage("Postgres")


class Connection(psycopg.Connection):
    def wait(self, gen, *args: Any, timeout: float | None = None, **kwargs: Any):
        """Raises OperationalError after DATABASE_PATIENCE seconds, in a process that serves.

        The connection is closed then: what became of the statement is unknown, and its answer may still come.
        """
        limit = timeout or (settings.DATABASE_PATIENCE if postgresql.is_serving else None)
        asked = time.monotonic()
        try:
            answer = super().wait(gen, *args, timeout=limit, **kwargs)
        except _WaitTimeout:
            self.pgconn.finish()
            outage.began(asked)
            raise psycopg.OperationalError("The database did not answer in time.") from None
        outage.ended()  # also where no connection is made: others wait to make theirs
        return answer


class Driver:
    """psycopg as Django knows it, with connections of this module."""

    @staticmethod
    def connect(**parameters: Any) -> Connection:
        """Raises OperationalError, at once while Postgres is known to hang."""
        if not outage.lets_pass():
            raise psycopg.OperationalError("The database did not answer a moment ago.")
        asked = time.monotonic()
        try:
            connection = Connection.connect(**parameters)
        except ConnectionTimeout as error:
            outage.began(asked)
            # Its frames hold the socket, in a circle that only the garbage collector would open.
            traceback.clear_frames(error.__traceback__)
            raise
        except psycopg.Error:  # refused, say: nobody had to wait
            outage.ended()
            raise
        outage.ended()
        return connection

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)
