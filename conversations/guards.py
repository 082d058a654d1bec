"""Guards look at what people send and at what models answer (settings.CHAT_GUARDS).

The setting is shaped like AUTH_PASSWORD_VALIDATORS:

CHAT_GUARDS = ["conversations.guards.Length", {"NAME": "mysite.NoSecrets", "OPTIONS": {…}}]
"""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from conversations.errors import InputError, TooLarge


class Guard:
    def check_message(self, text: str) -> str:
        """What a person sends: return it, changed or not, or raise Refused or another InputError."""
        return text

    def open_reply(self) -> ReplyGuard | None:
        """A fresh filter for one reply, or None if replies are of no interest."""
        return None


class ReplyGuard:
    """Filters one reply while it is written. It may hold text back until it can judge it."""

    def feed(self, text: str) -> str:
        return text

    def finish(self) -> str:
        """What was held back, at the reply's end."""
        return ""


class Length(Guard):
    """Not empty, and at most settings.CHAT_MAX_MESSAGE_LENGTH characters."""

    def check_message(self, text: str) -> str:
        if not text.strip():
            raise InputError(_("Write a message first."))
        if len(text) > settings.CHAT_MAX_MESSAGE_LENGTH:
            raise TooLarge(
                _("This message has {length} characters; at most {limit} can be sent at once.").format(
                    length=len(text), limit=settings.CHAT_MAX_MESSAGE_LENGTH
                )
            )
        return text


@cache
def get_guards() -> tuple[Guard, ...]:
    entries = [{"NAME": entry} if isinstance(entry, str) else entry for entry in settings.CHAT_GUARDS]
    return tuple(import_string(entry["NAME"])(**entry.get("OPTIONS", {})) for entry in entries)


def check_message(text: str) -> str:
    """`text` as all guards leave it. Raises what they raise, InputError and its family."""
    for guard in get_guards():
        text = guard.check_message(text)
    return text


class ReplyGuards(ReplyGuard):
    """All guards of one reply, one after the other."""

    def __init__(self) -> None:
        self._guards = [opened for guard in get_guards() if (opened := guard.open_reply())]

    def feed(self, text: str) -> str:
        for guard in self._guards:
            text = guard.feed(text)
        return text

    def finish(self) -> str:
        held = ""
        for guard in self._guards:
            held = guard.feed(held) + guard.finish() if held else guard.finish()
        return held


def _forget(*, setting: str, **_kwargs: object) -> None:
    if setting == "CHAT_GUARDS":
        get_guards.cache_clear()


setting_changed.connect(_forget, dispatch_uid="conversations.guards")
