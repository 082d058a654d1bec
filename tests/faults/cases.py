"""On what the site stands while its processes fall: a database, a store, one process or two, with Redis or without."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import s3_server
from tests.postgres import postgres_url
from tests.redis_server import program, serve_redis


@dataclass(frozen=True)
class Case:
    database: str  # SQLite or Postgres
    store: str = "database"  # or S3
    processes: int = 1
    redis: bool = False

    def __str__(self) -> str:
        ways = f"{self.processes} processes, {'Redis' if self.redis else 'no Redis'}"
        return f"{self.database}, {self.store} store, {ways if self.processes > 1 else '1 process'}"


CASES = (
    Case("SQLite"),
    Case("SQLite", processes=2),
    Case("SQLite", "S3"),
    Case("Postgres"),
    Case("Postgres", processes=2),
    Case("Postgres", processes=2, redis=True),
    Case("Postgres", "S3", processes=2, redis=True),
)


def is_possible(case: Case) -> bool:
    return not case.redis or program() is not None


@contextmanager
def standing(case: Case, folder: Path) -> Iterator[dict[str, str]]:
    """The variables by which a site finds what the case asks for. An SQLite file is the site's own affair.

    `folder` is where an embedded Postgres of its own may keep its data.
    """
    with ExitStack() as stack:
        variables: dict[str, str] = {}
        if case.database == "Postgres":
            variables["DATABASE_URL"] = stack.enter_context(postgres_database(folder))
        if case.store == "S3":
            variables |= s3_server.environment(s3_server.new_bucket(stack.enter_context(s3_server.s3_server())))
        if case.redis:
            variables["REDIS_URL"] = stack.enter_context(serve_redis()).url
        yield variables


@contextmanager
def postgres_database(folder: Path) -> Iterator[str]:
    """A fresh database: on the server of DATABASE_URL where the tests run on one, else on an embedded one."""
    given = os.environ.get("DATABASE_URL", "")
    with ExitStack() as stack:
        url = given if given.startswith("postgres") else stack.enter_context(postgres_url(folder))
        import psycopg
        from psycopg.conninfo import conninfo_to_dict

        admin = stack.enter_context(psycopg.connect(url, autocommit=True))
        name = f"faults_{uuid.uuid4().hex[:12]}"
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield url.replace(f"/{conninfo_to_dict(url)['dbname']}", f"/{name}", 1)
        finally:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
