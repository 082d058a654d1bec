"""Turns: a message is sent, an answer is asked for again, another branch is shown.

A turn is accepted by one database transaction; nothing is acknowledged before it commits, and the model
is not called before either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from conversations.cleaning import clean
from conversations.errors import ConversationBusy, InputError
from conversations.models import Conversation, Generation
from conversations.services.acceptance import Draft
from conversations.services.catalogue import available_models
from conversations.services.conversations import read, read_with_room
from conversations.services.judging import judged
from conversations.services.launching import body_hash, launch, once
from conversations.services.turning_back import brought_back, check_is_remembered, is_behind
from conversations.services.wishes import Wish, chosen_with_options, said_beside
from conversations.stores import store_of
from conversations.streaming.executors import in_database, in_store
from conversations.types import NOTHING, Message, Transcript, new_id


async def send_message(
    conversation: Conversation,
    content: str,
    *,
    parent_id: str | None = None,
    options: Mapping[str, Any] = NOTHING,
    idempotency_key: str | None = None,
    model: int | None = None,
    wish: Wish | None = None,
) -> Generation:
    """Accept a message and begin to answer it. The turn is durable when this returns.

    `parent_id` is the leaf that the page showed ("" for a first message, None for whatever is shown now).
    `model` is a ChatModel's pk, for this message and those that follow; `options`, by the names of settings, are for
    this message alone; `wish` is what a conversation that begins with this message keeps. The same
    `idempotency_key` with the same body returns the first generation again.

    Raises InputError and its family (guards, an unknown parent or model, a reused key: KeyReused),
    ConversationBusy, QuotaExceeded, StoreUnavailable, ShuttingDown; then nothing was accepted.
    """
    key = idempotency_key or new_id()
    said = clean(content).replace("\r\n", "\n")
    body = body_hash(conversation, said, parent_id, model, *said_beside(conversation, options, wish))

    async def attempt() -> Generation:
        chosen, effective = await in_database(chosen_with_options, model, conversation, options, wish)
        text = await judged(said, conversation, chosen)
        is_new = conversation._state.adding
        transcript = Transcript() if is_new else await in_store(read_with_room, conversation)
        parent = parent_of(transcript, parent_id)
        message = Message("user", text, parent_id=parent)
        draft = Draft(
            conversation, chosen, message.id, text, parent or "", effective, key, body, transcript, is_new_message=True
        )
        return await launch(draft, (*(transcript.branch(parent) if parent else ()), message))

    return await once(conversation, key, body, attempt)


async def regenerate(
    conversation: Conversation,
    message_id: str,
    *,
    idempotency_key: str | None = None,
    model: int | None = None,
    by_the_same: bool = False,
) -> Generation:
    """Ask for another answer beside the reply `message_id`, which stays. Raises what send_message raises.

    `by_the_same` asks whoever wrote that one, if it is still to be had. Where models are compared, it comes in the
    place of that one, by default from the same model.
    """
    key = idempotency_key or new_id()
    body = body_hash(conversation, message_id, "regenerate", model, *(["same"] if by_the_same else []))

    async def attempt() -> Generation:
        transcript = await in_store(read_with_room, conversation)
        question, reply = answered(transcript, message_id)
        lane = lane_of(transcript, reply)
        by_writer = (lane or by_the_same) and model is None
        wanted = await in_database(pk_of_writer, reply) if by_writer else model
        chosen, options = await in_database(chosen_with_options, wanted, conversation)
        draft = Draft(
            conversation,
            chosen,
            question.id,
            question.content,
            question.parent_id or "",
            options,
            key,
            body,
            transcript,
            lane=lane,
        )
        return await launch(draft, transcript.branch(question.id))

    return await once(conversation, key, body, attempt)


def answered(transcript: Transcript, message_id: str) -> tuple[Message, Message]:
    """The question and the reply `message_id`.

    Raises InputError for no such reply, and for one that was taken back or cleared; ConversationBusy for a live one.
    """
    index = transcript.index()
    reply = index.get(message_id)
    question = index.get(reply.parent_id or "") if reply and reply.role == "assistant" else None
    if reply is None or question is None:
        raise InputError(_("There is no such answer in this chat any more. Reload the page."))
    if reply.metadata.get("status") == Generation.Status.IN_PROGRESS:
        raise ConversationBusy(_("This answer is still being written."))
    check_is_remembered(transcript, message_id)
    return question, reply


def lane_of(transcript: Transcript, reply: Message) -> int:
    """The lane of a reply that stands side by side with others now; else 0."""
    return reply.metadata.get("lane", 0) if transcript.leaf == reply.parent_id else 0


def pk_of_writer(reply: Message) -> int | None:
    """The ChatModel that wrote it, if it is still to be had."""
    data = reply.metadata
    wrote = (model for model in available_models() if model.backend == data.get("backend"))
    return next((model.pk for model in wrote if model.model_id == data.get("model", "")), None)


async def edit_message(
    conversation: Conversation,
    message_id: str,
    content: str,
    *,
    idempotency_key: str | None = None,
    model: int | None = None,
) -> Generation:
    """Send another version of a message, as its sibling. Raises what send_message raises."""
    original = await in_store(own_message, conversation, message_id)
    return await send_message(
        conversation, content, parent_id=original.parent_id or "", idempotency_key=idempotency_key, model=model
    )


def own_message(conversation: Conversation, message_id: str) -> Message:
    """A person's own message.

    Raises InputError if there is none, and if it was taken back or cleared; StoreUnavailable.
    """
    transcript = read(conversation)
    message = transcript.index().get(message_id)
    if message is None or message.role != "user":
        raise InputError(_("There is no such message in this chat any more. Reload the page."))
    check_is_remembered(transcript, message_id)
    return message


def select(conversation: Conversation, message_id: str | None) -> None:
    """Show the branch that goes through this message to its newest end (None: nothing is shown).

    A question whose answers were compared shows them side by side again, if nothing follows them. One of those answers
    brings its model along, to go on with. Raises InputError if the store has no such message, ConflictError after many
    conflicts, StoreUnavailable.
    """

    def chosen(transcript: Transcript) -> Transcript:
        if message_id is not None and message_id not in transcript.index():
            raise InputError(_("There is no such message in this chat any more. Reload the page."))
        leaf = None if message_id is None else transcript.end_below(message_id)
        return transcript if leaf == transcript.leaf else brought_back(replace(transcript, leaf=leaf))

    transcript = store_of(conversation).update(conversation.key, chosen)
    reply = transcript.index().get(message_id or "")
    if reply and reply.metadata.get("lane") and (wrote := pk_of_writer(reply)):
        Conversation.objects.filter(pk=conversation.pk).update(model=wrote)


def parent_of(transcript: Transcript, parent_id: str | None) -> str | None:
    """The id to append to; of answers that stand side by side, none of them kept, the first one.

    Raises InputError for an unknown one, and for one that was taken back or cleared meanwhile; ConversationBusy while
    it is being written.
    """
    parent = transcript.leaf if parent_id is None else parent_id or None
    if parent is None:
        return None
    if lanes := transcript.lanes(parent):
        parent = lanes[0].id
    message = transcript.index().get(parent)
    if message is None or is_behind(transcript, parent):
        raise InputError(_("This chat has changed meanwhile. Reload the page and send again."))
    if message.metadata.get("status") == Generation.Status.IN_PROGRESS:
        raise ConversationBusy(
            _("An answer is still being written in this chat. Reload the page to see it, or send again later.")
        )
    return parent
