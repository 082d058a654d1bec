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

from conversations.backends.tuning import USUAL, USUAL_NAMES
from conversations.errors import InputError
from conversations.models import ChatModel, Conversation
from conversations.services.catalogue import available_models, tunables_of
from conversations.services.tunables import Tunables
from conversations.services.values import checked
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
    known = tunables_of(model)
    wishes = conversation.options if not given else {**conversation.options, **_checked(given, known)}
    return known.options_for(wishes)


def _checked(given: Mapping[str, Any], known: Tunables) -> dict[str, Any]:
    """What is given, in the kinds of the settings; without what this model does not know, or its entry hides."""
    taken = {one.setting.name: one for one in known.each}
    for name in given:
        if name not in taken and name not in USUAL_NAMES:
            raise InputError(_("“{field}” cannot be set with this model.").format(field=name))
    return {
        name: value
        for name, one in taken.items()
        if not one.is_hidden and (value := checked(one.setting, given.get(name))) is not None
    }


def prepared_options(
    conversation: Conversation, model: ChatModel, given: Mapping[str, Any] = NOTHING
) -> dict[str, Any]:
    """As `options_for`, with all at hand that a request is made of on the loop: the persona, too."""
    system_prompt_of(conversation)
    return options_for(conversation, model, given)


def open_settings(model: ChatModel) -> Iterator[tuple[Setting, Setting]]:
    """Each setting that people can tune with this model: as its connection declares it, and as the entry narrows it."""
    for one in tunables_of(model).each:
        if not one.is_hidden:
            yield one.declared, one.setting


def usual_settings() -> tuple[Setting, ...]:
    """The usual ones that any of the site's models knows, each without a default: that is every model's own."""
    known = {one.setting.name for model in available_models() for one in tunables_of(model).each}
    return tuple(replace(setting, default=None) for setting in USUAL if setting.name in known)


def system_prompt_of(conversation: Conversation) -> str:
    """What the model is told first: by the persona, else the conversation's own text, else the site's."""
    if conversation.persona_id is not None and conversation.persona is not None:
        return conversation.persona.prompt
    return conversation.system_prompt.strip() or settings.CHAT_SYSTEM_PROMPT
