"""How the tests of backends ask."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from conversations.backends import ChatBackend
from conversations.errors import BackendError
from conversations.types import ChatRequest, Delta, Message


def question(text: str = "Who are you, really?", model: str = "test", **options) -> ChatRequest:
    return ChatRequest((Message("system", "Be brief."), Message("user", text)), model=model, options=options)


async def deltas_of(backend: ChatBackend, request: ChatRequest) -> list[Delta]:
    async with aclosing(backend.stream(request)) as stream:
        return [delta async for delta in stream]


async def text_of(backend: ChatBackend, request: ChatRequest) -> str:
    return "".join(delta.text for delta in await deltas_of(backend, request))


async def fault_of(backend: ChatBackend, request: ChatRequest) -> tuple[BackendError, str]:
    """The error that the reply ends with, and the text that came before it."""
    pieces: list[str] = []
    with pytest.raises(BackendError) as caught:
        await _collect(backend, request, pieces)
    return caught.value, "".join(pieces)


async def _collect(backend: ChatBackend, request: ChatRequest, pieces: list[str]) -> None:
    async with aclosing(backend.stream(request)) as stream:
        async for delta in stream:
            pieces.append(delta.text)
