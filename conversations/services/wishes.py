"""What somebody wishes of a conversation, or of all new ones: settings, and a persona or a text of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from conversations.cleaning import clean
from conversations.errors import InputError
from conversations.models import PROMPT_MAX_LENGTH, ChatDefaults, ChatModel, Conversation
from conversations.services.catalogue import choose_model
from conversations.services.personas import usable_persona
from conversations.services.tuning import open_settings, prepared_options, usual_settings
from conversations.services.values import checked, nearest
from conversations.stores import temporary_store
from conversations.types import NOTHING, Setting

OWN_TEXT = "own"


@dataclass(frozen=True, slots=True)
class Wish:
    """`options` by the names of settings, as values or as the text of a form; what is not named stays as it is.

    `personality` is a persona's pk, OWN_TEXT for `prompt`, or "" for what the site tells every model; None leaves it.
    """

    options: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    personality: str | None = None
    prompt: str = ""


def said_beside(conversation: Conversation, options: Mapping[str, Any], wish: Wish | None) -> list[Any]:
    """What a send says beside its text, for what makes two sends the same; nothing where nothing is said."""
    begins_with = wish if wish is not None and conversation._state.adding else Wish()
    said = [sorted(options.items()), sorted(begins_with.options.items()), begins_with.personality, begins_with.prompt]
    return said if any(said) or begins_with.personality is not None else []


def chosen_with_options(
    wanted: int | None,
    conversation: Conversation,
    given: Mapping[str, Any] = NOTHING,
    wish: Wish | None = None,
    *,
    beside: Sequence[int] = (),
) -> tuple[ChatModel, dict[str, Any]]:
    """The model for a message, and what it is asked with. A new conversation takes the wish upon itself.

    `beside` are the pks of models that answer the same message, for which the wish is meant as well. Raises what
    `choose_model` and `options_for` raise, and InputError for a wish, naming the field.
    """
    model = choose_model(wanted, conversation)
    if wish is not None and conversation._state.adding:
        take(conversation, model, wish, *(choose_model(pk, conversation) for pk in beside))
    return model, prepared_options(conversation, model, given)


def tune(conversation: Conversation, wish: Wish, *, model: int | None = None) -> None:
    """Keep what its owner wishes of it from now on; of two who do at once the last one has it.

    `model` is the pk of the one that the settings were shown for, if it is not the conversation's yet. Raises
    InputError, naming the field, and BackendUnavailable if there is no model at all; then nothing is kept.
    """
    take(conversation, choose_model(model, conversation), wish)
    kept_in_row = {"persona": conversation.persona}
    if conversation.is_temporary:
        temporary_store().set_wishes(conversation.key, conversation.system_prompt, conversation.options)
    else:
        kept_in_row |= {"options": conversation.options, "system_prompt": conversation.system_prompt}
    Conversation.objects.filter(pk=conversation.pk).update(**kept_in_row)


def take(conversation: Conversation, model: ChatModel, wish: Wish, *beside: ChatModel) -> None:
    """Lay the wish upon a conversation, without saving it. Raises InputError; then nothing has changed."""
    known = _known(model, *beside)
    if conversation._state.adding and wish.options.keys() - known.keys():
        # Nobody else keeps them, and the chat may go on with a model that knows them: the Guide knows none.
        known = {setting.name: (setting, setting) for setting in usual_settings()} | known
    options = kept(known.values(), wish.options, conversation.options)
    _take_personality(conversation, conversation.user_id, wish)
    conversation.options = options


def _known(*models: ChatModel) -> dict[str, tuple[Setting, Setting]]:
    """What people can tune with any of them, by name; where they differ, without a default and bounds of one alone."""
    known: dict[str, tuple[Setting, Setting]] = {}
    for declared, setting in (pair for model in models for pair in open_settings(model)):
        before = known.setdefault(setting.name, (declared, setting))
        if before[1] != setting:
            known[setting.name] = (before[0], replace(before[0], default=None))
    return known


def begin(user, *, persona: str = "") -> Conversation:
    """A new conversation, not saved yet, as this person wishes new ones to begin; `persona` is the pk of another one.

    Raises InputError for a persona that is not to be had.
    """
    defaults = defaults_of(user)
    if persona:
        defaults.persona = usable_persona(user.pk, persona)
    return Conversation(
        user=user,
        model=defaults.model,
        persona=defaults.persona,
        system_prompt=defaults.system_prompt,
        options=defaults.options,
    )


def defaults_of(user) -> ChatDefaults:
    """What this person's new conversations begin with; not saved if there is nothing yet."""
    found = ChatDefaults.objects.filter(user_id=user.pk).select_related("model", "persona").first()
    return found or ChatDefaults(user=user)


def set_defaults(user, wish: Wish, *, model: int | None = None) -> ChatDefaults:
    """Begin this person's new conversations so. Raises InputError, naming the field; then nothing has changed."""
    defaults = defaults_of(user)
    options = kept(((setting, setting) for setting in usual_settings()), wish.options, defaults.options)
    _take_personality(defaults, user.pk, wish)
    defaults.options = options
    defaults.model = None if model is None else choose_model(model, Conversation())
    defaults.save()
    return defaults


def kept(
    known: Iterable[tuple[Setting, Setting]], said: Mapping[str, Any], before: Mapping[str, Any] = NOTHING
) -> dict[str, Any]:
    """What is kept of what was `said`: only what differs from the defaults.

    `known` has each setting twice: as its connection declares it, and as the catalogue's entry narrows it. What was
    kept `before` stays where nothing is said of it, as do the wishes for other models. Raises InputError, naming the
    field, for what the connection never takes; the entry's narrower bounds bend a value instead, because it may have
    been said while another model was chosen. What comes back as it was bent to be shown was not said anew.
    """
    options = dict(before)
    for declared, setting in known:
        if setting.name not in said:
            continue
        value = checked(declared, said[setting.name], also=setting)
        if value is not None and setting.name in before and value == nearest(setting, before[setting.name]):
            continue
        value = setting.default if value is None else nearest(setting, value)
        options.pop(setting.name, None)
        if value != setting.default:
            options[setting.name] = value
    return options


def _take_personality(target: Conversation | ChatDefaults, user_id: int, wish: Wish) -> None:
    if wish.personality is None:
        return
    if wish.personality not in ("", OWN_TEXT):
        if str(target.persona_id) != wish.personality:
            target.persona = usable_persona(user_id, wish.personality)
        return
    prompt = clean(wish.prompt).replace("\r\n", "\n").strip() if wish.personality == OWN_TEXT else ""
    if len(prompt) > PROMPT_MAX_LENGTH:
        sentence = _("“{field}” may have at most {limit} characters.")
        raise InputError(sentence.format(field=_("System prompt"), limit=PROMPT_MAX_LENGTH))
    target.persona, target.system_prompt = None, prompt
