"""The measurements behind run.py. Each takes a folder to work in; None means that the machine lacks what it needs."""

from __future__ import annotations

import gzip
import os
import re
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urljoin

from tests.serving import PATIENCE, PYTHON, ROOT, Served, Visitor, environment, free_port, manage, production, started

HERE = Path(__file__).resolve().parent
LOG_IN = "/accounts/login/"
STARTS = 5
ASSET = re.compile(r"""(?:<link[^>]+rel="(?:stylesheet|icon|modulepreload)"[^>]*>|<(?:script|img)[^>]+>)""")
ADDRESS = re.compile(r"""(?:href|src)="([^"]+)\"""")
IMPORT = re.compile(r"""(?:import|from)\s*["']([^"']+)["']""")


def procfile(name: str) -> str:
    """The command of one line of the Procfile."""
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if ": " in line)
    return lines[name]


@cache
def prepared(folder: Path) -> dict[str, str]:
    """A production environment with a migrated database and collected static files."""
    env = production(folder, HTTPS="0")
    manage(env, "migrate", "--verbosity", "0")
    manage(env, "collectstatic", "--noinput", "--verbosity", "0")
    return env


@contextmanager
def serving(folder: Path, **variables: str) -> Iterator[Served]:
    port = free_port()
    env = prepared(folder) | {"PORT": str(port)} | variables
    with started(procfile("web"), env, folder, port) as site:
        yield site
        site.signal(signal.SIGTERM)
        site.wait()


def seconds_to_first_page(site: Served, began: float) -> float:
    while time.monotonic() - began < 5 * PATIENCE:
        if site.process.poll() is not None:
            raise RuntimeError(f"The site ended by itself:\n{site.output}")
        with suppress(OSError, HTTPException):
            if Visitor(site.port).get(LOG_IN).status == 200:
                return time.monotonic() - began
        time.sleep(0.01)
    raise RuntimeError(f"No page:\n{site.output}")


def start(folder: Path) -> float:
    prepared(folder)
    times = []
    for _ in range(STARTS):
        began = time.monotonic()
        with serving(folder) as site:
            times.append(seconds_to_first_page(site, began))
    return statistics.median(times)


def memory(folder: Path) -> float:
    with serving(folder) as site:
        seconds_to_first_page(site, time.monotonic())
        signed_in(folder, site).get("/")
        time.sleep(1)
        return sum(resident_bytes(pid) for pid in family(site.process.pid)) / 1e6


def resident_bytes(pid: int) -> int:
    """What the process has in memory; pages that processes share are counted in each."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [member for child in children for member in family(int(child))]


def signed_in(folder: Path, site: Served) -> Visitor:
    cookie = manage(prepared(folder), "make_sessions", "1").strip()
    return Visitor(site.port, cookies=dict([cookie.split("=", 1)]))


def page_weight(folder: Path) -> float:
    return sum(transferred(folder).values()) / 1e3


def page_requests(folder: Path) -> float:
    return len(transferred(folder))


@cache
def transferred(folder: Path) -> dict[str, int]:
    """The bytes of the first page and of all it loads, by address, as a browser with an empty cache fetches them."""
    with serving(folder) as site:
        seconds_to_first_page(site, time.monotonic())
        visitor = signed_in(folder, site)
        sizes, waiting = {}, ["/"]
        while waiting:
            address = waiting.pop()
            if address in sizes or address.startswith("data:"):
                continue
            sizes[address], text = fetch(visitor, address)
            waiting += [urljoin(address, found) for found in named_in(address, text)]
        return sizes


def fetch(visitor: Visitor, address: str) -> tuple[int, str]:
    response = visitor.open("GET", address, **{"Accept-Encoding": "gzip"})
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"{address} answers {response.status}")
    packed = response.headers.get("Content-Encoding") == "gzip"
    return len(body) + len(str(response.headers)), (gzip.decompress(body) if packed else body).decode(errors="replace")


def named_in(address: str, text: str) -> list[str]:
    if address.endswith(".js"):
        return IMPORT.findall(text)
    if address.startswith("/static/"):
        return []
    return [found for tag in ASSET.findall(text) for found in ADDRESS.findall(tag)]


def fresh_clone(folder: Path) -> float:
    began = time.monotonic()
    subprocess.run(["git", "clone", "--quiet", ROOT, folder / "clone"], check=True)
    return made(folder, began)


def again(folder: Path) -> float | None:
    return made(folder, time.monotonic()) if (folder / "clone" / ".venv").is_dir() else None


def made(folder: Path, began: float) -> float:
    """Seconds from `began` until `make run` in the clone shows the log-in page."""
    port = free_port()
    env = environment(PATH=path_without_venv(), PORT=str(port), **pip_configuration())
    with started(["make", "-C", str(folder / "clone"), "run"], env, folder, port) as site:
        seconds = seconds_to_first_page(site, began)
        site.signal(signal.SIGINT)
        site.wait()
        return seconds


def path_without_venv() -> str:
    return os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if Path(part) != PYTHON.parent)


def pip_configuration() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "XDG_"))}
