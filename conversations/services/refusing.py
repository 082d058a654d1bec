"""Sentences for what does not fit into a model's context: both sizes, and what to do."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from django.utils import formats
from django.utils.translation import gettext as _

from conversations.backends import get_backend
from conversations.errors import TooLarge
from conversations.models import ChatModel
from conversations.services.catalogue import available_models, candidate_of
from conversations.services.context import NoRoom
from conversations.streaming.candidates import Candidate

Asked = Literal["new", "again", "rest"]
EXACT_BELOW = 100  # tokens; smaller estimates are not rounded


def too_large(error: NoRoom, model: Candidate, asked: Asked, takes: Callable[[Candidate], bool]) -> TooLarge:
    """For whoever sent it. `takes` tells whether another model has room; the first of the catalogue is named."""
    other = next((entry.label for entry in available_models() if _may_take(entry, model, takes)), "")
    sentence = _too_large(error, model, asked, other) if error.room else _nothing_left(error, model, other)
    return TooLarge(sentence)


def in_short(error: NoRoom, model: Candidate) -> str:
    tokens, room = _sizes(error)
    return _("This needs {tokens}, and “{model}” has room for only {room}.").format(
        model=name(model), tokens=tokens, room=room
    )


def told(tokens: int, *, is_exact: bool, rounded: Callable[[float], int] = round) -> str:
    """`4,096 tokens`, or `about 9,300 tokens` where it is an estimate: rounded, so that it does not look exact."""
    if not is_exact and tokens >= EXACT_BELOW:
        step = 10 ** (len(str(tokens)) - 2)
        tokens = rounded(tokens / step) * step
    number = formats.number_format(tokens, use_l10n=True, force_grouping=True)
    return (_("{number} tokens") if is_exact else _("about {number} tokens")).format(number=number)


def name(model: Candidate) -> str:
    return model.label or model.model_id or model.backend


def _may_take(entry: ChatModel, asked: Candidate, takes: Callable[[Candidate], bool]) -> bool:
    is_another = entry.pk != asked.pk and get_backend(entry.backend).is_language_model
    return is_another and takes(candidate_of(entry))


def _sizes(error: NoRoom) -> tuple[str, str]:
    """What it has, and what there is room for; rounded apart, so that the first always looks larger."""
    return (
        told(error.tokens, is_exact=error.is_exact, rounded=math.ceil),
        told(error.room, is_exact=error.is_exact, rounded=math.floor),
    )


def _too_large(error: NoRoom, model: Candidate, asked: Asked, other: str) -> str:
    sizes = {
        "new": _("This message has {tokens}, but “{model}” has room for only {room}."),
        "again": _("The message has {tokens}, but “{model}” has room for only {room}."),
        "rest": _("The message and its answer so far have {tokens}, but “{model}” has room for only {room}."),
    }
    advice = {
        "new": (_("Shorten it."), _("Shorten it, or choose “{other}”, which has room for it.")),
        "again": (
            _("Send a shorter one instead."),
            _("Choose “{other}”, which has room for it, or send a shorter one instead."),
        ),
        "rest": (
            _("Ask for the rest in a new message."),
            _("Choose “{other}”, which has room for it, or ask for the rest in a new message."),
        ),
    }
    tokens, room = _sizes(error)
    sentence = sizes[asked].format(tokens=tokens, model=name(model), room=room)
    return f"{sentence} {advice[asked][bool(other)].format(other=other)}"


def _nothing_left(error: NoRoom, model: Candidate, other: str) -> str:
    size = told(error.size, is_exact=True)
    sentence = _("The system prompt of this chat leaves no room for a message: “{model}” has {size} in all.")
    advice = _("Shorten it, or choose “{other}”, which has room for both.") if other else _("Shorten it.")
    return f"{sentence.format(model=name(model), size=size)} {advice.format(other=other)}"
