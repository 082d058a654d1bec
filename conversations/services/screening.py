"""What comes in from elsewhere, as the guards leave it: all of it, for an answer in a file may be anybody's words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from django.utils.translation import gettext as _

from conversations import guards
from conversations.errors import InputError
from conversations.guards import Exchange, Part
from conversations.models import ChatModel
from conversations.services.catalogue import default_model
from conversations.types import Message


@dataclass
class Screen:
    """For one chat. `model` is whom it goes on with; `is_trial`: nothing is noted. `refused` counts messages."""

    user_id: int
    conversation_id: object
    model: Callable[[], ChatModel | None]
    is_trial: bool
    refused: int = 0

    def messages(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """Each masked as the guards do it; a sentence stands for what they refuse, so that the rest keeps its place."""
        return tuple(map(self._passed, messages))

    def title(self, title: str, otherwise: Callable[[], str]) -> str:
        try:
            return self._checked(title, "title")
        except InputError:
            return otherwise()

    def _passed(self, message: Message) -> Message:
        is_answer, thought = message.role == "assistant", message.metadata.get("reasoning", "")
        try:
            content = self._checked(message.content, "answer" if is_answer else "message")
            reasoning = self._checked(thought, "reasoning") if thought else ""
        except InputError:
            self.refused += 1
            content, reasoning = _("(This site's content filter does not take what stood here.)"), ""
        if (content, reasoning) == (message.content, thought):
            return message
        metadata = {**message.metadata, "reasoning": reasoning} if thought else message.metadata
        return replace(message, content=content, metadata=metadata)

    def _checked(self, text: str, part: Part) -> str:
        return guards.check_message(text, replace(self._exchange, part=part)) if text else text

    @cached_property
    def _exchange(self) -> Exchange:
        guards.prepare()
        model = self.model() or default_model()
        return Exchange(
            str(self.user_id),
            str(self.conversation_id),
            model.pk if model else None,
            model.filter_level if model else ChatModel.FilterLevel.STANDARD.value,
            is_imported=True,
            is_trial=self.is_trial,
        )
