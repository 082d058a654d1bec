"""What Hugging Face says when a local model is fetched: over HTTP, from a hub on loopback."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from conversations.backends.local import LocalBackend
from conversations.errors import BackendError
from tests.backends.local_asking import answer, local_model, needs_torch
from tests.tiny_model import ANSWERS, TINY

COMMIT = "c0ffee" * 6 + "c0de"


def entry(file: Path) -> dict:
    """A file as the hub lists it."""
    oid = hashlib.sha256(file.read_bytes()).hexdigest()
    return {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": oid}


class Hub(BaseHTTPRequestHandler):
    """A hub with one open model, one whose licence must be accepted, and nothing else."""

    def do_GET(self):
        path = self.path.split("?")[0]
        if "owner/gated" in path:
            self._refuse(403, "GatedRepo")
        elif path.startswith("/api/models/owner/open/tree/"):
            self._answer(json.dumps([entry(file) for file in sorted(TINY.iterdir())]).encode(), "application/json")
        elif path.startswith("/api/models/owner/open"):
            siblings = [{"rfilename": file.name} for file in sorted(TINY.iterdir())]
            found = {"id": "owner/open", "sha": COMMIT, "siblings": siblings}
            self._answer(json.dumps(found).encode(), "application/json")
        elif "/resolve/" in path and "owner/open" in path:
            self._answer((TINY / Path(path).name).read_bytes(), "application/octet-stream")
        else:
            self._refuse(404, "RepoNotFound")

    do_HEAD = do_GET

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args) -> None:
        pass


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """Its port; what models' processes fetch comes from there into an empty cache."""
    needs_torch()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    yield server
    server.shutdown()
    server.server_close()


async def told(model: str) -> str:
    backend = LocalBackend("local", model=model, threads=1)
    try:
        with pytest.raises(BackendError) as caught:
            await answer(backend, "Hello")
    finally:
        await backend.aclose()
    return caught.value.message


@local_model
async def test_a_model_is_fetched_by_its_name_and_answers(hub):
    backend = LocalBackend("local", model="owner/open", threads=1)
    assert await answer(backend, "Hello") == ANSWERS["Hello"]
    await backend.aclose()


@local_model
async def test_a_model_that_was_fetched_once_answers_without_the_network(hub):
    backend = LocalBackend("local", model="owner/open", threads=1)
    await answer(backend, "Hello")
    await backend.aclose()
    hub.shutdown()
    hub.server_close()
    again = LocalBackend("local", model="owner/open", threads=1)
    assert await answer(again, "Hello") == ANSWERS["Hello"]
    await again.aclose()


@local_model
async def test_a_gated_model_is_told_with_what_unlocks_it(hub):
    assert await told("owner/gated") == (
        "“owner/gated” must be unlocked first: accept its licence at Hugging Face, and set HF_TOKEN."
    )


@local_model
async def test_a_name_that_hugging_face_does_not_know_is_told(hub):
    assert await told("owner/typo") == (
        "Hugging Face knows no “owner/typo” that this site may download. Check the name."
    )


@local_model
async def test_no_network_is_told_with_what_helps(hub):
    hub.shutdown()
    hub.server_close()
    assert (await told("owner/open")).startswith(
        "“owner/open” could not be downloaded: Hugging Face cannot be reached from this machine."
    )


@local_model
async def test_a_machine_that_is_offline_on_purpose_hears_the_same(hub, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "cannot be reached from this machine" in await told("owner/open")
