"""Proxies between readers and the site: none cuts a stream, none holds one back, none compresses one."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import chatsite.settings as site_settings
from tests.crowd import Person, cookies, crowd, read_until
from tests.faults.heroku import IDLE, HerokuRouter
from tests.reading import Page
from tests.serving import environment, free_port, started

pytestmark = pytest.mark.django_db(transaction=True)
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
SCALE = 25  # by which the limits of proxies and the site's own intervals are shortened alike
BEAT = b": keep-alive"
# nginx as it comes, which speaks HTTP/1.0 to the site, buffers answers and gives up after a minute. Somebody has told
# it to compress everything.
ORDINARY_NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr warn;
events {{ worker_connections 64; }}
http {{
  access_log off; gzip on; gzip_types *; gzip_proxied any; gzip_min_length 1;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {site};
      proxy_set_header Host 127.0.0.1;
      proxy_read_timeout {patience}ms;
    }}
  }}
}}
"""


@contextmanager
def heroku(site: str, folder: Path) -> Iterator[str]:
    with HerokuRouter(urlsplit(site).port, scale=SCALE) as router:
        yield router.address
        assert router.errors == []


@contextmanager
def nginx(site: str, folder: Path) -> Iterator[str]:
    if NGINX is None:
        pytest.skip("Install nginx to see the site behind it.")
    port, file = free_port(), folder / "nginx.conf"
    text = ORDINARY_NGINX.format(folder=folder, site=site, port=port, patience=60_000 // SCALE)
    file.write_text(text, encoding="utf-8")
    with started([NGINX, "-e", "stderr", "-c", str(file)], environment(), folder, port) as process:
        process.wait_until_up()
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(params=[heroku, nginx], ids=["heroku", "nginx"])
def proxy(site, settings, request, tmp_path) -> Iterator[str]:
    """The site's address behind a proxy, all intervals in the proportions that they have in production."""
    settings.CHAT_HEARTBEAT_INTERVAL = site_settings.CHAT_HEARTBEAT_INTERVAL / SCALE
    settings.CHAT_SESSION_CHECK_INTERVAL = site_settings.CHAT_SESSION_CHECK_INTERVAL / SCALE
    with request.param(site, tmp_path) as address:
        yield address


class Gate:
    """Holds a model until the test, in another thread, opens it."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.open = self._event.set

    async def wait(self) -> None:
        while not self._event.is_set():
            await asyncio.sleep(0.01)


def visit(address: str, people: list[str], stay) -> None:
    """Let a signed-in person do something: `stay` is a coroutine function of a Person."""

    async def come() -> None:
        async with crowd(address, people) as (person,):
            await stay(person)

    asyncio.run(come())


def test_heartbeats_come_within_fifteen_seconds_whatever_the_moment():
    # A look each CHECK_INTERVAL finds whoever has heard nothing for HEARTBEAT_INTERVAL.
    longest = site_settings.CHAT_HEARTBEAT_INTERVAL + site_settings.CHAT_SESSION_CHECK_INTERVAL
    assert longest < 15 < IDLE


def test_a_model_that_thinks_for_longer_than_a_proxy_waits_is_still_heard(proxy, scripted):
    gate, people = Gate(), cookies(1)
    scripted.enqueue(gate.wait, "At last.")
    beats_in_idle_limit = int(60 / site_settings.CHAT_HEARTBEAT_INTERVAL) + 1

    async def stay(person: Person) -> None:
        path = await person.send("Think hard")  # answered at once, though the model says nothing
        async with person.follow(path) as answer:
            for _ in range(beats_in_idle_limit):
                await read_until(answer.content, BEAT)
            gate.open()
            page = Page().take(await answer.content.read())
        assert (page.text, page.status) == ("At last.", "completed")

    visit(proxy, people, stay)


def test_a_reply_passes_while_it_is_being_written(proxy, scripted):
    gates, people = [Gate(), Gate()], cookies(1)
    scripted.enqueue("One", gates[0].wait, " two", gates[1].wait, " three")

    async def stay(person: Person) -> None:
        async with person.follow(await person.send("Count")) as answer:
            await read_until(answer.content, b"One")
            gates[0].open()  # each time the model goes on only when what it said has passed
            await read_until(answer.content, b"two")
            gates[1].open()
            await read_until(answer.content, b"event: done")

    visit(proxy, people, stay)


def test_nobody_compresses_events_even_if_the_reader_would_like_it(proxy, scripted):
    gate, people = Gate(), cookies(1)
    scripted.enqueue("word " * 1_000, gate.wait, "end")

    async def stay(person: Person) -> None:
        path = await person.send("Hello")
        async with person.follow(path, **{"Accept-Encoding": "gzip, deflate, br"}) as answer:
            assert answer.headers["Content-Encoding"] == "identity"
            await read_until(answer.content, b"word word")
            gate.open()
            await read_until(answer.content, b"event: done")

    visit(proxy, people, stay)


def test_events_say_how_they_are_to_be_treated(site, scripted):
    people = cookies(1)

    async def stay(person: Person) -> None:
        path = await person.send("Hello")
        async with person.follow(path) as answer:
            kept = {part.strip() for part in answer.headers["Cache-Control"].split(",")}
            assert answer.headers["Content-Type"] == "text/event-stream"
            assert answer.headers["X-Accel-Buffering"] == "no"
            assert {"no-store", "no-transform"} <= kept
            await read_until(answer.content, b"event: done")
        async with person.follow(path) as answer:  # of a reply that is over, the same
            assert answer.headers["X-Accel-Buffering"] == "no"
            assert "no-transform" in answer.headers["Cache-Control"]

    visit(site, people, stay)
