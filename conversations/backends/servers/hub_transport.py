"""How huggingface_hub's client reaches a server: httpx in front, which the library knows, and aiohttp behind it.

httpx parses HTTP in Python and hands out one of its chunks at a time, a token each: with 200 live replies that was more
than half of what they cost. A transport is httpx's own place for another way (https://www.python-httpx.org/advanced/transports/).
Streams are taken and paced as those of chat_completions.py, and what came together reaches the library as one event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress

import aiohttp
import httpx2
from yarl import URL

from conversations.backends.servers.address import Address
from conversations.backends.servers.event_stream import EventStreamDecoder, EventTooLong
from conversations.backends.servers.joined_events import JoinedEvents
from conversations.backends.servers.pace import OpenStreams, Pace
from conversations.backends.servers.tap import (
    DRAIN,
    KEEP_ALIVE,
    MAX_ERROR_BODY,
    MAX_WHOLE_BODY,
    Readable,
    body_of,
    let_go,
    tapped_connector,
)

LONGEST_HEADER = 64_000  # bytes of a line
LEFT_OUT = {b"transfer-encoding", b"set-cookie", b"content-type"}


class TappedTransport(httpx2.AsyncBaseTransport):
    """Of one event loop. Raises what httpx's own transport raises."""

    def __init__(self, streams: Callable[[], OpenStreams]) -> None:
        self._streams = streams
        self._session = aiohttp.ClientSession(
            # The certificates that httpx trusts, which need not be the system's.
            connector=tapped_connector(limit=0, keepalive_timeout=KEEP_ALIVE, ssl=httpx2.create_ssl_context()),
            auto_decompress=False,  # httpx does it
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = str(request.url)
        connect = request.extensions.get("timeout", {}).get("connect")
        with _as_httpx():
            response = await self._session.request(
                request.method,
                URL(url, encoded=True),
                data=await request.aread(),
                headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw],
                allow_redirects=False,
                proxy=Address.parse(url).proxy(),
                timeout=aiohttp.ClientTimeout(total=None, connect=connect),
            )
        body = EventStream(response, self._streams()) if _is_plain_stream(response) else Body(response)
        return httpx2.Response(response.status, headers=_headers_of(response), stream=body)

    async def aclose(self) -> None:
        await self._session.close()


class Body(httpx2.AsyncByteStream):
    """What is no event stream, or a compressed one, as it comes."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Up to a size; of an error its beginning says what it is."""
        is_error = self._response.status >= 400
        room = MAX_ERROR_BODY if is_error else MAX_WHOLE_BODY
        with _as_httpx():
            while data := await self._response.content.readany():
                yield data
                room -= len(data)
                if room < 0 and is_error:
                    return
                if room < 0:
                    raise httpx2.RemoteProtocolError("The answer is too long.")

    async def aclose(self) -> None:
        let_go(self._response)


class EventStream(httpx2.AsyncByteStream):
    """Whole events; what arrives between two reads is read at once."""

    def __init__(self, response: aiohttp.ClientResponse, streams: OpenStreams) -> None:
        self._response = response
        self._body: Readable = body_of(response)
        self._pace: Pace | None = streams.begin()
        self._is_done = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        decoder, joined = EventStreamDecoder(), JoinedEvents()
        with _as_httpx():
            while data := await self._body.read():
                payloads = decoder.feed(data)
                self._is_done = bool(payloads) and payloads[-1].strip() == b"[DONE]"
                if events := joined.of(payloads):
                    yield events
                if self._pace is not None:
                    self._pace.rest(self._body.transport)
            if events := joined.of(decoder.finish()):
                yield events

    async def aclose(self) -> None:
        """Here, not at the end of the generator, which may be collected much later."""
        pace, self._pace = self._pace, None
        if pace is not None:
            pace.close()
        if self._is_done:  # the library reads no further; at its very end the connection can be used again
            with suppress(TimeoutError, aiohttp.ClientError):
                async with asyncio.timeout(DRAIN):
                    await self._body.read()
        let_go(self._response)


def _headers_of(response: aiohttp.ClientResponse) -> list[tuple[bytes, bytes]]:
    """Without cookies: one client serves all users. And events are UTF-8, whatever else a server says."""
    headers = [(name, value) for name, value in response.raw_headers if name.lower() not in LEFT_OUT]
    if _is_plain_stream(response):
        return [(b"content-type", b"text/event-stream; charset=utf-8"), *headers]
    return [(b"content-type", response.headers.get("Content-Type", "").encode("latin-1", "replace")), *headers]


def _is_plain_stream(response: aiohttp.ClientResponse) -> bool:
    if response.status >= 300:  # a body to be read as a whole, whatever its type is
        return False
    is_plain = response.headers.get("Content-Encoding", "identity") == "identity"
    return is_plain and response.content_type == "text/event-stream"


@contextmanager
def _as_httpx() -> Iterator[None]:
    """aiohttp's errors as those of httpx that say the same, with the same cause behind them."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx2.ConnectTimeout(str(error)) from error
    except aiohttp.ClientProxyConnectionError as error:
        raise httpx2.ProxyError(str(error)) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx2.ConnectError(str(error)) from error
    except aiohttp.ClientHttpProxyError as error:
        raise httpx2.ProxyError(str(error)) from error
    except (aiohttp.ClientError, EventTooLong) as error:
        raise httpx2.RemoteProtocolError(str(error)) from error
