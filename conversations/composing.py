"""The form at the bottom of a chat."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from conversations import panel, services
from conversations.comparisons import Comparison
from conversations.errors import ChatError
from conversations.models import ChatModel, Conversation
from conversations.types import Transcript, new_id

FEW_MODELS = 7  # more are chosen in a panel with a search
_CHECKED = SafeString(" checked")


@dataclass(frozen=True, slots=True)
class Composer:
    """`content` is the text to show again when a send was refused, with `error`."""

    action: str
    parent_id: str = ""
    key: str = field(default_factory=new_id)
    content: str = ""
    error: str = ""
    retry_after: float | None = None
    models: list[ChatModel] = field(default_factory=list)
    model: ChatModel | None = None
    login_url: str = ""
    live_generation_id: str = ""
    is_comparing: bool = False
    """Several replies are being written side by side: Stop stops all of them."""
    compared: tuple[int, ...] = ()
    """The pks of the models that are ticked to be compared."""
    settings_url: str = ""
    """Empty where no model has anything to set."""
    is_new: bool = False
    is_temporary: bool = False
    """Nothing of the chat is stored, drafts included."""
    is_tuned: bool = False
    wishes: list[tuple[str, str]] = field(default_factory=list)
    """Fields of a new chat's settings; those of a saved one are kept already."""

    @property
    def temporary_hours(self) -> int:
        return settings.CHAT_TEMPORARY_HOURS

    @property
    def max_length(self) -> int:
        return settings.CHAT_MAX_MESSAGE_LENGTH

    @property
    def has_many_models(self) -> bool:
        return len(self.models) > FEW_MODELS

    @property
    def bare_options(self) -> SafeString:
        """Many models as options, their names alone: they come with each turn."""
        html = _bare_options(tuple((model.pk, model.label) for model in self.models))
        chosen = f'value="{self.model.pk}"' if self.model else ""
        return mark_safe(html.replace(chosen, f"{chosen} selected", 1) if chosen else html)  # noqa: S308

    @property
    def bare_boxes(self) -> SafeString:
        """Many models as boxes to tick for a comparison, their names alone."""
        box = '<label class="menu-item"><input type="checkbox" name="models" value="{}" form="composer"{}>{}</label>'
        names = ((model.pk, _CHECKED if model.pk in self.compared else "", model.label) for model in self.models)
        return format_html_join("", box, names)

    def refused(self, content: str, error: ChatError) -> Composer:
        return replace(self, content=content, error=error.message, retry_after=error.retry_after)


@lru_cache(maxsize=4)
def _bare_options(models: tuple[tuple[int, str], ...]) -> SafeString:
    return format_html_join("", '<option value="{}">{}</option>', models)


def composer(
    conversation: Conversation | None,
    transcript: Transcript,
    *,
    live_generation_id: str = "",
    compared: Comparison | None = None,
) -> Composer:
    """What is written goes on from the end that is shown, or from the first of the answers that are `compared`."""
    models = services.available_models()
    current = conversation.model if conversation else None
    if current is None or not current.is_available:
        current = services.default_model(models)
    saved = conversation is not None and not conversation._state.adding
    tuned = conversation or Conversation()
    return Composer(
        action=reverse("conversations:send", args=[conversation.pk]) if saved else reverse("conversations:start"),
        parent_id=compared.columns[0].id if compared else transcript.leaf or "",
        models=models,
        model=current,
        live_generation_id=compared.live_generation_id if compared else live_generation_id,
        is_comparing=compared is not None,
        settings_url=panel.settings_url(tuned) if panel.can_tune(models) else "",
        is_new=not saved,
        is_temporary=tuned.is_temporary,
        is_tuned=panel.is_tuned(tuned, current),
        wishes=[] if saved else panel.fields_of(tuned),
    )
