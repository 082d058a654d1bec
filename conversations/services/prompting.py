"""What a model is asked: the system prompt, then the branch of the conversation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.conf import settings

from conversations.models import Generation
from conversations.types import ChatRequest, Message


def build_request(generation: Generation, messages: Iterable[Message]) -> ChatRequest:
    """`messages` is the branch, oldest first, ending with what the person said."""
    prompt = [Message("system", settings.CHAT_SYSTEM_PROMPT)] if settings.CHAT_SYSTEM_PROMPT else []
    return ChatRequest(
        messages=(*prompt, *_alternating(messages)),
        model=generation.upstream_model,
        user_id=str(generation.user_id),
        conversation_id=str(generation.conversation_id),
        options={**settings.CHAT_DEFAULT_OPTIONS, **generation.options},
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
