"""Asking for a reply: the model that was chosen, and what is tried when it does not answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from conversations.backends import get_backend
from conversations.streaming.reply import LiveReply
from conversations.types import Delta


async def ask(reply: LiveReply) -> AsyncGenerator[Delta, None]:
    """The deltas of whoever answers; `reply.candidate` says who. Raises what the last one asked raised."""
    async with aclosing(get_backend(reply.backend).stream(reply.request)) as deltas:
        async for delta in deltas:
            yield delta
