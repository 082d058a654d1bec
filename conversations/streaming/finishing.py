"""What follows a decided reply: the store, the signal, the title. None of it delays the reply."""

from __future__ import annotations

import logging
from uuid import UUID

from conversations.backends import get_backend
from conversations.errors import ChatError
from conversations.models import Conversation, Generation
from conversations.relay import Relay
from conversations.signals import generation_finished
from conversations.streaming import outcome
from conversations.streaming.executors import in_database, in_store
from conversations.streaming.reply import LiveReply
from conversations.titles import make_title
from conversations.types import Delta, Message

logger = logging.getLogger(__name__)


async def finish(relay: Relay, reply: LiveReply) -> None:
    """Let the store follow, tell whoever listens, and give the conversation its title."""
    await _store(reply.generation_id)
    await in_database(_tell, reply.generation_id)
    if reply.wants_title and reply.outcome and reply.outcome.status == Generation.Status.COMPLETED:
        await _title(relay, reply)


async def catch_up() -> None:
    """What an earlier attempt, or a process that died, left undone."""
    for generation_id in await in_database(outcome.waiting_for_store):
        if not await _store(generation_id):
            break  # the store is away: the next tick tries again
    try:
        await in_store(outcome.purge_deleted)
    except ChatError as error:
        logger.warning("A deleted conversation's document could not be removed yet: %s", error)


async def _store(generation_id: UUID) -> bool:
    try:
        await in_store(outcome.store_turn, generation_id)
    except ChatError as error:
        logger.warning("A turn waits for the store: %s: %s", type(error).__name__, error)
        return False
    return True


def _tell(generation_id: UUID) -> None:
    for receiver, answer in generation_finished.send_robust(sender=Generation, generation_id=generation_id):
        if isinstance(answer, Exception):
            logger.error("A receiver of generation_finished failed: %r", receiver, exc_info=answer)


async def _title(relay: Relay, reply: LiveReply) -> None:
    """Ask for a title; a name given by a person meanwhile stays."""
    said = [message for message in reply.request.messages if message.role != "system"]
    messages = [*said, Message("assistant", reply.text)]
    title = await make_title(messages, get_backend(reply.backend), reply.request.model)
    if title and await in_database(_save_title, reply.request.conversation_id, title):
        metadata = {"conversation_id": reply.request.conversation_id, "title": title}
        relay.notify(reply.generation_id, Delta(metadata=metadata))


def _save_title(conversation_id: str, title: str) -> bool:
    Source = Conversation.TitleSource
    rows = Conversation.objects.filter(pk=conversation_id, deleted_at=None, title_source=Source.FALLBACK)
    return bool(rows.update(title=title, title_source=Source.MODEL))
