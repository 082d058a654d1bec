"""What is said around a reply: what is waited for, how long it thought, why it ends here, who answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from conversations.backends import get_backend
from conversations.errors import ChatError


def waiting_for(backend: str) -> str:
    """What a person waits for while nothing comes."""
    if backend in settings.CHAT_BACKENDS:
        try:
            label = get_backend(backend).label
        except ChatError:
            label = ""
        if label:
            return _("Waiting for {name}…").format(name=label)
    return _("Waiting for the model…")


def thinking_time(milliseconds: int) -> str:
    """How long a model thought; static/js/thoughts.js says the same while it is written. 0: not known."""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    if not milliseconds:
        return _("Thoughts")
    if minutes:
        return _("Thought for {minutes} min {seconds} s").format(minutes=minutes, seconds=seconds)
    return _("Thought for {seconds} s").format(seconds=seconds) if seconds else _("Thought for a moment")


PREPARED = "prepared"  # the finish_reason of an answer that no model was asked for


def notice(data: Mapping[str, Any]) -> str:
    """What is no error, and worth knowing of a reply: why it ends here."""
    if data.get("finish_reason") == "length":
        return _("The answer reached its length limit.")
    if data.get("finish_reason") == PREPARED:
        return _("This answer was prepared beforehand; what you ask next goes to the model.")
    if data.get("status") == "cancelled":
        return _("You stopped this answer.")
    return ""


def substitution(data: Mapping[str, Any]) -> str:
    """Who answered, where it was not the model that was chosen."""
    if not data.get("instead_of"):
        return ""
    return _("“{asked}” did not answer, so “{answered}” did.").format(
        asked=data["instead_of"], answered=data.get("label", "")
    )
