"""What a new chat offers to begin with, and answers that are ready (settings.CHAT_EXAMPLES names the class)."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from conversations.models import Conversation


class Examples:
    """settings.CHAT_EXAMPLE_PROMPTS, each answered by a model."""

    def prepare(self) -> None:
        """Read what is needed, at most every few seconds. Runs in a thread that may use the ORM, before each turn."""

    def prompts(self) -> list[str]:
        """In the reader's language."""
        return [str(prompt) for prompt in settings.CHAT_EXAMPLE_PROMPTS]

    def answer(self, prompt: str) -> str:
        """What is said to this prompt without asking a model; empty to ask one. Runs on the event loop."""
        return ""


@cache
def get_examples() -> Examples:
    return import_string(settings.CHAT_EXAMPLES)()


def ready_answer(conversation: Conversation, said: str) -> str:
    """The answer to a first message, if one is ready and nothing in this chat asks for another."""
    return get_examples().answer(said) if is_plain(conversation) else ""


def is_plain(conversation: Conversation) -> bool:
    """Whether a model would be told and given nothing but the message."""
    own = conversation.persona_id is not None or conversation.system_prompt.strip() or conversation.options
    return not own


def _forget(*, setting: str, **_kwargs: object) -> None:
    if setting == "CHAT_EXAMPLES":
        get_examples.cache_clear()


setting_changed.connect(_forget, dispatch_uid="conversations.examples")
