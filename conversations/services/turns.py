"""Turns: a message is sent, an answer is asked for again, a running one is stopped.

A turn is accepted by one database transaction; nothing is acknowledged before it commits, and the model
is not called before either.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from conversations.backends import get_backend
from conversations.cleaning import clean
from conversations.errors import ChatError, ConversationBusy, InputError
from conversations.guards import check_message
from conversations.models import ChatModel, Conversation, Generation
from conversations.services.acceptance import Draft, accept, replay
from conversations.services.catalogue import candidates, choose_model
from conversations.services.conversations import read, read_with_room
from conversations.services.prompting import build_request
from conversations.stores import get_store
from conversations.streaming import current_writer
from conversations.streaming.executors import in_database, in_store
from conversations.streaming.reply import LiveReply
from conversations.streaming.writer import Writer
from conversations.types import NOTHING, Message, Transcript, new_id


async def send_message(
    conversation: Conversation,
    content: str,
    *,
    parent_id: str | None = None,
    options: Mapping[str, Any] = NOTHING,
    idempotency_key: str | None = None,
    model: int | None = None,
) -> Generation:
    """Accept a message and begin to answer it. The turn is durable when this returns.

    `parent_id` is the leaf that the page showed ("" for a first message, None for whatever is shown now).
    `model` is a ChatModel's pk, for this message and those that follow. The same `idempotency_key` with the
    same body returns the first generation again.

    Raises InputError and its family (guards, an unknown parent or model, a reused key: KeyReused),
    ConversationBusy, QuotaExceeded, StoreUnavailable, ShuttingDown; then nothing was accepted.
    """
    key = idempotency_key or new_id()
    text = clean(content).replace("\r\n", "\n")
    body = _hash(conversation, text, parent_id, model)
    if known := await in_database(replay, conversation.user_id, key, body):
        return known
    text = check_message(text)
    chosen = await in_database(choose_model, model, conversation)
    transcript = Transcript() if conversation._state.adding else await in_store(read_with_room, conversation)
    parent = _parent(transcript, parent_id)
    message = Message("user", text, parent_id=parent)
    draft = Draft(conversation, chosen, message.id, text, parent or "", dict(options), key, body, is_new_message=True)
    return await _launch(draft, (*(transcript.branch(parent) if parent else ()), message))


async def regenerate(
    conversation: Conversation, message_id: str, *, idempotency_key: str | None = None, model: int | None = None
) -> Generation:
    """Ask for another answer beside the reply `message_id`, which stays. Raises what send_message raises."""
    key = idempotency_key or new_id()
    body = _hash(conversation, message_id, "regenerate", model)
    if known := await in_database(replay, conversation.user_id, key, body):
        return known
    transcript = await in_store(read_with_room, conversation)
    index = transcript.index()
    reply = index.get(message_id)
    question = index.get(reply.parent_id or "") if reply and reply.role == "assistant" else None
    if question is None:
        raise InputError(_("There is no such answer in this chat any more. Reload the page."))
    if reply.metadata.get("status") == Generation.Status.IN_PROGRESS:
        raise ConversationBusy(_("This answer is still being written."))
    chosen = await in_database(choose_model, model, conversation)
    draft = Draft(conversation, chosen, question.id, question.content, question.parent_id or "", {}, key, body)
    return await _launch(draft, transcript.branch(question.id))


async def edit_message(
    conversation: Conversation, message_id: str, content: str, *, idempotency_key: str | None = None
) -> Generation:
    """Send another version of a message, as its sibling. Raises what send_message raises."""
    transcript = await in_store(read, conversation)
    original = transcript.index().get(message_id)
    if original is None or original.role != "user":
        raise InputError(_("There is no such message in this chat any more. Reload the page."))
    return await send_message(
        conversation, content, parent_id=original.parent_id or "", idempotency_key=idempotency_key
    )


def select(conversation: Conversation, message_id: str | None) -> None:
    """Show the branch that goes through this message to its newest end (None: nothing is shown).

    Raises InputError if the store has no such message, ConflictError after many conflicts, StoreUnavailable.
    """

    def chosen(transcript: Transcript) -> Transcript:
        if message_id is not None and message_id not in transcript.index():
            raise InputError(_("There is no such message in this chat any more. Reload the page."))
        leaf = None if message_id is None else transcript.end_below(message_id)
        return transcript if leaf == transcript.leaf else replace(transcript, leaf=leaf)

    get_store().update(conversation.key, chosen)


async def stop(generation: Generation) -> None:
    """Stop writing it; what is written stays. A reply that has ended is left as it is."""
    if not current_writer().stop(generation.pk):
        rows = Generation.objects.filter(pk=generation.pk, status=Generation.Status.IN_PROGRESS)
        await in_database(lambda: rows.update(stop_requested=True))


async def _launch(draft: Draft, messages: tuple[Message, ...]) -> Generation:
    """Accept the turn, then begin to write its reply in this process.

    Both in one task of the writer's: a reader who leaves cancels the view, not what was half accepted.
    All that may fail comes before the transaction.
    """
    writer = current_writer()
    writer_id = await writer.ready()
    reply = LiveReply(
        draft.generation_id,
        await in_database(candidates, draft.model),
        build_request(draft, messages),
        wants_title=_wants_title(draft.conversation, draft.model),
    )
    return await asyncio.shield(writer.spawn(_accept_and_write(writer, draft, reply, writer_id)))


async def _accept_and_write(writer: Writer, draft: Draft, reply: LiveReply, writer_id: UUID) -> Generation:
    store, key = get_store(), draft.conversation.key
    is_new = draft.conversation._state.adding
    if is_new:
        await in_store(store.save, key, Transcript())
    try:
        generation, is_fresh = await in_database(accept, draft, writer_id)
    except ChatError:
        if is_new:
            await in_store(store.delete, key)
        raise
    if is_fresh:
        writer.launch(reply)
    elif is_new:
        await in_store(store.delete, key)  # the same send was accepted a moment ago, under another id
    return generation


def _wants_title(conversation: Conversation, model: ChatModel) -> bool:
    is_untitled = conversation.title_source == Conversation.TitleSource.FALLBACK
    return is_untitled and get_backend(model.backend).is_language_model


def _parent(transcript: Transcript, parent_id: str | None) -> str | None:
    """The id to append to. Raises InputError for an unknown one, ConversationBusy while it is being written."""
    parent = transcript.leaf if parent_id is None else parent_id or None
    if parent is None:
        return None
    message = transcript.index().get(parent)
    if message is None:
        raise InputError(_("This chat has changed meanwhile. Reload the page and send again."))
    if message.metadata.get("status") == Generation.Status.IN_PROGRESS:
        raise ConversationBusy(
            _("An answer is still being written in this chat. Reload the page to see it, or send again later.")
        )
    return parent


def _hash(conversation: Conversation, *parts: Any) -> str:
    """What makes two sends the same. A new conversation's id is made by the server, so it is left out."""
    where = "" if conversation._state.adding else str(conversation.pk)
    payload = json.dumps([where, *parts], ensure_ascii=True)
    return hashlib.sha256(payload.encode()).hexdigest()
