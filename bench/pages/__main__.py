"""`python -m bench.pages`: pages in a browser beside a fixed page, and on the server; into bench/RESULTS.md.

Needs Chromium and Playwright (requirements-dev.txt). Some two minutes, on a machine that does nothing else.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.measures import page_requests, page_weight, prepared, procfile, seconds_to_first_page
from bench.pages import browser
from bench.pages.server import Asker
from bench.results import HEADING_PAGES, replace_section
from bench.run import work_folder
from tests.serving import PYTHON, ROOT, free_port, started

RESULTS = Path(__file__).resolve().parent.parent / "RESULTS.md"
LIMITS = {
    "new chat: painted, s": 0.4,
    "new chat: input usable, s": 0.6,
    "new chat beside 5,000 chats: painted, s": 0.7,
    "new chat beside 5,000 chats: input usable, s": 0.7,
    "chat of 1,000 messages: painted, s": 1.0,
    "chat of 1,000 messages: end shown, input usable, s": 1.0,
    "server: sidebar of 5,000 chats, ms": 10.0,
    "server: chat of 1,000 messages, ms": 40.0,
    "server: chat of 1,000 messages, nothing rendered before, ms": 40.0,
    "first page: weight, kB": 100.0,
    "first page: requests": 15.0,
}
INTRO = (
    "`python -m bench.pages`: the server of the Procfile with its database in a file, and headless Chromium "
    "{chromium}, on the same cores. Each visit is in a browser with an empty cache; medians of {rounds} rounds"
    " in which all pages and the reference (bench/pages/reference.html: a form without style sheet or "
    "database) take turns. Painted: first contentful paint; usable: the field has the focus, and what one "
    "types and sends is taken by the script. Server: from the request to the last byte, compressed, one "
    "person, median of {times}. Half of the 1,000 messages are answers with a list, code and a table. "
    "Questions: to the database, for one page. Written on {day}: {cores} cores, Python {python}, load "
    "{load:.1f} before it began."
)


def people(folder: Path) -> dict:
    env = prepared(folder) | {"DJANGO_SETTINGS_MODULE": "chatsite.settings"}
    command = [str(PYTHON), "-m", "bench.pages.people"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def on_the_server(port: int, few: dict, many: dict) -> Iterator[tuple[str, float]]:
    asker = Asker(port, few["cookie"])
    asker.median(f"/c/{few['short']}/")  # what a process does at first, whatever page it is
    yield "server: chat of 1,000 messages, nothing rendered before, ms", asker.ask(f"/c/{few['long']}/")[0]
    yield "server: chat of 1,000 messages, ms", asker.median(f"/c/{few['long']}/")
    yield "server: earlier part of it, ms", asker.median(f"/c/{few['long']}/part/")
    yield "server: chat of 10 messages, ms", asker.median(f"/c/{few['short']}/")
    yield "server: new chat, ms", asker.median("/")
    asker = Asker(port, many["cookie"])
    yield "server: new chat beside 5,000 chats, ms", asker.median("/")
    yield "server: sidebar of 5,000 chats, ms", asker.median("/c/sidebar/", **{"X-Requested-With": "fetch"})


def in_the_browser(port: int, few: dict, many: dict) -> Iterator[tuple[str, float]]:
    site = f"http://127.0.0.1:{port}"
    with browser.reference() as fixed:
        pages = {
            "reference": (fixed, ""),
            "new chat": (f"{site}/", few["cookie"]),
            "new chat beside 5,000 chats": (f"{site}/", many["cookie"]),
            "chat of 1,000 messages": (f"{site}/c/{few['long']}/", few["cookie"]),
        }
        times = browser.measure(pages, site)
    for name, page in times.items():
        usable = "end shown, input usable" if "messages" in name else "input usable"
        yield f"{name}: painted, s", page["painted"]
        yield f"{name}: {usable}, s", page["usable"]


def figures(folder: Path) -> Iterator[tuple[str, float]]:
    made, port = people(folder), free_port()
    few, many = made["few"], made["many"]
    with started(procfile("web"), prepared(folder) | {"PORT": str(port)}, folder, port) as site:
        seconds_to_first_page(site, time.monotonic())
        yield from on_the_server(port, few, many)
        yield from in_the_browser(port, few, many)
        site.signal(signal.SIGTERM)
        site.wait()
    yield "first page: weight, kB", page_weight(folder)
    yield "first page: requests", page_requests(folder)
    for page, count in few["queries"].items():
        yield f"questions: {page}", count
        yield f"questions: {page}, beside 5,000 chats", many["queries"][page]


def row(name: str, value: float) -> str:
    shown = f"{value:.2f}" if name.endswith(" s") else f"{value:.1f}" if name.endswith("ms") else f"{value:.0f}"
    limit = LIMITS.get(name)
    if limit is None:
        return f"| {name} | {shown} | | for comparison |"
    return f"| {name} | {shown} | ≤ {limit:g} | {'kept' if value <= limit else '**broken**'} |"


def main() -> int:
    if not browser.CHROMIUM:
        print("No Chromium: install it, or name it in CHROMIUM.")
        return 2
    load, rows = os.getloadavg()[0], []
    with work_folder() as folder:
        for name, value in figures(folder):
            rows.append(row(name, value))
            print(rows[-1], flush=True)
    intro = INTRO.format(
        chromium=browser.version(),
        rounds=browser.ROUNDS,
        times=Asker.TIMES,
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        cores=os.cpu_count(),
        python=platform.python_version(),
        load=load,
    )
    table = ["| | measured | limit | |", "|---|---:|---:|---|", *rows]
    RESULTS.write_text(replace_section(RESULTS.read_text(), HEADING_PAGES, ["", intro, "", *table, ""]))
    return int(any("**" in line for line in rows))


if __name__ == "__main__":
    sys.exit(main())
