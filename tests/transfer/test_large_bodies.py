"""Large files pass the limit on bodies, for people who are known here; nobody else's do. On a real server."""

from __future__ import annotations

import asyncio
import json
import re
import time

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
    """A browser that is logged in: its cookies, and the address that the form is sent to."""
    client = Client()
    client.force_login(alice)
    page = client.get("/transfer/")
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    url = re.search(r'action="(/transfer/import/[^"]+)"', page.content.decode())[1]
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())[1]
    return cookies | {"csrftoken": cookies["csrftoken"]}, url, token


def padded(size: int) -> bytes:
    return json.dumps([samples.chatgpt()]).encode() + b" " * size


async def send(site, url, body: bytes, cookies, token: str) -> aiohttp.ClientResponse:
    form = aiohttp.FormData()
    form.add_field("csrfmiddlewaretoken", token)
    form.add_field("file", body, filename="conversations.json", content_type="application/json")
    async with (
        aiohttp.ClientSession(cookies=cookies, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
        session.post(site + url, data=form, allow_redirects=False) as response,
    ):
        await response.read()
        return response


def sent(*arguments) -> int:
    return asyncio.run(send(*arguments)).status


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


def test_only_a_few_large_bodies_come_at_a_time(site, visitor, monkeypatch):
    monkeypatch.setattr(body_limit, "MOST_AT_ONCE", 0)
    cookies, url, token = visitor
    assert sent(site, url, padded(LARGE), cookies, token) == 413


def test_a_ticket_grows_old(site, visitor, monkeypatch):
    monkeypatch.setattr(tickets, "MAX_AGE", -1)
    cookies, url, token = visitor
    assert sent(site, url, padded(LARGE), cookies, token) == 413
