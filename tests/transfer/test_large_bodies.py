"""Large files pass the limit on bodies, for people who are known here; nobody else's do. On a real server."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from urllib.parse import urlsplit

import aiohttp
import pytest
from django.test import Client

from chatsite import body_limit
from chatsite.transfer import tickets
from chatsite.transfer.models import Import
from tests.transfer import samples

pytestmark = pytest.mark.django_db(transaction=True)
LARGE = 4_000_000  # bytes; other bodies may have 2.5 MB


@pytest.fixture
def visitor(site, alice):
    return client_of(alice)


def client_of(person):
    """A browser that is logged in: its cookies, and the address that the form is sent to."""
    client = Client()
    client.force_login(person)
    page = client.get("/transfer/")
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    url = re.search(r'action="(/transfer/import/[^"]+)"', page.content.decode())[1]
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())[1]
    return cookies | {"csrftoken": cookies["csrftoken"]}, url, token


def padded(size: int) -> bytes:
    return json.dumps([samples.chatgpt()]).encode() + b" " * size


async def send(site, url, body: bytes, cookies, token: str) -> tuple[int, str, str]:
    form = aiohttp.FormData()
    form.add_field("csrfmiddlewaretoken", token)
    form.add_field("file", body, filename="conversations.json", content_type="application/json")
    async with (
        aiohttp.ClientSession(cookies=cookies, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
        session.post(site + url, data=form, allow_redirects=False, headers={"Accept": "text/html"}) as response,
    ):
        return response.status, response.headers.get("Retry-After", ""), await response.text()


def told(*arguments) -> tuple[int, str, str]:
    """The status, when to come again, and the page."""
    return asyncio.run(send(*arguments))


def sent(*arguments) -> int:
    return told(*arguments)[0]


def test_a_large_file_passes_with_a_ticket(site, visitor):
    cookies, url, token = visitor
    assert sent(site, url, padded(LARGE), cookies, token) == 302
    end = time.monotonic() + 20
    while (job := Import.objects.get()).is_live and time.monotonic() < end:
        time.sleep(0.05)
    assert (job.stage, job.chats.get().outcome) == ("ready", "new")
    assert job.size > LARGE


def test_without_one_it_is_cut_as_any_other_body(site, visitor):
    cookies, _url, token = visitor
    for url in ("/transfer/import/nonsense/", "/transfer/import/a:b:c/", "/send/"):
        assert sent(site, url, padded(LARGE), cookies, token) == 413
    assert not Import.objects.exists()


def test_a_ticket_without_a_session_leads_to_the_log_in_and_keeps_nothing(site, visitor, settings):
    _cookies, url, token = visitor
    assert sent(site, url, padded(LARGE), {"csrftoken": token}, token) in (302, 403)
    assert not Import.objects.exists()


def test_without_the_forms_token_nothing_is_taken_in(site, visitor):
    cookies, url, _token = visitor
    assert sent(site, url, padded(10), cookies, "x" * 64) == 403
    assert not Import.objects.exists()


def test_a_ticket_has_its_own_limit_and_its_own_sentence(site, visitor, settings):
    settings.CHAT_MAX_IMPORT_SIZE = 1_000_000
    cookies, url, token = visitor
    assert sent(site, url, padded(LARGE), cookies, token) == 413
    assert not Import.objects.exists()


def test_only_a_few_large_bodies_come_at_a_time_and_the_others_are_told_when_to_come(site, visitor, monkeypatch):
    monkeypatch.setattr(body_limit, "MOST_AT_ONCE", 0)
    cookies, url, token = visitor
    status, wait, page = told(site, url, padded(LARGE), cookies, token)
    assert (status, wait) == (503, str(body_limit.RETRY_AFTER))
    assert "Other files are arriving right now" in page
    assert "too large" not in page
    assert sent(site, url, padded(10), cookies, token) == 302


def trickle(site, url, cookies):
    """A large body of which a few bytes come, and then no more."""
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    address = urlsplit(site)
    line = socket.create_connection((address.hostname, address.port), timeout=20)
    head = f"POST {url} HTTP/1.1\r\nHost: {address.netloc}\r\nCookie: {cookie}\r\nContent-Length: {LARGE}\r\n"
    kind = "Content-Type: multipart/form-data; boundary=x"
    line.sendall(f"{head}{kind}\r\nAccept: text/html\r\n\r\n--x\r\n".encode())
    return line


def eventually(found) -> None:
    end = time.monotonic() + 20
    while not found():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_person_has_one_large_body_on_the_way_and_leaves_room_for_others(site, visitor, bob):
    cookies, url, token = visitor
    lines = [trickle(site, url, cookies) for _ in range(body_limit.MOST_AT_ONCE + 1)]
    try:
        eventually(lambda: told(site, url, padded(LARGE), cookies, token)[0] == 503)
        other = client_of(bob)
        assert sent(site, other[1], padded(LARGE), other[0], other[2]) == 302
    finally:
        for line in lines:
            line.close()
    eventually(lambda: sent(site, url, padded(LARGE), cookies, token) == 302)


def test_a_body_that_trickles_is_cut_and_told_and_frees_its_place(site, visitor, monkeypatch):
    monkeypatch.setattr(body_limit, "PATIENCE", 0.2)
    cookies, url, token = visitor
    with trickle(site, url, cookies) as line:
        answer = line.recv(100_000).decode()
    assert answer.startswith("HTTP/1.1 503")
    assert "retry-after: 60" in answer.lower()
    assert not Import.objects.exists()
    monkeypatch.setattr(body_limit, "PATIENCE", 30)
    assert sent(site, url, padded(LARGE), cookies, token) == 302


async def test_speed_is_measured_from_the_beginning_on(settings, monkeypatch):
    """Bytes that came fast may be waited for; a drop now and then holds nothing open."""
    monkeypatch.setattr(body_limit, "PATIENCE", 0.1)
    pieces = [b"x" * 100_000, b"y", b"", b""]
    scope = {"headers": []}

    async def receive():
        await asyncio.sleep(0 if pieces[0] else 60)
        return {"type": "http.request", "body": pieces.pop(0), "more_body": True}

    body = body_limit._LargeBody(scope, receive, body_limit.IMPORT_TOO_LARGE, 10**9)
    assert [len((await body())["body"]) for _ in range(2)] == [100_000, 1]
    monkeypatch.setattr(body_limit, "LEAST_SPEED", 10**9)
    message = await body()
    assert (message["body"], message.get("more_body", False)) == (b"", False)
    assert scope[body_limit.MARK] is body_limit.IMPORT_SLOW


def test_a_ticket_grows_old(site, visitor, monkeypatch):
    monkeypatch.setattr(tickets, "MAX_AGE", -1)
    cookies, url, token = visitor
    assert sent(site, url, padded(LARGE), cookies, token) == 413
