"""A real redis-server on loopback, without persistence, that tests can hang, kill and start again.

`redis_server` is one for the test; `redis_server.url` its address, which a restart keeps.

    redis_server.pause()    # SIGSTOP: connections stay open, nothing answers
    redis_server.resume()
    redis_server.kill()     # connections break, new ones are refused; all data is gone
    redis_server.start()    # comes back at the same address, empty
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PATIENCE = 20.0  # seconds; a guard against hanging
MISSING = "Skipped: the tests with Redis. Install redis-server (Debian, Ubuntu: apt-get install redis-server)."


def program() -> str | None:
    """Where redis-server is installed."""
    return shutil.which("redis-server", path=f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/bin:/usr/sbin")


class RedisServer:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Serve, with nothing in memory; returns once it answers."""
        options = {"bind": "127.0.0.1", "port": self.port, "dir": self._folder, "save": "", "appendonly": "no"}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        with (self._folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen([program(), *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        give_up = time.monotonic() + PATIENCE
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"redis-server did not start:\n{(self._folder / 'log.txt').read_text()}")
            time.sleep(0.01)

    def answers(self) -> bool:
        """Whether it says PONG within a second."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def pause(self) -> None:
        """Hang: connections stay open, and nothing answers any more."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Gone, with all its data. Doing it twice is fine."""
        self._process.kill()  # reaches a stopped process, too
        self._process.wait(PATIENCE)


@contextmanager
def serve_redis() -> Iterator[RedisServer]:
    """A running redis-server, in a folder that goes with it."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A Redis of this test's own; the settings do not name it."""
    if program() is None:
        pytest.skip(MISSING)
    with serve_redis() as server:
        yield server
