"""The emulation of Heroku's router does cut: sites that break its rules meet its errors."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse, IncompleteRead

import pytest

from tests.faults.heroku import HerokuRouter

SCALE = 250  # 30 s become 0.12 s, 55 s become 0.22 s
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"


@contextmanager
def behind_router(answer: Callable[[socket.socket], None]) -> Iterator[tuple[HerokuRouter, HTTPResponse]]:
    """What a reader gets from a site that answers one request as `answer` does."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            answer(connection)
            over.wait(10)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with HerokuRouter(listener.getsockname()[1], scale=SCALE) as router:
        reader = HTTPConnection("127.0.0.1", router.port, timeout=10)
        reader.request("GET", "/")
        yield router, reader.getresponse()
        reader.close()
    over.set()
    thread.join(10)
    listener.close()


def test_what_is_answered_passes():
    with behind_router(lambda site: site.sendall(HEAD + b"Hello reader")) as (router, answer):
        assert answer.read() == b"Hello reader"
    assert router.errors == []


def test_a_site_that_says_nothing_is_given_up():
    with behind_router(lambda site: None) as (router, answer):
        assert (answer.status, answer.read()) == (503, b"Application error")
    assert router.errors == ["H12"]


def test_a_stream_that_falls_silent_is_cut():
    cut = pytest.raises((IncompleteRead, ConnectionError))
    with behind_router(lambda site: site.sendall(HEAD + b"Hello")) as (router, answer), cut:
        answer.read()
    assert router.errors == ["H15"]


def test_a_site_that_hangs_up_is_told():
    with behind_router(lambda site: site.shutdown(socket.SHUT_RDWR)) as (router, answer):
        assert answer.status == 503
    assert router.errors == ["H13"]
