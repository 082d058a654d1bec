"""What tests say often, said once."""

from __future__ import annotations

import asyncio
import threading

from conversations import services
from conversations.backends.scripted import ScriptedBackend
from conversations.errors import StoreUnavailable
from conversations.models import Generation
from conversations.stores.base import ConversationStore
from conversations.streaming.executors import in_database, in_store
from conversations.types import Delta, Message


async def say(user, text: str, **options) -> Generation:
    """A message in a new conversation."""
    return await services.send_message(services.start_conversation(user), text, parent_id="", **options)


async def refreshed(generation: Generation) -> Generation:
    return await in_database(lambda: Generation.objects.select_related("conversation").get(pk=generation.pk))


async def finished(generation: Generation, *, stored: bool = True) -> Generation:
    """The row once its outcome is decided (and stored)."""
    async with asyncio.timeout(10):
        while True:
            row = await refreshed(generation)
            if not row.is_live and (row.stored_at or not stored):
                return row
            await asyncio.sleep(0.01)


async def branch(conversation) -> tuple[Message, ...]:
    return (await in_store(services.read, conversation)).branch()


class Gate:
    """Holds a scripted reply until the test, in whatever thread, opens it."""

    def __init__(self) -> None:
        self._open = threading.Event()

    async def wait(self) -> None:
        while not self._open.is_set():
            await asyncio.sleep(0.01)

    def open(self) -> None:
        self._open.set()


class BrokenStore(ConversationStore):
    """Storage that is down."""

    def _fail(self, *args):
        raise StoreUnavailable("The storage does not answer.")

    load = save = delete = keys = _fail


class Endless(ScriptedBackend):
    """A model whose stream ends without a finish reason."""

    async def stream(self, request):
        yield Delta("Some words")


class Asked(ScriptedBackend):
    """A model that takes no beginning of its answer: it has to be asked to go on."""

    supports_continue = False
