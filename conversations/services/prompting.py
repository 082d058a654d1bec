"""What a model is asked: the system prompt, then the branch of the conversation, then what it is to go on from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from conversations.backends import get_backend
from conversations.services.acceptance import Draft
from conversations.services.tuning import system_prompt_of
from conversations.types import ChatRequest, Message

# In English whatever the language of the chat: models follow it best, and nobody but them reads it.
GO_ON = (
    "Your last message was cut off. Go on exactly where it stopped, in the same language and format. "
    "Repeat nothing of it and do not comment on it: write only what comes next. If nothing is missing, write nothing."
)


def build_request(draft: Draft, messages: Iterable[Message]) -> ChatRequest:
    """`messages` is the branch, oldest first, ending with what the person said."""
    told_first = system_prompt_of(draft.conversation)
    prompt = [Message("system", told_first)] if told_first else []
    return ChatRequest(
        messages=(*prompt, *_alternating(messages), *_text_so_far(draft)),
        model=draft.model.model_id,
        user_id=str(draft.conversation.user_id),
        conversation_id=str(draft.conversation.pk),
        options=draft.options,
    )


def goes_on_by_itself(backend: str) -> bool:
    """Whether a last message by the assistant is taken as the beginning of the answer; else the model is asked to."""
    return get_backend(backend).supports_continue


def _text_so_far(draft: Draft) -> list[Message]:
    if not draft.prefix:
        return []
    so_far = Message("assistant", draft.prefix)
    return [so_far] if goes_on_by_itself(draft.model.backend) else [so_far, Message("user", GO_ON)]


def _without_reasoning(message: Message) -> Message:
    """What a model thought is for people to read: its next answer gets dearer by it, and no better."""
    if "reasoning" not in message.metadata:
        return message
    return replace(message, metadata={name: value for name, value in message.metadata.items() if name != "reasoning"})


def _alternating(messages: Iterable[Message]) -> list[Message]:
    """Without empty answers; neighbours of one role joined, because many chat templates refuse two in a row."""
    joined: list[Message] = []
    for message in messages:
        if not message.content:
            continue
        if joined and joined[-1].role == message.role:
            joined[-1] = replace(joined[-1], content=f"{joined[-1].content}\n\n{message.content}")
        else:
            joined.append(_without_reasoning(message))
    return joined
