"""Pages in headless Chromium, each in a browser with an empty cache: when something stands there, when one can type.

All pages take turns, the reference among them, so that whatever else this machine does touches them alike.
"""

from __future__ import annotations

import statistics
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM

HERE = Path(__file__).resolve().parent
ROUNDS = 9
READY = """() => performance.getEntriesByName("chat ready").length
    && performance.getEntriesByName("first-contentful-paint").length"""
TIMES = """() => ({
    painted: performance.getEntriesByName("first-contentful-paint")[0].startTime,
    usable: performance.getEntriesByName("chat ready")[0].startTime,
    focused: document.activeElement?.name === "content",
    atEnd: scrollY + innerHeight >= document.documentElement.scrollHeight - 2,
})"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args) -> None:
        pass


@contextmanager
def reference() -> Iterator[str]:
    """The address of the fixed page."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=HERE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/reference.html"
    server.shutdown()
    server.server_close()


def measure(pages: Mapping[str, tuple[str, str]], site: str, rounds: int = ROUNDS) -> dict[str, dict[str, float]]:
    """For each page, given as (address, session cookie): medians in seconds, `painted` and `usable`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for address, cookie in pages.values():
            _visit(browser, address, cookie, site)  # whatever a server or a browser does but once
        found: dict[str, list[dict[str, float]]] = {name: [] for name in pages}
        for _ in range(rounds):
            for name, (address, cookie) in pages.items():
                found[name].append(_visit(browser, address, cookie, site))
        browser.close()
    return {
        name: {what: statistics.median(one[what] for one in times) / 1000 for what in ("painted", "usable")}
        for name, times in found.items()
    }


def version() -> str:
    return subprocess.run([CHROMIUM, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]


def _visit(browser: Browser, address: str, cookie: str, site: str) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    if cookie:
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": site}])
    page = context.new_page()
    page.goto(address, wait_until="commit")
    page.wait_for_function(READY)
    times = page.evaluate(TIMES)
    if not times["focused"] or not times["atEnd"]:
        raise RuntimeError(f"{address}: nobody could type there: {times}")
    context.close()
    return times
