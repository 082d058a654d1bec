"""How long pages take while a local model is loaded, and while it answers eight people."""

from __future__ import annotations

import signal
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.local.model import PEOPLE, prompts
from bench.measures import prepared, procfile, seconds_to_first_page
from tests.serving import Served, Visitor, free_port, manage, started
from tests.test_deploy import follow_address, send

PAUSE = 0.02  # seconds between two pages
QUIET = 3.0  # seconds without a model, for comparison


def measure(folder: Path) -> dict[str, float]:
    with _site(folder) as site:
        seconds_to_first_page(site, time.monotonic())
        people = [_visitor(site, cookie) for cookie in manage(prepared(folder), "make_sessions", str(PEOPLE)).split()]
        watch = Watch(people[0])
        time.sleep(QUIET)
        quiet = watch.cut()
        replies = [Reply(person, prompt) for person, prompt in zip(people, prompts(), strict=True)]
        while not any(reply.has_begun for reply in replies):
            time.sleep(0.05)
        loading = watch.cut()
        for reply in replies:
            reply.thread.join()
        answering = watch.cut()
        watch.end()
    ended = [reply.status for reply in replies]
    if set(ended) != {"completed"}:
        raise RuntimeError(f"Replies ended as {ended}:\n{site.output}")
    return {
        "median page without a model, ms": statistics.median(quiet),
        "slowest page without a model, ms": max(quiet),
        "median page while the model loads, ms": statistics.median(loading),
        "slowest page while the model loads, ms": max(loading),
        "median page while eight are answered, ms": statistics.median(answering),
        "slowest page while eight are answered, ms": max(answering),
    }


@contextmanager
def _site(folder: Path) -> Iterator[Served]:
    port = free_port()
    env = prepared(folder) | {"PORT": str(port), "LOCAL_MODEL": str(folder / "model"), "CHAT_TITLES": "0"}
    env |= {"CHAT_MAX_TOKENS": "256", "CHAT_DEFAULT_MODEL": "model"}
    with started(procfile("web"), env, folder, port) as site:
        yield site
        site.signal(signal.SIGTERM)
        site.wait()


def _visitor(site: Served, cookie: str) -> Visitor:
    name, _, value = cookie.partition("=")
    return Visitor(site.port, cookies={name: value})


class Reply:
    """One person who sends a message and reads the answer."""

    def __init__(self, person: Visitor, text: str):
        self.has_begun = False
        self.status = ""
        address = follow_address(send(person, text))
        self.thread = threading.Thread(target=self._read, args=(person, address), daemon=True)
        self.thread.start()

    def _read(self, person: Visitor, address: str) -> None:
        for name, data in person.events(address):
            self.has_begun = self.has_begun or name == "delta"
            if name == "done":
                self.status = data["status"]
                return


class Watch:
    """Asks for the first page again and again; milliseconds of each."""

    def __init__(self, visitor: Visitor):
        self._visitor = visitor
        self._times: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        while not self._over.wait(PAUSE):
            began = time.perf_counter()
            if self._visitor.get("/").status != 200:
                raise RuntimeError("A page was refused.")
            self._times.append(1000 * (time.perf_counter() - began))

    def cut(self) -> list[float]:
        """What was measured since the last time."""
        times, self._times = self._times, []
        return times

    def end(self) -> None:
        self._over.set()
        self._thread.join()
