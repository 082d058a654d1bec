"""What a large import and a large export cost the server that also answers people.

    python -m bench.transfer                a file of 200 MB with 4,000 chats: in, and out again as one zip
    python -m bench.transfer --chats 400    a tenth of it

The server is the Procfile's, on an SQLite file. Prints its memory before, while and after, how long each part took, and
how long somebody else waited for the new-chat page meanwhile. Exits with 1 above a limit.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from bench.measures import family, resident_bytes, seconds_to_first_page, serving, signed_in
from tests.serving import Served, Visitor
from tests.transfer import samples

SIZE = 50_000  # bytes of a chat
BOUNDARY = "a-boundary-that-no-chat-holds"
MOST_GROWTH = 120.0  # MB above what the server had before
WORDS = [
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "the",
    "lazy",
    "dog",
    "and",
    "sleeps",
    "until",
    "sun",
    "rises",
]


def chat(number: int) -> dict:
    """Twenty turns of prose, each said once only."""
    mapping, before = {"root": samples.step("root", None, ["0"], None)}, "root"
    words = [f"{word}{number}" if place % 7 == 0 else word for place, word in enumerate(WORDS * 16)]
    for turn in range(40):
        text = " ".join(words[turn:] + words[:turn])[: SIZE // 48]
        said = samples.message("assistant" if turn % 2 else "user", text, 1_700_000_000 + turn)
        mapping[str(turn)] = samples.step(str(turn), before, [str(turn + 1)], said)
        before = str(turn)
    return samples.chatgpt(conversation_id=str(number), title=f"Chat {number}", mapping=mapping, current_node=before)


def written(path: Path, chats: int) -> None:
    with path.open("w") as file:
        for number in range(chats):
            file.write(("[" if not number else ",") + json.dumps(chat(number)))
        file.write("]")


class Watch:
    """Samples of the server's memory, and of how long a page takes."""

    def __init__(self, site: Served, visitor: Visitor) -> None:
        self._site, self._visitor = site, visitor
        self.memory: list[float] = []
        self.pages: list[float] = []

    def look(self) -> float:
        return sum(resident_bytes(pid) for pid in family(self._site.process.pid)) / 1e6

    @contextmanager
    def watching(self):
        self.memory, self.pages, over = [], [], threading.Event()

        def sample() -> None:
            while not over.wait(0.05):
                self.memory.append(self.look())

        def visit() -> None:
            while not over.wait(0.1):
                began = time.perf_counter()
                self._visitor.get("/")
                self.pages.append((time.perf_counter() - began) * 1000)

        threads = [threading.Thread(target=one, daemon=True) for one in (sample, visit)]
        for thread in threads:
            thread.start()
        yield
        over.set()
        for thread in threads:
            thread.join()

    def told(self, what: str, seconds: float) -> str:
        return (
            f"{what}: {seconds:.1f} s, memory at most {max(self.memory):.0f} MB, page median "
            f"{statistics.median(self.pages):.0f} ms, slowest {max(self.pages):.0f} ms"
        )


def upload(site: Served, visitor: Visitor, path: Path) -> str:
    """The address of the import."""
    page = visitor.get("/transfer/").text
    action = re.search(r'action="(/transfer/import/[^"]+)"', page)[1]
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{token}\r\n--{BOUNDARY}\r\n'
        'Content-Disposition: form-data; name="file"; filename="conversations.json"\r\n'
        "Content-Type: application/json\r\n\r\n"
    ).encode()
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    connection = HTTPConnection("127.0.0.1", site.port, timeout=120)
    connection.putrequest("POST", action)
    connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    connection.putheader("Content-Length", str(len(head) + path.stat().st_size + len(tail)))
    connection.putheader("Cookie", "; ".join(f"{name}={value}" for name, value in visitor.cookies.items()))
    connection.endheaders(head)
    with path.open("rb") as file:
        while chunk := file.read(1 << 16):
            connection.send(chunk)
    connection.send(tail)
    response = connection.getresponse()
    body = response.read()
    if response.status != 302:
        raise RuntimeError(f"{response.status}: {body[:300]!r}")
    return response.headers["Location"]


def wait_for(visitor: Visitor, address: str, stage: str) -> None:
    while f'data-stage="{stage}"' not in (page := visitor.get(address, **{"X-Requested-With": "fetch"}).text):
        if 'data-stage="refused"' in page or 'data-stage="stopped"' in page:
            raise RuntimeError(page)
        time.sleep(0.2)


def download(visitor: Visitor) -> int:
    response, size = visitor.open("GET", "/transfer/all.zip"), 0
    while chunk := response.read(1 << 16):
        size += len(chunk)
    return size


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chats", type=int, default=4_000)
    chats = parser.parse_args().chats
    with tempfile.TemporaryDirectory(prefix="transfer-") as name:
        folder = Path(name)
        written(path := folder / "conversations.json", chats)
        with serving(folder, IMPORT_DIR=str(folder / "imports")) as site:
            seconds_to_first_page(site, time.monotonic())
            visitor = signed_in(folder, site)
            visitor.get("/")
            return measured(site, visitor, path, chats)


def measured(site: Served, visitor: Visitor, path: Path, chats: int) -> int:
    watch = Watch(site, Visitor(site.port, cookies=dict(visitor.cookies)))
    idle, peaks = watch.look(), []
    print(f"{chats} chats, {path.stat().st_size / 1e6:.0f} MB; the server has {idle:.0f} MB")
    address = ""
    token = {}

    def send() -> None:
        nonlocal address
        address = upload(site, visitor, path)
        token["csrfmiddlewaretoken"] = visitor.token("/transfer/")

    def start() -> None:
        visitor.post(f"{address}start/", token)
        wait_for(visitor, address, "done")

    steps = [
        ("Sending", send),
        ("Reading", lambda: wait_for(visitor, address, "ready")),
        ("Importing", start),
        ("Exporting all", lambda: print(f"{download(visitor) / 1e6:.0f} MB zip")),
    ]
    for what, do in steps:
        began = time.perf_counter()
        with watch.watching():
            do()
        print(watch.told(what, time.perf_counter() - began), flush=True)
        peaks.append(max(watch.memory))
    growth = max(peaks) - idle
    print(f"The server had at most {growth:.0f} MB more than before (limit: {MOST_GROWTH:.0f})")
    return int(growth > MOST_GROWTH)


if __name__ == "__main__":
    sys.exit(main())
