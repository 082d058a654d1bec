"""What people send, as the guards leave it for the models that it goes to."""

from __future__ import annotations

from dataclasses import replace

from conversations.guards import Exchange, Part, check_beside
from conversations.models import ChatModel, Conversation
from conversations.services.tuning import system_prompt_of
from conversations.types import Message


async def judged(
    text: str, conversation: Conversation, *models: ChatModel, part: Part = "message", is_repeat: bool = False
) -> str:
    """`text` as the guards leave it for all of these models. Raises Refused and other InputErrors.

    The models come from choose_model, which lets the guards read what they need.
    """
    exchanges = [
        Exchange(
            *(str(conversation.user_id), str(conversation.pk), model.pk, model.filter_level, part, is_repeat),
            is_temporary=conversation.is_temporary,
        )
        for model in models
    ]
    return await check_beside(text, *exchanges)


async def judged_again(
    messages: tuple[Message, ...], conversation: Conversation, model: ChatModel
) -> tuple[Message, ...]:
    """A branch whose last message was accepted before, as this model may be asked it. Raises as `judged`."""
    *before, said = messages
    text = await judged(said.content, conversation, model, is_repeat=True)
    return messages if text == said.content else (*before, replace(said, content=text))


def has_own_system_prompt(conversation: Conversation) -> bool:
    """Whether a person wrote what the model is told first; else the site or an administrator did."""
    persona = conversation.persona
    return persona.owner_id is not None if persona else bool(conversation.system_prompt.strip())


async def judged_system_prompt(conversation: Conversation, model: ChatModel, *, is_repeat: bool) -> str:
    """What this model is told first. Judged with each message, if it is a person's own; noted with each new one."""
    prompt = system_prompt_of(conversation)
    if not has_own_system_prompt(conversation):
        return prompt
    return await judged(prompt, conversation, model, part="prompt", is_repeat=is_repeat)
