"""One message to several models: their answers stand side by side until one of them is kept.

They are siblings below the message, told apart by their lanes, counted from one. While the message itself is the end
that is shown, its answers are shown beside each other; to keep one is to show the branch that ends with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from conversations.cleaning import clean
from conversations.errors import ConversationBusy, InputError
from conversations.models import ChatModel, Conversation, Generation
from conversations.services.acceptance import Draft
from conversations.services.conversations import read, read_with_room
from conversations.services.judging import judged
from conversations.services.launching import body_hash, launch_all, once
from conversations.services.replaying import replay_all
from conversations.services.stopping import stop
from conversations.services.turning_back import check_is_remembered
from conversations.services.turns import parent_of, select
from conversations.services.wishes import Wish, chosen_with_options, said_beside
from conversations.streaming import storing
from conversations.streaming.executors import in_database, in_store
from conversations.types import NOTHING, Message, Transcript, new_id

FEWEST, MOST = 2, 4  # the most that a browser can follow at once beside everything else: six connections to one host


async def compare(
    conversation: Conversation,
    content: str,
    *,
    models: Sequence[int],
    parent_id: str | None = None,
    options: Mapping[str, Any] = NOTHING,
    idempotency_key: str | None = None,
    wish: Wish | None = None,
) -> tuple[Generation, ...]:
    """Accept a message that several models answer, and begin to answer it: a generation for each, in their order.

    `models` are two to four different ChatModel pks. All are accepted or none; each then ends by itself. Together they
    count as one running reply. The rest is as with send_message, what it raises included.
    """
    key = idempotency_key or new_id()
    said = clean(content).replace("\r\n", "\n")
    body = body_hash(conversation, said, parent_id, "compare", *models, *said_beside(conversation, options, wish))

    async def attempt() -> tuple[Generation, ...]:
        chosen = await in_database(_chosen, models, conversation, options, wish)
        text = await judged(said, conversation, *(model for model, _options in chosen))
        transcript = Transcript() if conversation._state.adding else await in_store(read_with_room, conversation)
        parent = parent_of(transcript, parent_id)
        message = Message("user", text, parent_id=parent)
        drafts = tuple(
            Draft(
                conversation,
                model,
                message.id,
                text,
                parent or "",
                effective,
                key if lane == 1 else new_id(),
                body,
                transcript,
                is_new_message=True,
                lane=lane,
            )
            for lane, (model, effective) in enumerate(chosen, start=1)
        )
        return await launch_all(drafts, (*(transcript.branch(parent) if parent else ()), message))

    return await once(conversation, key, body, attempt, replay_all)


def _chosen(
    models: Sequence[int], conversation: Conversation, options: Mapping[str, Any], wish: Wish | None
) -> list[tuple[ChatModel, dict[str, Any]]]:
    """Each with what it is asked with. Raises InputError if they are too few, too many, or one is not to be had."""
    wanted = list(dict.fromkeys(models))
    if not FEWEST <= len(wanted) <= MOST:
        raise InputError(
            _("Choose {least} to {most} models to compare, or none to send to one model.").format(
                least=FEWEST, most=MOST
            )
        )
    first, *others = wanted
    return [
        chosen_with_options(first, conversation, options, wish, beside=others),  # it is the conversation's own, then
        *(chosen_with_options(model, conversation, options) for model in others),
    ]


async def keep(conversation: Conversation, message_id: str) -> None:
    """Go on with one of the answers that stand side by side, and with its model; those still being written stop.

    The others stay as versions of it. Raises InputError if there is no such answer, or if it was taken back or cleared;
    ConversationBusy while it is being written, ConflictError, StoreUnavailable.
    """
    transcript = await in_store(read, conversation)
    reply = transcript.index().get(message_id)
    if reply is None or not reply.metadata.get("lane"):
        raise InputError(_("There is no such answer in this chat any more. Reload the page."))
    if reply.metadata.get("status") == Generation.Status.IN_PROGRESS:
        raise ConversationBusy(_("This answer is still being written. Wait for its end, or stop it, then keep it."))
    check_is_remembered(transcript, message_id)
    await in_store(_show, conversation, reply)
    await _stop_all(conversation.pk, reply.parent_id or "")


def _show(conversation: Conversation, reply: Message) -> None:
    rows = Generation.objects.filter(conversation_id=conversation.pk, reply_id=reply.id, stored_at=None)
    for generation_id in rows.values_list("pk", flat=True):  # it ended a moment ago, or the store was away
        storing.store_turn(generation_id)
    select(conversation, reply.id)


async def stop_all(generation: Generation) -> None:
    """Stop this reply and all that answer the same message."""
    await _stop_all(generation.conversation_id, generation.user_message_id)


async def _stop_all(conversation_id: Any, user_message_id: str) -> None:
    rows = Generation.objects.filter(
        conversation_id=conversation_id, user_message_id=user_message_id, status=Generation.Status.IN_PROGRESS
    )
    for generation in await in_database(lambda: list(rows)):
        await stop(generation)
