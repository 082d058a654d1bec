"""Two server processes over one database, as a visitor meets them: whichever answers, the reply is the same."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.redis_server import MISSING, program, serve_redis
from tests.serving import Served, Visitor, environment, free_port, manage, started
from tests.test_deploy import follow_address, send
from tests.upstream import Upstream

PASSWORD = "correct horse battery"
SERVE = [sys.executable, "-m", "uvicorn", "chatsite.asgi:application", "--log-level", "warning", "--port"]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module", params=["with Redis", "without Redis"])
def sites(request, tmp_path_factory, upstream) -> Iterator[tuple[Served, Served]]:
    """Two processes that share nothing but the database, and Redis or not."""
    folder = tmp_path_factory.mktemp("site")
    given = os.environ.get("DATABASE_URL", "")
    database = given if given.startswith("postgres") else f"sqlite:///{folder / 'site.sqlite3'}"
    env = environment(DATABASE_URL=database, OPENAI_BASE_URL=upstream.url, OPENAI_MODELS="test")
    with ExitStack() as stack:
        if request.param == "with Redis":
            if program() is None:
                pytest.skip(MISSING)
            env["REDIS_URL"] = stack.enter_context(serve_redis()).url
        manage(env, "migrate", "--verbosity", "0")
        name = f"alice-{'r' if 'REDIS_URL' in env else 'n'}"
        secret = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
        manage(env | secret, "createsuperuser", "--noinput", "--username", name, "--email", f"{name}@example.com")
        ports = [free_port(), free_port()]
        running = [stack.enter_context(started([*SERVE, str(port)], env, folder, port)) for port in ports]
        for site in running:
            site.wait_until_up()
            site.member = name
        yield tuple(running)


@pytest.fixture
def visitors(sites, db) -> tuple[Visitor, Visitor]:
    """One person, one session, a tab at each process. (`db`, so that --database-only takes it to Postgres.)"""
    here = Visitor(sites[0].port)
    assert here.log_in(sites[0].member, PASSWORD).status == 302
    return here, Visitor(sites[1].port, cookies=here.cookies)


def text_of(events, until: str) -> str:
    """What a page shows once `until` is there."""
    shown = ""
    for name, data in events:
        shown += data.get("text", "") if name == "delta" else re.sub("<[^>]+>", "", data.get("html", ""))
        shown += data.get("tail", "")
        if until in shown:
            return shown
    raise AssertionError(f"{until!r} never came, only {shown!r}")


def rest_of(events) -> tuple[str, str]:
    """The outcome and the title that come after it."""
    status = title = ""
    for name, data in events:
        status = data["status"] if name == "done" else status
        title = data["title"] if name == "title" else title
    return status, title


def test_a_message_sent_at_one_is_followed_live_at_the_other(visitors, upstream):
    here, there = visitors
    gate = threading.Event()
    upstream.enqueue("One half", gate, " and the other")
    upstream.enqueue("Two Halves")
    address = follow_address(send(here, "Hi"))
    events = there.events(address)
    text_of(events, "half")
    gate.set()  # the model says the rest only now that the first half was read
    assert rest_of(events) == ("completed", "Two Halves")


def test_a_reload_in_mid_reply_goes_on_at_either(visitors, upstream):
    here, there = visitors
    gate = threading.Event()
    upstream.enqueue("Some words", gate, " more")
    fragment = send(here, "Hi")
    address, page = follow_address(fragment), re.search(r'data-url="([^"]+)"', fragment)[1]
    first = here.events(address)
    text_of(first, "words")
    tabs = [visitor.events(follow_address(visitor.get(page).text)) for visitor in (here, there, there)]
    for events in tabs:
        text_of(events, "words")
    gate.set()
    assert {rest_of(events)[0] for events in [first, *tabs]} == {"completed"}
    for visitor in visitors:
        assert "Some words more" in visitor.get(page).text


def test_a_reader_who_lost_one_process_goes_on_at_the_other_where_it_was(visitors, upstream):
    here, there = visitors
    gate = threading.Event()
    upstream.enqueue("The beginning", gate, " and the end")
    address = follow_address(send(here, "Hi"))
    response = here.open("GET", address)
    seen = next(line.decode().removeprefix("id: ").strip() for line in response if line.startswith(b"id: "))
    response.close()
    gate.set()
    events = list(there.events(address, **{"Last-Event-ID": seen}))
    assert rest_of(events)[0] == "completed"
    assert "beginning" not in "".join(data["text"] for name, data in events if name == "delta")
