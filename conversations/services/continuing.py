"""Going on with an answer that was cut short: a new reply that begins with the text of the old one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from conversations import guards
from conversations.backends import get_backend
from conversations.errors import BackendUnavailable, InputError
from conversations.models import ChatModel, Conversation, Generation
from conversations.presenting import can_go_on
from conversations.services.acceptance import Draft
from conversations.services.catalogue import choose_model
from conversations.services.conversations import read_with_room
from conversations.services.launching import body_hash, launch, once
from conversations.services.tuning import prepared_options
from conversations.services.turns import answered, lane_of
from conversations.sources import clean_sources
from conversations.streaming.executors import in_database, in_store
from conversations.types import new_id


async def continue_reply(
    conversation: Conversation, message_id: str, *, idempotency_key: str | None = None, model: int | None = None
) -> Generation:
    """Go on with the reply `message_id`, which was interrupted, stopped, failed in the middle or cut at its limit.

    The new reply stands beside it and is the whole answer: the old text and what follows. The old one stays in the
    document, and is not counted as another version. `model` is by default the one that wrote the old text.

    Raises what send_message raises; InputError also for a reply that is complete or has no text.
    """
    key = idempotency_key or new_id()
    body = body_hash(conversation, message_id, "continue", model)

    async def attempt() -> Generation:
        transcript = await in_store(read_with_room, conversation)
        question, reply = answered(transcript, message_id)
        if not can_go_on(reply):
            raise InputError(_("There is nothing to continue here: the answer is complete. Reload the page."))
        chosen, options = await in_database(_model_with_options, model, reply.metadata, conversation)
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
            continues=reply.id,
            prefix=reply.content,
            thoughts=reply.metadata.get("reasoning", ""),
            thought_for=reply.metadata.get("reasoning_ms", 0),
            sources=clean_sources(reply.metadata.get("sources")),
            lane=lane_of(transcript, reply),
        )
        return await launch(draft, transcript.branch(question.id))

    return await once(conversation, key, body, attempt)


def _model_with_options(
    wanted: int | None, metadata: Mapping[str, Any], conversation: Conversation
) -> tuple[ChatModel, dict[str, Any]]:
    model = _model(wanted, metadata, conversation)
    return model, prepared_options(conversation, model)


def _model(wanted: int | None, metadata: Mapping[str, Any], conversation: Conversation) -> ChatModel:
    """The one asked for, else the one that wrote the text so far, else what a new message would go to.

    Raises InputError for one that is not to be had, BackendUnavailable if only rules would answer.
    """
    guards.prepare()
    wrote = ChatModel.objects.filter(backend=metadata.get("backend", ""), model_id=metadata.get("model", "")).first()
    if wanted is None and wrote is not None and wrote.is_available:
        return wrote
    chosen = choose_model(wanted, conversation)
    if not get_backend(chosen.backend).is_language_model:
        raise BackendUnavailable(_("The model that wrote this answer is not available any more. Choose another one."))
    return chosen
