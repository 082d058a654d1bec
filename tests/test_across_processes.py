"""Two server processes over one database: Stop, Retry and Continue reach across, and frozen ones overwrite nothing."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from uuid import uuid4

import pytest

from tests.serving import PATIENCE, Answer, Served, Visitor, impatient, manage, served
from tests.upstream import HANG, Upstream

PASSWORD = "correct horse battery"
FETCH = {"X-Requested-With": "fetch"}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        yield server


@pytest.fixture
def sites(upstream, tmp_path, db) -> Iterator[tuple[Served, Served]]:
    """(`db`, so that --database-only takes it to Postgres.)"""
    env = impatient(tmp_path, upstream.url)
    with ExitStack() as stack:
        yield stack.enter_context(served(env, tmp_path)), stack.enter_context(served(env, tmp_path))


@pytest.fixture
def tabs(sites, upstream, tmp_path) -> tuple[Visitor, Visitor]:
    """One person's two tabs, at one process each."""
    name = f"alice-{uuid4().hex[:8]}"
    env = impatient(tmp_path, upstream.url) | {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    manage(env, "createsuperuser", "--noinput", "--username", name, "--email", f"{name}@example.com")
    here = Visitor(sites[0].port)
    assert here.log_in(name, PASSWORD).status == 302
    return here, replace(here, port=sites[1].port, cookies=dict(here.cookies))


class Chat:
    """What a person sees of their only chat, through one of their tabs."""

    def __init__(self, turn: str) -> None:
        self.address = re.search(r'data-url="([^"]+)"', turn)[1]
        self.follow = re.search(r'data-follow="([^"]+)"', turn)[1]
        self.reply_id = re.search(r'data-role="assistant" data-id="([^"]+)"', turn)[1]

    @property
    def stop(self) -> str:
        return self.follow.replace("/events/", "/stop/")


def post(tab: Visitor, path: str, **fields: str) -> Answer:
    return tab.post(path, {"csrfmiddlewaretoken": tab.token("/"), "key": uuid4().hex, **fields}, **FETCH)


def begun(tab: Visitor) -> Chat:
    """A chat whose reply is being written, and has some text already."""
    chat = Chat(post(tab, "/send/", content="Hi", parent_id="").text)
    assert any("Half" in str(data) for _name, data in tab.events(chat.follow))
    until(lambda: "Half" in tab.get(chat.address).text)
    return chat


def until(is_so: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < give_up, "It did not come to pass."
        time.sleep(0.05)


def answers(page: str) -> list[tuple[str, str]]:
    """Status and text of the answers on a page."""
    found = re.findall(r'data-status="(\w+)".*?data-settled>(.*?)</div>', page, re.DOTALL)
    return [(status, re.sub(r"<[^>]+>", "", html).strip()) for status, html in found]


def test_a_stop_at_another_process_closes_the_upstream(tabs, upstream):
    here, there = tabs
    upstream.enqueue("Half an answer", HANG)
    chat = begun(here)
    assert post(there, chat.stop).status == 204
    assert upstream.exchanges[-1].was_abandoned(PATIENCE)
    until(lambda: answers(there.get(chat.address).text) == [("cancelled", "Half an answer")])
    assert answers(here.get(chat.address).text) == [("cancelled", "Half an answer")]


def test_a_frozen_process_is_stopped_from_another_and_overwrites_nothing(sites, tabs, upstream):
    said_more = threading.Event()
    upstream.enqueue("Half an answer", said_more, " and more", HANG)
    chat = begun(tabs[0])
    sites[0].signal(signal.SIGSTOP)
    assert post(tabs[1], chat.stop).status == 204
    until(lambda: answers(tabs[1].get(chat.address).text) == [("cancelled", "Half an answer")])
    said_more.set()
    wake(sites[0], upstream)
    assert answers(tabs[0].get(chat.address).text) == [("cancelled", "Half an answer")]
    assert told(tabs[1], chat) == ("cancelled", "Half an answer")


@pytest.mark.parametrize(
    ("verb", "rest", "whole"),
    [("retry", "Another answer", "Another answer"), ("continue", "it goes on", "Half an answer it goes on")],
)
def test_what_a_frozen_process_wrote_is_asked_for_again_and_it_overwrites_nothing(
    sites, tabs, upstream, verb, rest, whole
):
    said_more = threading.Event()
    upstream.enqueue("Half an answer", said_more, " and more", HANG)
    chat = begun(tabs[0])
    upstream.enqueue(rest)
    again = f"{chat.address}{verb}/"
    refused = post(tabs[1], again, message_id=chat.reply_id)
    assert refused.status == 409  # it is still at work
    sites[0].signal(signal.SIGSTOP)
    until(lambda: post(tabs[1], again, message_id=chat.reply_id).status == 200)
    until(lambda: answers(tabs[1].get(chat.address).text) == [("completed", whole)])
    said_more.set()
    wake(sites[0], upstream)
    assert answers(tabs[0].get(chat.address).text) == [("completed", whole)]
    assert told(tabs[1], chat) == ("interrupted", "Half an answer")


def told(tab: Visitor, chat: Chat) -> tuple[str, str]:
    """What a reader of the reply is told at its end: from its row, where the page shows the document."""
    done = next(data for name, data in tab.events(chat.follow) if name == "done")
    return done["status"], re.sub(r"<[^>]+>", "", done["html"]).strip()


def wake(site: Served, upstream: Upstream) -> None:
    """Let a frozen process go on, until it has noticed that its reply was taken from it."""
    site.signal(signal.SIGCONT)
    assert next(exchange for exchange in upstream.exchanges if exchange.body).was_abandoned(PATIENCE)


def test_replies_of_a_killed_process_are_interrupted_when_the_next_one_starts(upstream, tmp_path, db):
    env = impatient(tmp_path, upstream.url)
    upstream.enqueue("Half an answer", HANG)
    with served(env, tmp_path) as site:
        name = f"alice-{uuid4().hex[:8]}"
        secret = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
        manage(env | secret, "createsuperuser", "--noinput", "--username", name, "--email", f"{name}@example.com")
        tab = Visitor(site.port)
        tab.log_in(name, PASSWORD)
        chat = begun(tab)
        site.signal(signal.SIGKILL)
        site.wait()
    folder = tmp_path / "next"
    folder.mkdir()
    with served(env, folder, site.port):
        assert answers(tab.get(chat.address).text) == [("interrupted", "Half an answer")]
