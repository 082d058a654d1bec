"""Many people at once, each with a session and a browser's essentials, over real HTTP and in one event loop."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from io import StringIO

import aiohttp
from django.conf import settings
from django.core.management import call_command

PATIENCE = aiohttp.ClientTimeout(total=60)  # seconds; a guard against hanging, far above what anything here takes
TOKEN = "t" * 32  # a form token is a cookie and a field that agree


class Person:
    def __init__(self, http: aiohttp.ClientSession, address: str, cookie: str) -> None:
        self._http = http
        self._address = address
        self.session_key = cookie.split("=", 1)[1]
        self._headers = {"Cookie": f"{cookie}; {settings.CSRF_COOKIE_NAME}={TOKEN}"}

    async def open_page(self) -> int:
        """The status of the first page."""
        async with self._http.get(f"{self._address}/", headers=self._headers) as answer:
            await answer.read()
            return answer.status

    async def send(self, text: str) -> str:
        """Begin a chat; the address of its reply's events."""
        form = {"csrfmiddlewaretoken": TOKEN, "content": text, "parent_id": ""}
        headers = self._headers | {"X-Requested-With": "fetch"}
        async with self._http.post(f"{self._address}/send/", data=form, headers=headers) as answer:
            page = await answer.text()
            assert answer.status == 200, page
        return re.search(r'data-follow="([^"]+)"', page)[1]

    def follow(self, path: str, **headers: str):
        """A reply's events, to be used with `async with`."""
        return self._http.get(f"{self._address}{path}", headers=self._headers | headers)


def cookies(count: int) -> list[str]:
    """A session cookie for each of so many people. Reaches the database."""
    printed = StringIO()
    call_command("make_sessions", count, stdout=printed)
    return printed.getvalue().split()


@asynccontextmanager
async def crowd(address: str, cookies: Iterator[str]) -> AsyncIterator[list[Person]]:
    connector = aiohttp.TCPConnector(limit=0)
    jar = aiohttp.DummyCookieJar()  # each person brings their own
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar, timeout=PATIENCE) as http:
        yield [Person(http, address, cookie) for cookie in cookies]


async def read_until(stream: aiohttp.StreamReader, words: bytes) -> bytes:
    """What arrives up to and including `words`. Fails if the stream ends before."""
    read = b""
    while words not in read:
        arrived = await stream.readany()
        assert arrived, f"The stream ended: {read[-500:]!r}"
        read += arrived
    return read
