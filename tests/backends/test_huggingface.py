"""Hugging Face through huggingface_hub, against a real server on loopback. Its faults: test_server_faults.py."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from conversations.backends.huggingface import ROUTER, HuggingFaceBackend
from conversations.models import ChatModel
from conversations.types import Usage
from tests.backends.asking import deltas_of, fault_of, question, text_of
from tests.upstream import Answer, chunk


@pytest.fixture
async def connect(upstream):
    made = []

    def make(**options):
        made.append(HuggingFaceBackend("huggingface", **{"base_url": upstream.url, "api_key": "hf_test", **options}))
        return made[-1]

    yield make
    for backend in made:
        await backend.aclose()


async def test_pieces_come_as_they_are_sent_and_the_last_counts_the_tokens(connect, upstream):
    upstream.enqueue("Hel", "lo")
    deltas = await deltas_of(connect(), question())
    assert "".join(delta.text for delta in deltas) == "Hello"  # what arrives together may be one piece
    assert (deltas[-1].finish_reason, deltas[-1].usage) == ("stop", Usage(12, 2))


async def test_the_token_the_payer_and_the_options_are_sent(connect, upstream):
    backend = connect(bill_to="acme", headers={"X-Team": "blue"})
    await text_of(backend, question("Hello", model="google/gemma-2-9b-it", temperature=0.2, top_k=5, stop="END"))
    (exchange,) = upstream.exchanges
    headers = {name.lower(): value for name, value in exchange.headers.items()}
    assert headers["authorization"] == "Bearer hf_test"
    assert headers["x-hf-bill-to"] == "acme"
    assert headers["x-team"] == "blue"
    assert exchange.body == {
        "model": "google/gemma-2-9b-it",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.2,
        "top_k": 5,
        "stop": ["END"],
    }


async def test_a_field_that_a_provider_refuses_is_left_out_from_then_on(connect, upstream):
    upstream.enqueue(Answer(400, {"error": {"message": "property 'top_k' is unsupported"}}))
    backend = connect()
    assert await text_of(backend, question("Hello", top_k=5)) == "Hello"
    await text_of(backend, question("Hello", top_k=5))
    assert ["top_k" in exchange.body for exchange in upstream.exchanges] == [True, False, False]


@pytest.mark.parametrize(
    ("asked", "sent"),
    [("a/model", "a/model:groq"), ("a/model:cerebras", "a/model:cerebras"), ("", "google/gemma-2-9b-it:groq")],
)
async def test_a_provider_is_named_with_the_model(connect, upstream, asked, sent):
    await text_of(connect(provider="groq"), question(model=asked))
    assert upstream.exchanges[0].body["model"] == sent


async def test_reasoning_stays_out_of_the_text(connect, upstream):
    upstream.enqueue(chunk(reasoning_content="Let me "), chunk(reasoning="see."), "84")
    deltas = await deltas_of(connect(), question())
    assert [delta.metadata.get("reasoning") for delta in deltas] == ["Let me ", "see.", None, None]
    assert "".join(delta.text for delta in deltas) == "84"


async def test_more_replies_are_live_than_the_library_admits_by_default(connect, upstream):
    gate = threading.Event()
    for i in range(120):
        upstream.enqueue("begun ", gate, f"done {i}")
    backend, begun = connect(), asyncio.Semaphore(0)

    async def read() -> str:
        pieces = []
        async for delta in backend.stream(question()):
            pieces.append(delta.text)
            begun.release()
        return "".join(pieces)

    tasks = [asyncio.create_task(read()) for _ in range(120)]
    async with asyncio.timeout(30):
        for _ in range(120):
            await begun.acquire()
        assert upstream.open == 120
        gate.set()
        assert set(await asyncio.gather(*tasks)) == {f"begun done {i}" for i in range(120)}


async def test_without_a_token_nothing_is_sent_and_both_check_and_reply_say_so(connect, upstream, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_of-the-developer")  # the library would find it
    backend = connect(api_key="")
    (message,) = backend.check()
    assert message.id == "conversations.E115"
    fault, _ = await fault_of(backend, question())
    assert "asks for an API key, and this site has none" in fault.message
    assert upstream.exchanges == []


def test_by_default_the_catalogue_is_a_selection_of_what_the_router_offers():
    backend = HuggingFaceBackend("huggingface", api_key="hf_test")
    assert backend.address.url() == ROUTER
    entries = backend.models()
    assert entries[0]["model_id"] == "google/gemma-2-9b-it"
    assert len({entry["model_id"] for entry in entries}) == len(entries) > 15
    for entry in entries:
        ChatModel(backend="huggingface", **entry).clean_fields()
        assert isinstance(entry["use_case"], str)
        assert entry["use_case"]
        assert entry["context_size"] >= 8192


def test_configured_models_keep_what_is_known_of_them():
    backend = HuggingFaceBackend("huggingface", api_key="hf_test", models=["Qwen/Qwen3-32B", "acme/own:groq"])
    known, own = backend.models()
    assert (known["label"], known["context_size"]) == ("Qwen 3 32B", 40960)
    assert own == {"model_id": "acme/own:groq", "label": "own:groq", "use_case": ""}


def test_the_library_is_not_loaded_before_the_first_reply():
    code = (
        "import sys, django\n"
        "from conversations.backends.huggingface import HuggingFaceBackend\n"
        "backend = HuggingFaceBackend('huggingface', api_key='hf_test')\n"
        "list(backend.check())\n"
        "sys.exit('huggingface_hub' in sys.modules or 'httpx2' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
