"""Readers that read slowly, or not at all: they cost little, miss nothing, and trouble nobody else."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from pathlib import Path

import pytest

from conversations.models import Generation
from conversations.rendering import render
from tests.crowd import cookies, crowd, read_until
from tests.reading import Page
from tests.serving import PATIENCE, ROOT, Served, Visitor, free_port, manage, production, started
from tests.upstream import Upstream

LITTLE = 4096  # bytes that the slow reader's kernel keeps for it
PARAGRAPH = "Some words of a reply that goes on and on, as if nobody had anything else to do but read it all.\n\n"
LONG = PARAGRAPH * 4_000  # 400 kB: far more than all buffers on the way hold
KERNEL_BUFFER = 4 * 64 * 1024  # bytes, above what Linux makes of chatsite.slow_readers.SEND_BUFFER
needs_linux = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="Linux tells of its connections in /proc.")


class SlowReader:
    """Asks for a stream and leaves it lying in the network, until it is asked to read."""

    def __init__(self, address: tuple[str, int], path: str, cookie: str, last_id: str = "") -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LITTLE)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(address)
        self.port = self._socket.getsockname()[1]
        last = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n{last}Connection: close\r\n\r\n".encode()
        )
        self._raw = b""

    def read(self, until: bytes = b"\r\n0\r\n\r\n") -> bytes:
        """The events that arrive up to and including those bytes, or until the connection breaks."""
        while until not in self._raw:
            try:
                arrived = self._socket.recv(65536)
            except ConnectionResetError:
                break
            if not arrived:
                break
            self._raw += arrived
        return without_chunks(self._raw.partition(b"\r\n\r\n")[2])

    def close(self) -> None:
        self._socket.close()


def without_chunks(raw: bytes) -> bytes:
    """The content of a chunked body, as far as it has arrived."""
    content = b""
    while match := re.match(rb"([0-9a-f]+)\r\n", raw):
        size = int(match[1], 16)
        content += raw[match.end() : match.end() + size]
        raw = raw[match.end() + size + 2 :]
    return content


def whole_events(stream: bytes) -> bytes:
    """Without what a broken connection left of the last event: so does a browser."""
    return stream[: stream.rfind(b"\n\n") + 2]


def waiting_bytes(site_port: int, reader_port: int) -> int | None:
    """What the site's kernel holds for a connection; None once there is none."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, queues, *_ = line.split()
        ports = [int(end.split(":")[1], 16) for end in (local, remote)]
        if ports == [site_port, reader_port] and state == "01":
            return int(queues.split(":")[0], 16)
    return None


@pytest.mark.django_db(transaction=True)
def test_a_reader_that_pauses_gets_the_whole_and_delays_nobody(site, scripted):
    people = cookies(1)
    port = int(site.rsplit(":", 1)[1])
    gate = asyncio.Event()
    words = [LONG[i : i + 2_000] for i in range(0, len(LONG), 2_000)]
    paced = [step for piece in words for step in (piece, lambda: asyncio.sleep(0.001))]
    scripted.enqueue("# Title\n\n", gate.wait, *paced)

    async def visit() -> SlowReader:
        async with crowd(site, people) as (person,):
            path = await person.send("Hello")
            slow = SlowReader(("127.0.0.1", port), path, people[0])
            await asyncio.to_thread(slow.read, b"Title")
            async with person.follow(path) as answer:
                await read_until(answer.content, b"Title")
                gate.set()
                page = Page().take(await answer.content.read())
        assert page.status == "completed"  # while the other reads nothing
        return slow

    slow = asyncio.run(visit())
    assert Generation.objects.get().status == "completed"
    if Path("/proc/net/tcp").exists():
        assert 0 < waiting_bytes(port, slow.port) < KERNEL_BUFFER
    page = Page().take(slow.read())
    slow.close()
    assert (page.status, page.settled) == ("completed", render("# Title\n\n" + LONG))


@needs_linux
def test_a_reader_that_never_reads_is_dropped_and_misses_nothing_when_it_comes_back(tmp_path):
    port = free_port()
    with Upstream() as upstream:
        upstream.enqueue(*[LONG[i : i + 5_000] for i in range(0, len(LONG), 5_000)])
        server = {"OPENAI_BASE_URL": upstream.url, "OPENAI_MODELS": "test", "STALLED_READER_TIMEOUT": "1"}
        env = production(tmp_path, HTTPS="0", PORT=str(port)) | server
        manage(env, "migrate", "--verbosity", "0")
        manage(env, "collectstatic", "--noinput", "--verbosity", "0")
        cookie = manage(env, "make_sessions", "1").strip()
        with started((ROOT / "Procfile").read_text().split("web: ")[1].strip(), env, tmp_path, port) as site:
            site.wait_until_up()
            path = begun_reply(site, cookie)
            slow = SlowReader(("127.0.0.1", port), path, cookie)
            wait_until_dropped(slow, port)
            page = Page().take(whole_events(slow.read()))
            assert page.status == "in_progress"
            again = SlowReader(("127.0.0.1", port), path, cookie, page.cursor)
            page.take(again.read())
            assert (page.status, page.settled) == ("completed", render(LONG))


def begun_reply(site: Served, cookie: str) -> str:
    visitor = Visitor(site.port, cookies=dict([cookie.split("=", 1)]))
    form = {"csrfmiddlewaretoken": visitor.token("/"), "content": "Hi", "parent_id": ""}
    answer = visitor.post("/send/", form, **{"X-Requested-With": "fetch"})
    return re.search(r'data-follow="([^"]+)"', answer.text)[1]


def wait_until_dropped(reader: SlowReader, site_port: int) -> None:
    give_up = time.monotonic() + PATIENCE
    while waiting_bytes(site_port, reader.port) is not None:
        assert time.monotonic() < give_up, "A reader that reads nothing keeps its connection."
        time.sleep(0.05)
