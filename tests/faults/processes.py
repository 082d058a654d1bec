"""The site as several server processes, each on a port that outlives it: killed and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from tests.faults.journal import Fall
from tests.serving import PATIENCE, ROOT, Served, free_port, started

PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line)
# SIGKILL to all, SIGKILL to gunicorn's worker alone, SIGTERM to all (as Heroku does).
HOWS = ("kill", "worker", "term")
# Beside another process, too: SIGSTOP, long enough to be taken for dead, then SIGCONT.
FREEZE = "freeze"
DEAD_AFTER, FROZEN_FOR = 2.5, 5.0  # seconds


class Processes:
    """`count` sites over one database. Use it as a context manager; `start` and `fell` block: call them in threads."""

    def __init__(self, env: dict[str, str], folder: Path, count: int) -> None:
        self.ports = [free_port() for _ in range(count)]
        self._env = env
        self._folder = folder
        self._running: dict[int, tuple[ExitStack, Served]] = {}
        self._starts = 0

    def __enter__(self) -> Processes:
        for port in self.ports:
            self._launch(port)
        for port in self.ports:
            self._running[port][1].wait_until_up()
        return self

    def __exit__(self, *exc: object) -> None:
        for stack, _site in self._running.values():
            stack.close()

    def _launch(self, port: int) -> None:
        self._starts += 1
        folder = self._folder / f"start-{self._starts}"
        folder.mkdir()
        stack = ExitStack()
        site = stack.enter_context(started(PROCFILE["web"], self._env | {"PORT": str(port)}, folder, port))
        self._running[port] = (stack, site)

    def fell(self, port: int, how: str) -> Fall:
        """End the process on this port; another one serves there when this returns."""
        stack, site = self._running[port]
        at = time.monotonic()
        if how == FREEZE:
            site.signal(signal.SIGSTOP)
            time.sleep(FROZEN_FOR)
            site.signal(signal.SIGCONT)
            return Fall(port, how, at)
        if how == "worker":
            for worker in _children(site.process.pid):
                os.kill(worker, signal.SIGKILL)
            site.wait_until_up()
            return Fall(port, how, at)
        site.signal(signal.SIGTERM if how == "term" else signal.SIGKILL)
        site.wait()
        stack.close()
        self._launch(port)
        self._running[port][1].wait_until_up()
        return Fall(port, how, at)

    @property
    def hows(self) -> tuple[str, ...]:
        return HOWS if len(self.ports) == 1 else (*HOWS, FREEZE)

    @property
    def logs(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self._folder.glob("start-*/log-*.txt")))


def _children(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, timeout=PATIENCE, check=False)
    return [int(child) for child in found.stdout.split()]


async def fell(processes: Processes, port: int, how: str) -> Fall:
    return await asyncio.to_thread(processes.fell, port, how)
