"""Heroku's router between a reader and the site, with its limits.

    with HerokuRouter(site_port, scale=25) as router:      # 30 s become 1.2 s, 55 s become 2.2 s
        requests to router.address …
        router.errors                                      # ["H12", "H15"], as they would stand in Heroku's log

The rules (devcenter.heroku.com/articles/http-routing and /request-timeout, /error-codes):
- the first byte of an answer within 30 s, else 503 and H12;
- from then on any byte, from either side, begins a new window of 55 s; a window that ends without one cuts the
  connection: H15;
- a connection that the site closes before it has answered: 503 and H13;
- nothing is compressed and nothing is held back: bytes pass as they come.
One request per connection, where Heroku's keeps them open: its limits are those of a request.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

FIRST_BYTE = 30.0  # seconds
IDLE = 55.0  # seconds
PIECE = 64 * 1024  # bytes
SORRY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\nConnection: close\r\n\r\nApplication error"


class HerokuRouter:
    """The router, in a thread with an event loop of its own. Use it as a context manager."""

    def __init__(self, site_port: int, *, scale: float = 1.0) -> None:
        """`scale`: by how much its limits are shortened."""
        self.errors: list[str] = []
        self._site_port = site_port
        self._first_byte, self._idle = FIRST_BYTE / scale, IDLE / scale
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> HerokuRouter:
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._route, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _stop(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _route(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            site_reader, site_writer = await asyncio.open_connection("127.0.0.1", self._site_port)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()
            return
        site_writer.write(_forwarded(head, writer))
        exchange = _Exchange((reader, writer), (site_reader, site_writer))
        try:
            if error := await exchange.run(self._first_byte, self._idle):
                self.errors.append(error)
        finally:
            site_writer.transport.abort()


class _Exchange:
    """One request and its answer on their way."""

    def __init__(self, client, site) -> None:
        self._client_reader, self._client_writer = client
        self._site_reader, self._site_writer = site
        self._has_begun = False
        self._heard = asyncio.Event()

    async def run(self, first_byte: float, idle: float) -> str:
        """Until both are done, or a limit is reached; the error's code, or ""."""
        there = asyncio.create_task(self._pass_on(self._client_reader, self._site_writer))
        back = asyncio.create_task(self._pass_on(self._site_reader, self._client_writer, is_answer=True))
        try:
            error = await self._supervise({there, back}, back, first_byte, idle)
        finally:
            for task in (there, back):
                task.cancel()
        if error in ("H12", "H13"):
            self._client_writer.write(SORRY)
        if error == "H15":
            self._client_writer.transport.abort()
        else:
            self._client_writer.close()
        return error

    async def _supervise(self, both: set[asyncio.Task], back: asyncio.Task, first_byte: float, idle: float) -> str:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + first_byte
        while True:
            hearing = asyncio.create_task(self._heard.wait())
            done, _ = await asyncio.wait(
                {*both, hearing}, timeout=max(0.0, deadline - loop.time()), return_when=asyncio.FIRST_COMPLETED
            )
            hearing.cancel()
            if done & both:  # the reader has left, or the answer is over
                return "H13" if back in done and not self._has_begun else ""
            if not done:
                return "H15" if self._has_begun else "H12"
            self._heard.clear()
            if self._has_begun:
                deadline = loop.time() + idle

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_answer=False) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(PIECE):
                self._has_begun = self._has_begun or is_answer
                self._heard.set()
                writer.write(piece)
                await writer.drain()


def _forwarded(head: bytes, writer: asyncio.StreamWriter) -> bytes:
    """The request's head as the site gets it."""
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    hop = (b"connection:", b"keep-alive:")
    kept = [line for line in lines if not line.lower().startswith(hop)]
    client = writer.get_extra_info("peername")[0].encode()
    added = [b"Connection: close", b"X-Forwarded-For: " + client, b"X-Forwarded-Proto: http", b"Via: 1.1 heroku-router"]
    return b"\r\n".join([first, *kept, *added]) + b"\r\n\r\n"
