"""The body of an event stream, taken where it arrives: at the transport, past aiohttp's own reader.

aiohttp looks after connections, TLS, proxies, requests and headers. Its StreamReader wakes the reader for each HTTP
chunk and counts bytes in four places; with 800 live replies that was a quarter of all CPU. Once the headers are known,
what the connection receives goes to httptools' parser and from there to one buffer.

aiohttp has no public place for this (`ResponseHandler` and the connector's factory are its own); a response that cannot
be tapped is read as usual, so that another aiohttp makes reading slower, never wrong.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, Protocol

import aiohttp
import httptools
from aiohttp.client_proto import ResponseHandler

# Below the 5 seconds after which uvicorn and Node close idle connections: a request never meets a closing one.
KEEP_ALIVE = 4.0
DRAIN = 0.25  # seconds to wait for the end of the response after [DONE], so that its connection can be used again
MAX_ERROR_BODY = 64_000  # bytes
MAX_WHOLE_BODY = 8_000_000  # bytes, of a reply that is not streamed, and of a list of models
MOST_RECORDED = 64_000  # bytes of head and first events; what is longer before anybody listens is no event stream
MOST_WAITING = 256_000  # bytes that wait to be read; then the upstream waits


class Readable(Protocol):
    """What an event stream is read from."""

    async def read(self) -> bytes:
        """What has arrived, at least a byte; nothing at the end. Raises aiohttp.ClientError when it breaks off."""

    @property
    def transport(self) -> asyncio.ReadTransport | None: ...


class TappedHandler(ResponseHandler):
    """aiohttp's protocol of one connection. It notes a response's first bytes, so that a tap can begin with them."""

    def __init__(self, loop: asyncio.AbstractEventLoop):
        super().__init__(loop)
        self._recorded: list[bytes] | None = None
        self._room = 0
        self._tap: Tap | None = None

    def set_response_params(self, **params: Any) -> None:
        """Called before each response."""
        self._recorded, self._room, self._tap = [], MOST_RECORDED, None
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        if self._tap is not None:
            self._tap.feed(data)
            return
        if self._recorded is not None:
            self._recorded.append(data)
            self._room -= len(data)
            if self._room < 0:
                self._recorded = None
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        if self._tap is not None:
            self._tap.lost(exc)

    def tap(self, response: aiohttp.ClientResponse) -> Tap | None:
        """Take over the body of this response; None if its beginning is not known."""
        recorded, self._recorded = self._recorded, None
        if not recorded or self.transport is None or not recorded[0].startswith(b"HTTP/1.1 2"):
            return None
        self._tap = Tap(self._loop, self.transport, response)
        for data in recorded:
            self._tap.feed(data)
        return self._tap


class Tap:
    """The body of one response, without its chunks. One reader at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, response: aiohttp.ClientResponse):
        self._loop = loop  # asking for the running one costs a system call
        self.transport: asyncio.Transport | None = transport
        """None once the body is whole: then the connection is aiohttp's again, and not to be paused here."""
        self._response = response
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._waiting = 0  # bytes
        self._is_whole = False
        self._error: aiohttp.ClientError | None = None
        self._reader: asyncio.Future[None] | None = None

    async def read(self) -> bytes:
        while not self._pieces:
            if self._error is not None:
                raise self._error
            if self._is_whole:
                return b""
            self._reader = self._loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        pieces, self._pieces = self._pieces, []
        if self._waiting > MOST_WAITING and self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()
        self._waiting = 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    # What the connection tells

    def feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"not HTTP: {error}")
        if self._waiting > MOST_WAITING and self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()
        self._wake()

    def lost(self, error: BaseException | None) -> None:
        """The connection has ended, and with it a body that was not whole."""
        if not self._is_whole:
            self._fail("the connection ended")
            self._wake()

    # What the parser tells

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)
        self._waiting += len(body)

    def on_message_complete(self) -> None:
        """The connection goes back to aiohttp, which may use it for another request."""
        transport, self.transport = self.transport, None
        if transport is not None and not transport.is_closing() and not transport.is_reading():
            transport.resume_reading()
        self._is_whole = True
        self._response.content.feed_eof()

    def _fail(self, reason: str) -> None:
        self._error = self._error or aiohttp.ClientPayloadError(reason)

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


class _Untapped:
    """A response read through aiohttp's reader."""

    def __init__(self, response: aiohttp.ClientResponse):
        self._response = response

    async def read(self) -> bytes:
        return await self._response.content.readany()

    @property
    def transport(self) -> asyncio.ReadTransport | None:
        return self._response.connection.transport if self._response.connection else None


def tapped_connector(**options: Any) -> aiohttp.TCPConnector:
    """A connector whose responses can be tapped."""
    connector = aiohttp.TCPConnector(**options)
    if hasattr(connector, "_factory"):
        connector._factory = partial(TappedHandler, asyncio.get_running_loop())
    return connector


def body_of(response: aiohttp.ClientResponse) -> Readable:
    """The body of a response whose headers have come."""
    handler = response.connection.protocol if response.connection else None
    is_plain = response.headers.get("Content-Encoding", "identity") == "identity"
    has_end = response.headers.get("Transfer-Encoding", "").lower() == "chunked"
    if is_plain and has_end and isinstance(handler, TappedHandler):
        return handler.tap(response) or _Untapped(response)
    return _Untapped(response)


def let_go(response: aiohttp.ClientResponse) -> None:
    """Back to the pool if it was read to its end; otherwise the server must notice at once that nobody listens."""
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()
