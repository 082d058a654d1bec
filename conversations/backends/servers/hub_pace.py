"""Reading in step, for huggingface_hub's client: below its HTTP parser, where what arrived meanwhile is one piece.

Pausing above it falls behind, because the parser hands out one chunk of HTTP at a time. httpcore takes a network
backend of one's own; httpx has no place to hand it through, so it is put into the pool, if there still is one.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import httpcore2
import httpx2

from conversations.backends.servers.pace import BEGINNING, SHORTEST, OpenStreams


def pace(client: httpx2.AsyncClient, streams: Callable[[], OpenStreams]) -> None:
    """Let all connections of this client read as slowly as the number of open streams allows."""
    for transport in (client._transport, *client._mounts.values()):
        pool = getattr(transport, "_pool", None)
        if hasattr(pool, "_network_backend"):
            pool._network_backend = PacedBackend(pool._network_backend, streams)


class PacedBackend(httpcore2.AsyncNetworkBackend):
    def __init__(self, backend: httpcore2.AsyncNetworkBackend, streams: Callable[[], OpenStreams]):
        self._backend = backend
        self._streams = streams

    async def connect_tcp(self, *args: Any, **options: Any) -> httpcore2.AsyncNetworkStream:
        return PacedStream(await self._backend.connect_tcp(*args, **options), self._streams())

    async def connect_unix_socket(self, *args: Any, **options: Any) -> httpcore2.AsyncNetworkStream:
        return PacedStream(await self._backend.connect_unix_socket(*args, **options), self._streams())

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


class PacedStream(httpcore2.AsyncNetworkStream):
    """A connection that receives nothing between two reads: what comes meanwhile stays with the kernel."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream, streams: OpenStreams):
        self._stream = stream
        self._streams = streams
        self._reads = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._reads > BEGINNING and self._streams.pause >= SHORTEST:
            await asyncio.sleep(self._streams.pause)
        self._reads += 1
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._reads = 0  # another request
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        return PacedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout), self._streams)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
