"""A person's browser over real HTTP: cookies, the forms of our script, event streams. It knows several processes'
ports and takes any of them, as a router before several dynos does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random

import aiohttp

from tests.faults.page import ReplyState

# What a proxy with TLS adds.
ROUTED = {"Host": "chat.example.com", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
FORM = {
    "Origin": "https://chat.example.com",
    "Referer": "https://chat.example.com/",
    "X-Requested-With": "fetch",
    "Content-Type": "application/x-www-form-urlencoded",
}
NETWORK_ERRORS = (aiohttp.ClientError, TimeoutError, OSError, ValueError)
GUARD = 60.0  # seconds; by then a site that is up again has answered
PATIENCE = aiohttp.ClientTimeout(total=30)  # seconds, as in static/js/send.js
STREAM_PATIENCE = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=30)


@dataclass(frozen=True)
class Answer:
    """`status` 0: the network failed before an answer was complete."""

    status: int
    text: str = ""
    port: int = 0
    retry_after: float | None = None


@dataclass
class Browser:
    session: aiohttp.ClientSession
    cookie: str
    ports: list[int]
    rng: Random
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str) -> Answer:
        return await self._fetch("GET", path, None)

    async def post(self, path: str, form: dict[str, str]) -> Answer:
        return await self._fetch("POST", path, form)

    async def _fetch(self, method: str, path: str, form: dict[str, str] | None) -> Answer:
        port = self.rng.choice(self.ports)
        headers = self._headers() | (FORM if form is not None else {})
        try:
            async with self.session.request(
                method, f"http://127.0.0.1:{port}{path}", data=form, headers=headers, timeout=PATIENCE,
                allow_redirects=False,
            ) as response:  # fmt: skip
                text = await response.text()
                self._remember(response)
                delay = response.headers.get("Retry-After")
                return Answer(response.status, text, port, float(delay) if delay else None)
        except NETWORK_ERRORS:
            return Answer(0, port=port)

    async def follow(self, path: str, state: ReplyState) -> AsyncIterator[None]:
        """One connection to a reply, from where `state` is; a step for each event. Ends with the connection."""
        url = f"http://127.0.0.1:{self.rng.choice(self.ports)}{path}"
        headers = self._headers() | {"Accept": "text/event-stream"}
        if state.last_id:
            headers["Last-Event-ID"] = state.last_id
        try:
            async with self.session.get(url, headers=headers, timeout=STREAM_PATIENCE) as response:
                state.frames.append(f"— {response.url.port}, after {state.last_id or 'nothing'}: {response.status}")
                if response.status != 200:
                    state.ended = response.status in (204, 401, 403, 404, 410)
                    return
                async for event, data, event_id in _events(response.content):
                    if event == "restart":
                        return
                    state.take(event, data, event_id)
                    yield
        except NETWORK_ERRORS:
            return

    def _headers(self) -> dict[str, str]:
        pairs = [self.cookie, *(f"{name}={value}" for name, value in self.cookies.items())]
        return ROUTED | {"Cookie": "; ".join(pairs)}

    def _remember(self, response: aiohttp.ClientResponse) -> None:
        self.cookies |= {name: morsel.value for name, morsel in response.cookies.items() if name != "sessionid"}


async def _events(lines: aiohttp.StreamReader) -> AsyncIterator[tuple[str, dict, str]]:
    event, data, event_id = "", "", ""
    async for raw in lines:
        line = raw.decode().rstrip("\n")
        if line.startswith("id: "):
            event_id = line.removeprefix("id: ")
        elif line.startswith("event: "):
            event = line.removeprefix("event: ")
        elif line.startswith("data: "):
            data = line.removeprefix("data: ")
        elif not line:
            if event:
                yield event, json.loads(data), event_id
            event, data, event_id = "", "", ""


async def until(seconds: float, step: float = 0.1) -> AsyncIterator[float]:
    """Moments to try again at, for at most this many seconds."""
    end = asyncio.get_running_loop().time() + seconds
    while (left := end - asyncio.get_running_loop().time()) > 0:
        yield left
        await asyncio.sleep(step)
