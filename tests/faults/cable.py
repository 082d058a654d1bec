"""A cable between a client and a real server, which a test can cut, stall and heal."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable

CHUNK = 64 * 1024
GUARD = 30
# SO_LINGER with zero seconds: close sends RST, as a machine does that lost its state.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Cable:
    """A TCP proxy on 127.0.0.1, in a thread of its own.

    `address` is (host, port), for whoever should reach `upstream` through this cable. It keeps its port through cuts.
    `upstream` is (host, port), or the path of a Unix socket.

    cut()   every connection is reset, new ones are refused
    hang()  connections stay and new ones are accepted, but no byte passes, either way: a stopped server, a lost route
    heal()  all is normal: bytes held back by `hang` pass now, as a network or a continued process delivers them
    """

    def __init__(self, upstream: tuple[str, int] | str) -> None:
        self.upstream = upstream
        self._loop = asyncio.new_event_loop()
        self._passing: asyncio.Event | None = None
        self._server: asyncio.Server | None = None
        self._plugs: set[tuple[asyncio.Task, asyncio.StreamWriter]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cable", daemon=True)
        self.address: tuple[str, int] = ("127.0.0.1", 0)

    @property
    def port(self) -> int:
        return self.address[1]

    @property
    def connections(self) -> int:
        """How many clients are plugged in at this moment."""
        return self._on_loop(self._count)

    def __enter__(self) -> "Cable":
        self._thread.start()
        self._on_loop(self._open)
        return self

    def __exit__(self, *exc: object) -> None:
        self._on_loop(self._shut)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(GUARD)
        self._loop.close()

    def cut(self) -> None:
        self._on_loop(self._shut)

    def hang(self) -> None:
        self._on_loop(self._stall)

    def heal(self) -> None:
        self._on_loop(self._restore)

    def _on_loop(self, work: Callable):
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result(GUARD)

    async def _count(self) -> int:
        return len(self._plugs)

    async def _open(self) -> None:
        if self._passing is None:
            self._passing = asyncio.Event()
            self._passing.set()
        self._server = await asyncio.start_server(self._plug, *self.address)
        self.address = self._server.sockets[0].getsockname()[:2]

    async def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        plugs = list(self._plugs)
        for task, _ in plugs:
            task.cancel()
        for _, writer in plugs:
            _reset(writer)
        await asyncio.gather(*(task for task, _ in plugs), return_exceptions=True)

    async def _stall(self) -> None:
        if self._server is None:
            await self._open()
        self._passing.clear()

    async def _restore(self) -> None:
        if self._server is None:
            await self._open()
        self._passing.set()

    async def _plug(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        plug = (asyncio.current_task(), writer)
        self._plugs.add(plug)
        try:
            await self._passing.wait()
            with contextlib.suppress(OSError):
                await self._join(reader, writer)
        except asyncio.CancelledError:
            pass  # cut: asyncio would log a cancelled connection as an error
        finally:
            self._plugs.discard(plug)
            writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(self.upstream, str):
            far_reader, far_writer = await asyncio.open_unix_connection(self.upstream)
        else:
            far_reader, far_writer = await asyncio.open_connection(*self.upstream)
        ways = [
            asyncio.ensure_future(self._pass(reader, far_writer)),
            asyncio.ensure_future(self._pass(far_reader, writer)),
        ]
        try:
            await asyncio.wait(ways)
        finally:
            for way in ways:
                way.cancel()
            _reset(far_writer)

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(CHUNK):
                await self._passing.wait()
                target.write(chunk)
                await target.drain()
            await self._passing.wait()
        if target.can_write_eof():
            with contextlib.suppress(OSError):
                target.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    held = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()
