"""How long people wait while the database, S3 or Redis is cut off or hangs, and how long after.

    python -m bench.outages              all
    python -m bench.outages postgres     only these: postgres s3 redis

The site runs as the Procfile says, with production settings, on a real Postgres, an S3 server and redis-server, each
behind a cable (tests/faults/cable.py). PEOPLE ask for pages, send messages and log in all the time; the table holds the
slowest answer during an outage of OUTAGE seconds, what was answered, and the time from healing until everything that
is asked for is answered as before. Needs what the tests need; nothing outside this machine is contacted.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench.measures import procfile
from tests.faults.cable import Cable
from tests.postgres import postgres_url
from tests.redis_server import serve_redis
from tests.s3_server import environment as s3_environment
from tests.s3_server import new_bucket, s3_server
from tests.serving import Served, Visitor, free_port, manage, production, started

PEOPLE = 8
OUTAGE = 10.0  # seconds
PAUSE = 1.0  # seconds between what one person does
LIMIT = 5.0  # seconds, for an answer and for the return
TOKEN = "t" * 32  # a form token is a cookie and a field that agree
PASSWORD = "correct horse battery"
FAULTS = {"heal": "no outage", "cut": "cut off", "hang": "hangs"}
NORMAL = {200, 302, 303, 429}  # 429: the person's two replies are still being written


@dataclass
class Person:
    """Somebody who does one thing after the other, and how long each took."""

    port: int
    cookie: str
    logs_in: bool  # one of them does: more from one address than 30 a minute are refused
    chat: str = ""
    answers: list[tuple[float, float, int, str]] = field(default_factory=list)  # when begun, seconds, status, what

    def visitor(self) -> Visitor:
        name, value = self.cookie.split("=", 1)
        return Visitor(self.port, cookies={name: value, "csrftoken": TOKEN})

    def begin(self) -> None:
        """Have a chat to come back to."""
        answer = self._send("/send/")
        self.chat = urlsplit(answer.headers["location"]).path

    def live(self, is_over: threading.Event) -> None:
        acts: list[tuple[str, Callable]] = [
            ("new chat", lambda: self.visitor().get("/")),
            ("chat", lambda: self.visitor().get(self.chat)),
            ("send", lambda: self._send("/send/")),
        ]
        if self.logs_in:
            acts.append(("log in", self._log_in))
        while not is_over.is_set():
            for name, act in acts:
                began = time.monotonic()
                status = act().status
                self.answers.append((began, time.monotonic() - began, status, name))
                time.sleep(PAUSE)

    def _send(self, path: str):
        return self.visitor().post(path, {"csrfmiddlewaretoken": TOKEN, "content": "What can this site do?"})

    def _log_in(self):
        form = {"csrfmiddlewaretoken": TOKEN, "login": "root", "password": PASSWORD}
        return Visitor(self.port, cookies={"csrftoken": TOKEN}).post("/accounts/login/", form)


@contextmanager
def services() -> Iterator[dict[str, tuple[Cable, dict[str, str]]]]:
    """Each service's cable, and the variables by which the site finds it at the cable's end."""
    with ExitStack() as stack:
        url = urlsplit(stack.enter_context(postgres_url()))
        folder = url.query.removeprefix("host=")  # the embedded server listens on a socket there
        upstream = f"{folder}/.s.PGSQL.5432" if folder else (url.hostname, url.port or 5432)
        postgres = stack.enter_context(Cable(upstream))
        person = f"{url.username or ''}:{url.password or ''}"
        database = f"postgres://{person}@127.0.0.1:{postgres.port}{url.path}"
        options = new_bucket(stack.enter_context(s3_server()))
        s3 = stack.enter_context(Cable(("127.0.0.1", urlsplit(options["endpoint_url"]).port)))
        redis = stack.enter_context(Cable(("127.0.0.1", stack.enter_context(serve_redis()).port)))
        yield {
            "postgres": (postgres, {"DATABASE_URL": database}),
            "s3": (s3, s3_environment(options | {"endpoint_url": f"http://127.0.0.1:{s3.port}"})),
            "redis": (redis, {"REDIS_URL": f"redis://127.0.0.1:{redis.port}/0"}),
        }


@contextmanager
def site(folder: Path, variables: dict[str, str]) -> Iterator[tuple[Served, list[Person]]]:
    port = free_port()
    root = {f"DJANGO_SUPERUSER_{name}": value for name, value in {"USERNAME": "root", "PASSWORD": PASSWORD}.items()}
    env = production(folder, HTTPS="0") | variables | {"PORT": str(port)} | root | {"DJANGO_SUPERUSER_EMAIL": "r@e.org"}
    manage(env, "migrate", "--verbosity", "0")
    manage(env, "collectstatic", "--noinput", "--verbosity", "0")
    manage(env, "createsuperuser", "--noinput", "--verbosity", "0")
    cookies = manage(env, "make_sessions", str(PEOPLE)).split()
    with started(procfile("web"), env, folder, port) as served:
        served.wait_until_up()
        people = [Person(port, cookie, logs_in=cookie == cookies[0]) for cookie in cookies]
        for person in people:
            person.begin()
        yield served, people


def suffer(cable: Cable, fault: str, people: list[Person]) -> tuple[float, Counter, float]:
    """The slowest answer during the outage, what was answered, and the seconds until all was normal again."""
    is_over = threading.Event()
    for person in people:
        person.answers.clear()
    threads = [threading.Thread(target=person.live, args=(is_over,)) for person in people]
    for thread in threads:
        thread.start()
    time.sleep(2)
    began = time.monotonic()
    getattr(cable, fault)()
    time.sleep(OUTAGE)
    cable.heal()
    healed = time.monotonic()
    time.sleep(2 * LIMIT)
    is_over.set()
    for thread in threads:
        thread.join()
    answers = [answer for person in people for answer in person.answers]
    during = [answer for answer in answers if began - LIMIT < answer[0] < healed and answer[0] + answer[1] > began]
    abnormal = [at + took for at, took, status, _ in answers if at + took > healed and status not in NORMAL]
    return (
        max(took for _, took, _, _ in during),
        Counter((name, status) for _, _, status, name in during),
        max(0.0, max(abnormal, default=healed) - healed),
    )


def told(counts: Counter) -> str:
    names = sorted({name for name, _ in counts})
    return "; ".join(
        f"{name} " + " ".join(f"{status}×{count}" for (of, status), count in sorted(counts.items()) if of == name)
        for name in names
    )


def main(arguments: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")  # the store's client asks for some
    parser = argparse.ArgumentParser(prog="python -m bench.outages", description=__doc__)
    parser.add_argument("services", nargs="*", help="postgres s3 redis")
    wanted = parser.parse_args(arguments).services
    kept = True
    print(
        f"| outage of {OUTAGE:g} s, {PEOPLE} people | slowest answer (≤ {LIMIT:g} s) | normal after (≤ {LIMIT:g} s) | |"
    )
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, services() as known:
        variables = {name: value for _, found in known.values() for name, value in found.items()}
        with site(Path(folder), variables) as (_served, people):
            for name in wanted or known:
                for fault in ("heal", "cut", "hang"):  # "heal": nothing happens, for comparison
                    slowest, counts, back = suffer(known[name][0], fault, people)
                    kept = kept and slowest <= LIMIT and back <= LIMIT
                    print(f"| {name}: {FAULTS[fault]} | {slowest:.1f} s | {back:.1f} s | {told(counts)} |", flush=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
