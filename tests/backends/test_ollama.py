"""Ollama, as its own kind of server: found, listed, and told apart when something is wrong."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chatsite import ollama
from conversations.backends.ollama import OllamaBackend
from tests.backends.asking import fault_of, question, text_of
from tests.upstream import Answer

TAGS = {"models": [{"name": "llama3.2:latest", "size": 2_019_393_189}]}


@pytest.fixture
async def backend(upstream):
    made = OllamaBackend("ollama", base_url=upstream.url)
    yield made
    await made.aclose()


async def test_its_own_list_tells_sizes(backend, upstream):
    upstream.tags = TAGS
    (offer,) = await backend.offers()
    assert (offer.model_id, offer.fields["memory"]) == ("llama3.2:latest", "2.0 GB")
    assert [exchange.path for exchange in upstream.exchanges] == ["/api/tags"]


async def test_where_only_the_compatible_list_is_let_through_that_one_is_taken(backend, upstream):
    upstream.tags = Answer(404, b"not here")
    upstream.models = {"data": [{"id": "llama3.2:latest"}]}
    assert [offer.model_id for offer in await backend.offers()] == ["llama3.2:latest"]


async def test_it_answers(backend):
    assert await text_of(backend, question("Hello there")) == "Hello there"
    assert backend.label == "Ollama"


async def test_a_model_that_was_not_fetched_is_told_with_the_command_to_fetch_it(backend, upstream):
    upstream.enqueue(Answer(404, {"error": {"message": "model 'test' not found"}}))
    fault, _ = await fault_of(backend, question())
    assert fault.message.endswith("ollama pull test")


async def test_one_that_does_not_run_is_told_with_the_command_to_start_it():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    backend = OllamaBackend("ollama", base_url=f"http://127.0.0.1:{port}/v1")
    fault, _ = await fault_of(backend, question())
    assert f"cannot be reached at 127.0.0.1:{port}. " in fault.message
    assert "ollama serve" in fault.message
    assert (fault.blames, fault.is_transient) == ("server", True)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("", ""),
        ("localhost", "http://localhost:11434/v1"),
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        (":11500", "http://127.0.0.1:11500/v1"),
        ("gpu-box:11500", "http://gpu-box:11500/v1"),
        ("[::1]", "http://[::1]:11434/v1"),
        ("[::]:11434", "http://[::1]:11434/v1"),
        ("http://gpu-box:11434", "http://gpu-box:11434/v1"),
        ("http://gpu-box:11434/v1/", "http://gpu-box:11434/v1"),
        ("https://ollama.example.com", "https://ollama.example.com/v1"),
        ("https://example.com/ollama", "https://example.com/ollama/v1"),
    ],
)
def test_its_address_is_written_as_for_ollama_itself(host, address):
    assert ollama.base_url(host) == address


@contextmanager
def listening(status: int) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status if self.path == "/api/version" else 404)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_one_on_this_machine_is_found_and_another_server_is_not_mistaken_for_it():
    with listening(200) as port:
        assert ollama.find(port) == f"http://127.0.0.1:{port}/v1"
    with listening(404) as port:
        assert ollama.find(port) == ""
    assert ollama.find(port) == ""  # nobody listens there any more


def test_a_port_that_says_nothing_holds_nobody_up(monkeypatch):
    monkeypatch.setattr(ollama, "LOOK_FOR", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert ollama.find(silent.getsockname()[1]) == ""
