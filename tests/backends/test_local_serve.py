"""`transformers serve` for real, behind the connection that every server has: where one process is not enough."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import aclosing
from pathlib import Path

import pytest

from conversations.backends.chat_completions import ChatCompletionsBackend
from conversations.errors import BackendError
from tests.backends.local_asking import GUARD, answer, begun, deltas, local_model, needs_torch, saying, text_of
from tests.serving import free_port
from tests.tiny_model import ANSWERS, ENDLESS, NAMES, TINY

pytestmark = local_model


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Its address. It runs without a network, on a folder; HF_HOME must exist, or its list of models is a 500."""
    needs_torch()
    pytest.importorskip("openai", reason="Install what transformers serve needs: pip install transformers[serving]")
    home, port = tmp_path_factory.mktemp("home"), free_port()
    (home / "hub").mkdir()
    command = [str(Path(sys.executable).parent / "transformers"), "serve", str(TINY), "--port", str(port)]
    environment = os.environ | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with (home / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(f"http://127.0.0.1:{port}/v1/models", process, home / "log.txt")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    give_up = time.monotonic() + 2 * GUARD
    while time.monotonic() < give_up:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture
async def backend(server):
    backend = ChatCompletionsBackend("server", base_url=server, models=[str(TINY)])
    yield backend
    await backend.aclose()


def asking(*texts: str, **options):
    from dataclasses import replace

    return replace(saying(*texts, **options), model=str(TINY))


async def said(backend, *texts: str, **options) -> str:
    return text_of(await deltas(backend, asking(*texts, **options)))


async def test_it_answers_through_the_same_connection_to_the_letter(backend):
    for question in ("Hello", "Count to ten.", "Show me a table."):
        assert await said(backend, question) == ANSWERS[question]


async def test_it_recalls_a_name_and_ends_with_a_reason(backend):
    found = await deltas(backend, asking("My name is Ada.", "Nice to meet you, Ada!", "What is my name?"))
    assert text_of(found) == "Your name is Ada."
    assert found[-1].finish_reason == "stop"
    cut = await deltas(backend, asking("Count to ten.", max_tokens=5))
    assert cut[-1].finish_reason == "length"


async def test_several_people_at_once_get_their_own(backend):
    chats = [[f"My name is {name}.", f"Nice to meet you, {name}!", "What is my name?"] for name in NAMES[:4]]
    found = await asyncio.gather(*(said(backend, *texts) for texts in chats))
    assert found == [f"Your name is {name}." for name in NAMES[:4]]


async def test_stop_reaches_it_and_the_next_one_is_answered(backend):
    async with aclosing(backend.stream(asking(ENDLESS, max_tokens=4096))) as stream:
        await begun(stream)
    assert await said(backend, "Hello") == ANSWERS["Hello"]


async def test_a_server_that_is_gone_is_a_sentence():
    gone = ChatCompletionsBackend("server", base_url=f"http://127.0.0.1:{free_port()}/v1", models=["tiny"])
    with pytest.raises(BackendError, match="cannot be reached"):
        await answer(gone, "Hello")
    await gone.aclose()
