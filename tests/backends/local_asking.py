"""Asking a local model, and what came of it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from importlib.util import find_spec

import pytest

from conversations.types import ChatRequest, Message

GUARD = 120  # seconds after which a hanging test gives up
local_model = pytest.mark.local_model


def needs_torch() -> None:
    """Looked for, not imported: most of these tests talk to another process."""
    if not all(map(find_spec, ("torch", "transformers", "peft"))):
        pytest.skip("Install the local models' packages: pip install -r requirements-local.txt")


def saying(*texts: str, system: str = "", parameters=None, **options) -> ChatRequest:
    """What a person and the model said by turns, the person last."""
    messages = [Message("system", system)] if system else []
    messages += [Message(("user", "assistant")[number % 2], text) for number, text in enumerate(texts)]
    return ChatRequest(tuple(messages), options={"temperature": 0, **options}, parameters=parameters or {})


async def deltas(backend, request):
    async with asyncio.timeout(GUARD), aclosing(backend.stream(request)) as stream:
        return [delta async for delta in stream]


async def answer(backend, *texts: str, **options) -> str:
    return text_of(await deltas(backend, saying(*texts, **options)))


def text_of(found) -> str:
    return "".join(delta.text for delta in found)


def waits(found) -> list[str]:
    return [delta.metadata["waiting"] for delta in found if "waiting" in delta.metadata]


async def begun(stream) -> str:
    """Read until the first text is there."""
    async for delta in stream:
        if delta.text:
            return delta.text
    raise AssertionError("The reply ended without text.")
