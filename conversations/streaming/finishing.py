"""What follows a decided reply: the store, the signal, the title. None of it delays the reply."""

from __future__ import annotations

import logging
import time
from uuid import UUID

from conversations import plain_sql
from conversations.backends import get_backend
from conversations.errors import StoreUnavailable
from conversations.guards import check_title
from conversations.indexing import index_title
from conversations.models import Conversation, Generation
from conversations.reasoning import OPENED, PARAMETER
from conversations.relay import Relay
from conversations.signals import generation_finished
from conversations.streaming import outcome, storing
from conversations.streaming.executors import in_database, in_store
from conversations.streaming.reply import LiveReply
from conversations.titles import make_title
from conversations.types import Delta, Key, Message

logger = logging.getLogger(__name__)
PRUNE_EVERY = 3600.0  # seconds
END_EVERY = 60.0  # seconds
REFUSED_AGAIN_AFTER = 60.0  # seconds


async def finish(relay: Relay, reply: LiveReply) -> None:
    """Let the store follow, tell whoever listens, and give the conversation its title."""
    if not reply.is_stored:
        await _store(reply.generation_id)
    if generation_finished.has_listeners(Generation):
        await in_database(outcome.tell, reply.generation_id)
    if reply.wants_title and reply.outcome and reply.outcome.status == Generation.Status.COMPLETED:
        for other in reply.beside:
            other.wants_title = False
        await _title(relay, reply)


class Outbox:
    """What an earlier attempt, or a process that died, left undone."""

    def __init__(self) -> None:
        self._pruned_at = self._ended_at = float("-inf")
        self._refused: dict[UUID, float] = {}  # when the store refused a turn that waiting will not mend soon

    async def catch_up(self) -> None:
        now = time.monotonic()
        self._refused = {pk: at for pk, at in self._refused.items() if now - at < REFUSED_AGAIN_AFTER}
        try:
            for generation_id in await in_database(storing.waiting_for_store, list(self._refused)):
                await self._store(generation_id)
            await in_store(storing.purge_deleted)
            if now - self._ended_at > END_EVERY:
                self._ended_at = now
                await in_store(storing.end_temporary)
            if now - self._pruned_at > PRUNE_EVERY:
                self._pruned_at = now
                await in_database(storing.prune)
                await in_database(storing.empty_trash)
        except StoreUnavailable as error:  # the next tick tries again
            logger.warning("The store does not answer: %s", error)

    async def _store(self, generation_id: UUID) -> None:
        try:
            await in_store(storing.store_turn, generation_id)
        except StoreUnavailable:
            raise
        except Exception:  # a broken or full document must not keep the others waiting
            self._refused[generation_id] = time.monotonic()
            logger.exception("Turn %s could not be stored", generation_id)


async def _store(generation_id: UUID) -> None:
    try:
        await in_store(storing.store_turn, generation_id)
    except Exception as error:  # the outbox tries again, whatever it was
        logger.warning("Turn %s waits for the store: %s: %s", generation_id, type(error).__name__, error)


async def _title(relay: Relay, reply: LiveReply) -> None:
    """Ask for a title; a name given by a person meanwhile stays."""
    messages = [*reply.said_before, Message("assistant", reply.text)]
    parameters, thinks = reply.request.parameters, reply.thoughts.length > 0
    if reply.thoughts.is_opened:
        parameters = {**parameters, PARAMETER: OPENED}
    backend = get_backend(reply.backend)
    title = await make_title(messages, backend, reply.request.model, parameters=parameters, thinks=thinks)
    title = check_title(title, reply.exchange())  # refused: the first words stay, which were accepted
    if title and await in_database(_save_title, reply.request.user_id, reply.request.conversation_id, title):
        metadata = {"conversation_id": reply.request.conversation_id, "title": title}
        relay.notify(reply.generation_id, Delta(metadata=metadata))


def _save_title(user_id: str, conversation_id: str, title: str) -> bool:
    Source = Conversation.TitleSource
    row = {"id": conversation_id, "deleted_at": None, "title_source": Source.FALLBACK}
    if not plain_sql.update(Conversation, row, {"title": title, "title_source": Source.MODEL}):
        return False
    index_title(Key(user_id, conversation_id))
    return True
