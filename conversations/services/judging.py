"""What people send, as the guards leave it for the models that it goes to."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from django.utils import translation

from conversations.guards import Exchange, Part, check_message
from conversations.models import ChatModel, Conversation
from conversations.services.tuning import system_prompt_of
from conversations.types import Message

LONG = 1_000  # characters; judging more would keep the event loop from everybody else


async def judged(
    text: str, conversation: Conversation, *models: ChatModel, part: Part = "message", is_repeat: bool = False
) -> str:
    """`text` as the guards leave it for all of these models. Raises Refused and other InputErrors.

    The models come from choose_model, which lets the guards read what they need.
    """
    exchanges = [
        Exchange(str(conversation.user_id), str(conversation.pk), model.pk, model.filter_level, part, is_repeat)
        for model in models
    ]
    if len(text) <= LONG:
        return _judged(text, exchanges)
    return await asyncio.to_thread(_in_language, translation.get_language(), text, exchanges)


async def judged_again(
    messages: tuple[Message, ...], conversation: Conversation, model: ChatModel
) -> tuple[Message, ...]:
    """A branch whose last message was accepted before, as this model may be asked it. Raises as `judged`."""
    *before, said = messages
    text = await judged(said.content, conversation, model, is_repeat=True)
    return messages if text == said.content else (*before, replace(said, content=text))


async def judged_system_prompt(conversation: Conversation, model: ChatModel) -> str:
    """What this model is told first. Judged with each message, unless the site or an administrator wrote it."""
    prompt, persona = system_prompt_of(conversation), conversation.persona
    is_own = persona.owner_id is not None if persona else bool(conversation.system_prompt.strip())
    return await judged(prompt, conversation, model, part="prompt", is_repeat=True) if is_own else prompt


def _judged(text: str, exchanges: list[Exchange]) -> str:
    for exchange in exchanges:
        text = check_message(text, exchange)
    return text


def _in_language(language: str | None, text: str, exchanges: list[Exchange]) -> str:
    with translation.override(language):
        return _judged(text, exchanges)
