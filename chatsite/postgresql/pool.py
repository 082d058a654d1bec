"""The connections of this process to Postgres: at most so many, and passed from thread to thread.

psycopg's own pool waits for its time-out where the database refuses connections, and tries again ever more rarely;
this site must tell within seconds, and be back within seconds. So there is no thread here that connects: whoever needs
a connection opens it, and hears at once why that failed.
"""

from __future__ import annotations

import select
import threading
import time
import weakref
from collections.abc import Callable

import psycopg
from psycopg.pq import TransactionStatus

PATIENCE = 3.0  # seconds to wait for a connection that somebody else holds
KEPT = 2.0  # seconds; in between jobs follow one another, and connecting costs more than most of them


class Pool:
    """What Django expects of a pool: open, getconn, putconn and close. Synchronous, for many threads."""

    def __init__(self, most: int, connect: Callable[[], psycopg.Connection]) -> None:
        self._most = most
        self._connect = connect
        self._count = 0  # in use or idle
        self._idle: list[tuple[float, psycopg.Connection]] = []  # and since when, the newest last
        self._changed = threading.Condition()
        self._is_open = True

    def open(self) -> None:
        """Connections are opened when they are needed."""

    def getconn(self) -> psycopg.Connection:
        """Raises OperationalError: what connecting raises, or that none became free within PATIENCE."""
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: self._idle or self._count < self._most, PATIENCE):
                    raise psycopg.OperationalError("All connections of this process to the database are in use.")
                if not self._idle:
                    self._count += 1
                    break
                _, connection = self._idle.pop()
            if _is_alive(connection):
                return connection
            self._drop(connection)
        return self._opened()

    def putconn(self, connection: psycopg.Connection) -> None:
        """Keep it for whoever comes next, unless something is wrong with it."""
        if self._is_open and connection.info.transaction_status == TransactionStatus.IDLE:
            with self._changed:
                self._idle.append((time.monotonic(), connection))
                self._changed.notify()
        else:
            self._drop(connection)
        self._drop_idle(before=time.monotonic() - KEPT)

    def close(self) -> None:
        self._is_open = False
        self._drop_idle(before=time.monotonic() + 1)

    def _opened(self) -> psycopg.Connection:
        try:
            connection = self._connect()
        except BaseException:
            self._forget_one()
            raise
        connection._pool = self  # where Django gives it back
        # A thread may end without giving back what it took: then it no longer counts when it is collected.
        connection._forget = weakref.finalize(connection, self._forget_one)
        return connection

    def _drop_idle(self, *, before: float) -> None:
        with self._changed:
            old = [connection for since, connection in self._idle if since < before]
            self._idle = [(since, connection) for since, connection in self._idle if since >= before]
        for connection in old:
            self._drop(connection)

    @staticmethod
    def _drop(connection: psycopg.Connection) -> None:
        connection.close()
        connection._forget()

    def _forget_one(self) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify()


def _is_alive(connection: psycopg.Connection) -> bool:
    """Not closed, as far as this side knows: an idle server says nothing but goodbye."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)
