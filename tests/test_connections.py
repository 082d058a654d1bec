"""Two hundred people at once, and how little of the database and of the process they hold."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest
from asgiref.sync import SyncToAsync
from django.db import connection, connections

from conversations.models import Generation
from conversations.streaming.executors import DATABASE_THREADS, STORE_THREADS
from tests.crowd import Person, cookies, crowd, read_until
from tests.helpers import Gate

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 200
AT_ONCE = 40  # that come in the same moment
MOST_CONNECTIONS = 15
OTHERS = "WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
FEW = 4  # for a clock and an outbox at work


class Observer:
    """Counts the server's connections to this database, but its own, from a connection that no Django knows."""

    def __init__(self, parameters: dict) -> None:
        import psycopg

        self._connection = psycopg.connect(**parameters, autocommit=True)
        self._lock = threading.Lock()
        self.most = 0

    def look(self) -> int:
        with self._lock:
            return self._look()

    def _look(self) -> int:
        count = self._connection.execute(f"SELECT count(*) FROM pg_stat_activity {OTHERS}").fetchone()[0]
        self.most = max(self.most, count)
        return count

    async def look_for_a_while(self) -> int:
        """What there is once those that many requests have needed are no longer kept for others."""
        for _ in range(100):
            seen = await asyncio.to_thread(self.look)
            if seen <= FEW:
                break
            await asyncio.sleep(0.1)
        return seen

    async def keep_looking(self) -> None:
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(0.005)

    def told(self) -> str:
        """What each of them did last: whoever holds one too many can be found by it."""
        rows = self._connection.execute(f"SELECT state, state_change, query FROM pg_stat_activity {OTHERS}").fetchall()
        return "\n".join(map(str, rows))

    def close_all(self) -> None:
        """Let the server close what it counts; first what other tests left open in the thread that they share."""
        SyncToAsync.single_thread_executor.submit(connections.close_all).result(30)
        self._connection.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity {OTHERS}")

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


class Audience:
    """So many people, each with a reply that is being written and a stream of it that is being read."""

    def __init__(self, site: str, scripted, people: list[str]) -> None:
        self._site = site
        self._people = people
        self._gate = Gate()
        for _ in people:
            scripted.enqueue("Good ", self._gate.wait, "morning")

    async def gather(self, look: Callable[[], Awaitable[int]]) -> int:
        """What `look` sees while all of them read. Then the replies go on, and all are read to the end."""
        doors, arrived, leave = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(0), asyncio.Event()
        async with crowd(self._site, self._people) as everybody, asyncio.TaskGroup() as visits:
            for person in everybody:
                visits.create_task(self._take_part(person, doors, arrived, leave))
            for _ in everybody:
                await arrived.acquire()
            seen = await look()
            leave.set()
            self._gate.open()
        return seen

    @staticmethod
    async def _take_part(
        person: Person, doors: asyncio.Semaphore, arrived: asyncio.Semaphore, leave: asyncio.Event
    ) -> None:
        await doors.acquire()
        async with person.follow(await person.send("Hello")) as answer:
            await read_until(answer.content, b"Good")
            doors.release()
            arrived.release()
            await leave.wait()
            await read_until(answer.content, b"event: done")


@pytest.mark.postgres
def test_two_hundred_live_replies_hold_no_connections(site, scripted):
    if connection.vendor != "postgresql":
        pytest.skip("Counts Postgres' connections: python -m tests.postgres -- python -m pytest …")
    scripted.is_language_model = False  # no titles
    audience = Audience(site, scripted, cookies(PEOPLE))

    async def visit(observer: Observer) -> int:
        looking = asyncio.create_task(observer.keep_looking())
        seen = await audience.gather(observer.look_for_a_while)
        looking.cancel()
        return seen

    with observed() as observer:
        observer.close_all()  # of tests before this one
        during = asyncio.run(visit(observer))
        told = observer.told()
    assert during <= FEW, told
    assert observer.most <= MOST_CONNECTIONS
    assert set(Generation.objects.values_list("status", flat=True)) == {"completed"}


@pytest.mark.postgres
def test_a_rush_of_pages_waits_for_connections_instead_of_opening_one_each(site):
    if connection.vendor != "postgresql":
        pytest.skip("Counts Postgres' connections: python -m tests.postgres -- python -m pytest …")
    people = cookies(AT_ONCE)

    async def visit(observer: Observer) -> set[int]:
        looking = asyncio.create_task(observer.keep_looking())
        async with crowd(site, people) as everybody:
            statuses = await asyncio.gather(*(person.open_page() for person in everybody))
        looking.cancel()
        return set(statuses)

    with observed() as observer:
        assert asyncio.run(visit(observer)) == {200}
    assert observer.most <= MOST_CONNECTIONS


@pytest.mark.postgres
def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again():
    if connection.vendor != "postgresql":
        pytest.skip("Postgres alone keeps connections for others.")
    assert not Generation.objects.exists()
    with observed() as observer:  # gives the test's own connection back
        assert observer.look() > 0
        observer.close_all()
        assert not Generation.objects.exists()


def test_streams_and_replies_hold_no_threads(site, scripted):
    people, bounded = 30, DATABASE_THREADS + STORE_THREADS

    async def threads() -> int:
        return threading.active_count()

    before = threading.active_count()
    during = asyncio.run(Audience(site, scripted, cookies(people)).gather(threads))
    assert during - before <= bounded + people // 4  # uvloop's own and those that have just done their work
