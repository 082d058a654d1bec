"""What a model is asked: the system prompt, then the branch of the conversation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.conf import settings

from conversations.services.acceptance import Draft
from conversations.types import ChatRequest, Message


def build_request(draft: Draft, messages: Iterable[Message]) -> ChatRequest:
    """`messages` is the branch, oldest first, ending with what the person said."""
    prompt = [Message("system", settings.CHAT_SYSTEM_PROMPT)] if settings.CHAT_SYSTEM_PROMPT else []
    return ChatRequest(
        messages=(*prompt, *_alternating(messages)),
        model=draft.model.model_id,
        user_id=str(draft.conversation.user_id),
        conversation_id=str(draft.conversation.pk),
        options={**settings.CHAT_DEFAULT_OPTIONS, **draft.options},
    )


def _alternating(messages: Iterable[Message]) -> list[Message]:
    """Without empty answers; neighbours of one role joined, because many chat templates refuse two in a row."""
    joined: list[Message] = []
    for message in messages:
        if not message.content:
            continue
        if joined and joined[-1].role == message.role:
            joined[-1] = replace(joined[-1], content=f"{joined[-1].content}\n\n{message.content}")
        else:
            joined.append(message)
    return joined
