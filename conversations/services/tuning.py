"""What people tune: what there is to set with a model, and what a request is made with in the end.

A value comes from the first that has one: the message, the conversation, the catalogue's entry, the site
(CHAT_DEFAULT_OPTIONS), the connection's own default. What an entry hides or narrows holds for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from conversations.backends import get_backend
from conversations.backends.tuning import USUAL, USUAL_NAMES
from conversations.errors import BackendError, InputError
from conversations.models import ChatModel, Conversation, ModelSetting
from conversations.services.catalogue import available_models, changes_of
from conversations.services.values import checked, narrowed, nearest
from conversations.types import NOTHING, Setting


def settings_of(model: ChatModel) -> tuple[Setting, ...]:
    """What people can tune with this model, within the bounds and with the defaults of its entry."""
    return tuple(setting for _declared_so, setting in open_settings(model))


def options_for(conversation: Conversation, model: ChatModel, given: Mapping[str, Any] = NOTHING) -> dict[str, Any]:
    """What the model is asked with: `given` for this message, else what the conversation says, else the defaults.

    What the conversation says was perhaps said to another model: it is brought within this one's bounds, and left
    out where this one does not know it. Raises InputError, naming the field, for a value that is `given` and is not
    among those that this model takes.
    """
    changes = changes_of(model)
    options = dict(settings.CHAT_DEFAULT_OPTIONS) if _is_language_model(model) else {}
    known = set(USUAL_NAMES)
    for declared in _declared(model):
        setting = _as_entry_says(declared, changes)
        known.add(setting.name)
        value = setting.default
        if not _is_hidden(setting, changes):
            if given.get(setting.name) is not None:
                value = checked(setting, given[setting.name])
            elif setting.name in conversation.options:
                value = nearest(setting, conversation.options[setting.name])
        options[setting.name] = value
    for name in given:
        if name not in known:
            raise InputError(_("“{field}” cannot be set with this model.").format(field=name))
    return {name: value for name, value in options.items() if value is not None}


def prepared_options(
    conversation: Conversation, model: ChatModel, given: Mapping[str, Any] = NOTHING
) -> dict[str, Any]:
    """As `options_for`, with all at hand that a request is made of on the loop: the persona, too."""
    system_prompt_of(conversation)
    return options_for(conversation, model, given)


def open_settings(model: ChatModel) -> Iterator[tuple[Setting, Setting]]:
    """Each setting that people can tune with this model: as its connection declares it, and as the entry narrows it."""
    changes = changes_of(model)
    for declared in _declared(model):
        if not _is_hidden(declared, changes):
            yield declared, _as_entry_says(declared, changes)


def usual_settings() -> tuple[Setting, ...]:
    """The usual ones that any of the site's models knows, each without a default: that is every model's own."""
    known = {setting.name for model in available_models() for setting in _declared(model)}
    return tuple(replace(setting, default=None) for setting in USUAL if setting.name in known)


def system_prompt_of(conversation: Conversation) -> str:
    """What the model is told first: by the persona, else the conversation's own text, else the site's."""
    if conversation.persona_id is not None and conversation.persona is not None:
        return conversation.persona.prompt
    return conversation.system_prompt.strip() or settings.CHAT_SYSTEM_PROMPT


def _declared(model: ChatModel) -> list[Setting]:
    """What its connection knows, with the site's defaults. Nothing if the connection is gone."""
    try:
        known = get_backend(model.backend).settings
    except BackendError:
        return []
    site = settings.CHAT_DEFAULT_OPTIONS
    return [narrowed(one, default=site[one.name]) if one.name in site else one for one in known]


def _is_language_model(model: ChatModel) -> bool:
    try:
        return get_backend(model.backend).is_language_model
    except BackendError:
        return False


def _is_hidden(setting: Setting, changes: Mapping[str, ModelSetting]) -> bool:
    return setting.name in changes and changes[setting.name].is_hidden


def _as_entry_says(setting: Setting, changes: Mapping[str, ModelSetting]) -> Setting:
    row = changes.get(setting.name)
    if row is None:
        return setting
    return narrowed(setting, default=row.default or None, least=row.least, most=row.most)
