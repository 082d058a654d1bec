"""What the panel of settings shows: a control for each setting, and who speaks. Synchronous, for a thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.functional import cached_property

from conversations import services
from conversations.backends import get_backend
from conversations.backends.tuning import MAX_TOKENS, MEMORY, TEMPERATURE, USUAL_NAMES
from conversations.errors import ChatError
from conversations.forms import OPTION, PERSONALITY, PROMPT, TEMPORARY
from conversations.indexing.alphabet import in_order
from conversations.models import PROMPT_MAX_LENGTH, ChatDefaults, ChatModel, Conversation, Persona
from conversations.services import OWN_TEXT
from conversations.types import Setting

ALWAYS_SHOWN = {TEMPERATURE.name, MAX_TOKENS.name, MEMORY.name}


@dataclass(frozen=True)
class Control:
    """One setting with its value. `text` and `default_text` are as an HTML control has them, in any language."""

    setting: Setting
    text: str

    @property
    def name(self) -> str:
        return f"{OPTION}{self.setting.name}"

    @property
    def default_text(self) -> str:
        return text_of(False if self.setting.kind == "flag" and self.setting.default is None else self.setting.default)

    @property
    def is_changed(self) -> bool:
        return self.text != self.default_text

    @property
    def is_slider(self) -> bool:
        """A slider has no place for “as the model has it”, and none without two ends."""
        setting = self.setting
        has_ends = setting.least is not None and setting.most is not None
        return setting.kind in ("number", "integer") and has_ends and setting.default is not None

    @property
    def least(self) -> str:
        return text_of(self.setting.least)

    @property
    def most(self) -> str:
        return text_of(self.setting.most)

    @property
    def step(self) -> str:
        return text_of(self.setting.step) or ("1" if self.setting.kind == "integer" else "any")

    @property
    def choices(self) -> list[tuple[str, Any]]:
        return [(text_of(value), label) for value, label in self.setting.choices]

    @property
    def is_long(self) -> bool:
        """A text of several lines."""
        return self.setting.kind == "text" and (self.setting.most is None or self.setting.most > 100)


def text_of(value: Any) -> str:
    """As HTML and JavaScript write it: no comma in numbers, whatever the language."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


@dataclass
class Panel:
    """`action` takes the form. `said` is what a refused form said, shown again with its `error`."""

    owner: Conversation | ChatDefaults
    settings: tuple[Setting, ...]
    action: str
    user: Any
    model: ChatModel | None = None
    said: Mapping[str, str] | None = None
    error: str = ""
    has_personality: bool = True
    """False for rules, which are told nothing."""

    @cached_property
    def controls(self) -> list[Control]:
        return [Control(setting, self._text(setting)) for setting in self.settings]

    def _text(self, setting: Setting) -> str:
        if self.said and (text := self.said.get(f"{OPTION}{setting.name}")) is not None:
            return text
        value = self.owner.options.get(setting.name, setting.default)
        value = services.nearest(setting, value)
        return text_of(False if setting.kind == "flag" and value is None else value)

    @property
    def main(self) -> list[Control]:
        return [control for control in self.controls if control.setting.name in ALWAYS_SHOWN]

    @property
    def fine(self) -> list[Control]:
        """The usual ones that few people touch."""
        return [control for control in self.controls if control.setting.name in USUAL_NAMES - ALWAYS_SHOWN]

    @property
    def inputs(self) -> list[Control]:
        """Those that this connection alone has."""
        return [control for control in self.controls if control.setting.name not in USUAL_NAMES]

    @property
    def has_changed_fine(self) -> bool:
        return any(control.is_changed for control in self.fine)

    @property
    def has_changed_inputs(self) -> bool:
        return any(control.is_changed for control in self.inputs)

    @cached_property
    def personality(self) -> str:
        if self.said and PERSONALITY in self.said:
            return self.said[PERSONALITY]
        if self.owner.persona_id is not None:
            return str(self.owner.persona_id)
        return OWN_TEXT if self.owner.system_prompt.strip() else ""

    @property
    def prompt(self) -> str:
        return self.said[PROMPT] if self.said and PROMPT in self.said else self.owner.system_prompt

    @property
    def prompt_limit(self) -> str:
        return str(PROMPT_MAX_LENGTH)

    @cached_property
    def personas(self) -> list[Persona]:
        """What can be chosen, and what is chosen though it can be no more."""
        found = in_order(services.personas_for(self.user))
        current = self.owner.persona
        return found if current is None or current in found else [*found, current]

    @property
    def shared(self) -> list[Persona]:
        return [persona for persona in self.personas if persona.owner_id != self.user.pk]

    @property
    def own(self) -> list[Persona]:
        return [persona for persona in self.personas if persona.owner_id == self.user.pk]

    @property
    def note(self) -> str:
        """What the chosen persona is for."""
        return next((persona.description for persona in self.personas if str(persona.pk) == self.personality), "")

    @property
    def is_changed(self) -> bool:
        return any(control.is_changed for control in self.controls) or (self.has_personality and self.personality != "")


def panel_of(conversation: Conversation, user, model: ChatModel | None, **shown: Any) -> Panel:
    """The settings of one chat, or of a new one, for the model that is chosen."""
    settings = services.settings_of(model) if model else ()
    listens = model is not None and _listens(model)
    return Panel(conversation, settings, settings_url(conversation), user, model, has_personality=listens, **shown)


def defaults_panel(defaults: ChatDefaults, **shown: Any) -> Panel:
    return Panel(defaults, services.usual_settings(), reverse("conversations:defaults"), defaults.user, **shown)


def settings_url(conversation: Conversation) -> str:
    if conversation._state.adding:
        url = reverse("conversations:new_settings")
        return f"{url}?{TEMPORARY}=1" if conversation.is_temporary else url
    return reverse("conversations:settings", args=[conversation.pk])


def fields_of(conversation: Conversation) -> list[tuple[str, str]]:
    """What a new chat's composer says of it: only what its owner wishes, so usually nothing."""
    fields = [(f"{OPTION}{name}", text_of(value)) for name, value in conversation.options.items()]
    if conversation.persona_id is not None:
        fields.append((PERSONALITY, str(conversation.persona_id)))
    elif conversation.system_prompt.strip():
        fields += [(PERSONALITY, OWN_TEXT), (PROMPT, conversation.system_prompt)]
    return fields


def is_tuned(conversation: Conversation, model: ChatModel | None) -> bool:
    """Whether something is other than by default, with this model."""
    if model is None:
        return False
    if _listens(model) and (conversation.persona_id is not None or conversation.system_prompt.strip()):
        return True
    wished = conversation.options
    return bool(wished) and any(setting.name in wished for setting in services.settings_of(model))


def can_tune(models: Iterable[ChatModel]) -> bool:
    return any(_listens(model) or services.settings_of(model) for model in models)


def _listens(model: ChatModel) -> bool:
    """Whether it reads a system prompt."""
    try:
        return get_backend(model.backend).is_language_model
    except ChatError:
        return False
