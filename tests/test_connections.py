"""Two hundred people at once, and how little of the database and of the process they hold."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from conversations.models import Generation
from tests.crowd import Person, cookies, crowd, read_until

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 200
MOST_CONNECTIONS = 15


class Gate:
    """Holds replies until it is opened, from whatever thread."""

    def __init__(self) -> None:
        self._open = threading.Event()

    async def wait(self) -> None:
        while not self._open.is_set():
            await asyncio.sleep(0.01)

    def open(self) -> None:
        self._open.set()


class Observer:
    """Counts the server's connections to this database, but its own, from a connection that no Django knows."""

    def __init__(self, parameters: dict) -> None:
        import psycopg

        self._connection = psycopg.connect(**parameters, autocommit=True)
        self.most = 0

    def look(self) -> int:
        sql = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        count = self._connection.execute(sql).fetchone()[0]
        self.most = max(self.most, count)
        return count

    async def keep_looking(self) -> None:
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(0.005)

    def close(self) -> None:
        self._connection.close()


@contextmanager
def observed() -> Iterator[Observer]:
    parameters = connection.get_connection_params()
    names = {"host", "port", "user", "password", "dbname"}
    observer = Observer({name: value for name, value in parameters.items() if name in names})
    connection.close()  # the test's own
    try:
        yield observer
    finally:
        observer.close()


@pytest.mark.postgres
def test_two_hundred_live_replies_hold_no_connections(site, scripted):
    if connection.vendor != "postgresql":
        pytest.skip("Counts Postgres' connections: python -m tests.postgres -- python -m pytest …")
    gate = Gate()
    for _ in range(PEOPLE):
        scripted.enqueue("Good ", gate.wait, "morning")
    people = cookies(PEOPLE)

    async def take_part(person: Person, arrived: asyncio.Semaphore, leave: asyncio.Event) -> None:
        async with person.follow(await person.send("Hello")) as answer:
            await read_until(answer.content, b"Good")
            arrived.release()
            await leave.wait()
            await read_until(answer.content, b"event: done")

    async def visit(observer: Observer) -> int:
        looking = asyncio.create_task(observer.keep_looking())
        arrived, leave = asyncio.Semaphore(0), asyncio.Event()
        async with crowd(site, people) as crowd_, asyncio.TaskGroup() as visits:
            for person in crowd_:
                visits.create_task(take_part(person, arrived, leave))
            for _ in range(PEOPLE):
                await arrived.acquire()
            await asyncio.sleep(0.3)  # several ticks of the clock
            during = await asyncio.to_thread(observer.look)
            leave.set()
            gate.open()
        looking.cancel()
        return during

    with observed() as observer:
        during = asyncio.run(visit(observer))
    assert during <= 4  # a clock and an outbox at work
    assert observer.most <= MOST_CONNECTIONS
    assert set(Generation.objects.values_list("status", flat=True)) == {"completed"}
