"""Guards look at what people send and at what models answer (settings.CHAT_GUARDS).

The setting is shaped like AUTH_PASSWORD_VALIDATORS:

CHAT_GUARDS = ["conversations.guards.Length", {"NAME": "mysite.NoSecrets", "OPTIONS": {…}}]

Judging happens on the event loop (of long messages in a thread), so a guard computes and asks nobody; what it has to
read, it reads in `prepare`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from conversations.errors import InputError, Refused, TooLarge
from conversations.threads import in_thread

LONG = 1_000  # characters; judging more would keep the event loop from everybody else
Part = Literal["message", "prompt", "answer", "reasoning", "title"]  # prompt: what a person has models told first


@dataclass(frozen=True, slots=True)
class Exchange:
    """Who talks where with which model, and which part of it is judged: what a guard knows beside the text.

    `model` is a ChatModel's pk: the one that was chosen for a message, the one that really answers for the rest.
    `filter_level` is its own, a ChatModel.FilterLevel. `is_repeat`: the message, or the one that a prompt
    stands with, was accepted before, and now goes to a model again, or to another one. Of what `is_temporary` nothing
    may be written down. What `is_imported` was said elsewhere, answers too, and bounds of what is typed do not hold for
    it; `is_trial`: it does not come in yet, so nothing is noted.
    """

    user_id: str = ""
    conversation_id: str = ""
    model: int | None = None
    filter_level: str = "standard"
    part: Part = "message"
    is_repeat: bool = False
    is_temporary: bool = False
    is_imported: bool = False
    is_trial: bool = False


class Guard:
    def prepare(self) -> None:
        """Read what judging needs, at most every few seconds. Runs in a thread that may use the ORM, before each turn.

        Whatever it raises refuses the turn.
        """

    def check_message(self, text: str, exchange: Exchange) -> str:
        """What a person sends: return it, changed or not, or raise Refused or another InputError.

        What was accepted before (`exchange.is_repeat`) stays as it is in the chat; the model gets what this returns.
        """
        return text

    def open_reply(self, exchange: Exchange, said: str = "") -> ReplyGuard | None:
        """A fresh filter for one answer, its reasoning, or its title; None if it is of no interest.

        `said` is the text that is continued: it has been shown, and what is fed follows it.
        """
        return None


class ReplyGuard:
    """Filters one reply while it is written. It may hold text back until it can judge it."""

    refusal: Refused | None = None
    """Set when the reply must end here. What `feed` or `finish` returned with it is still shown."""

    def feed(self, text: str) -> str:
        return text

    def finish(self) -> str:
        """What was held back, at the reply's end."""
        return ""


class Length(Guard):
    """Not empty, and at most settings.CHAT_MAX_MESSAGE_LENGTH characters."""

    def check_message(self, text: str, exchange: Exchange) -> str:
        # A prompt has a bound of its own where it is saved.
        if exchange.is_repeat or exchange.is_imported or exchange.part == "prompt":
            return text
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


def prepare() -> None:
    """Let all guards read what they need; in a thread that may use the ORM."""
    for guard in get_guards():
        guard.prepare()


def check_message(text: str, exchange: Exchange) -> str:
    """`text` as all guards leave it. Raises what they raise, InputError and its family."""
    for guard in get_guards():
        text = guard.check_message(text, exchange)
    return text


async def check_beside(text: str, *exchanges: Exchange) -> str:
    """As `check_message`, for each of these exchanges; in a thread where it would keep the event loop."""
    if len(text) <= LONG:
        return _checked(text, exchanges)
    return await in_thread(_checked, text, exchanges)


def _checked(text: str, exchanges: tuple[Exchange, ...]) -> str:
    for exchange in exchanges:
        text = check_message(text, exchange)
    return text


def check_title(text: str, exchange: Exchange) -> str:
    """A title as all guards leave it; empty if one of them refuses it."""
    guards = ReplyGuards(lambda: replace(exchange, part="title"))
    text = guards.feed(text) + guards.finish()
    return "" if guards.refusal else text


class ReplyGuards(ReplyGuard):
    """All guards of one reply, one after the other. Opened with its first text: only then it is known who answers."""

    def __init__(self, exchange: Callable[[], Exchange], said: str = "") -> None:
        self._exchange = exchange
        self._said = said
        self._guards: list[ReplyGuard] | None = None

    def feed(self, text: str) -> str:
        if self._guards is None:
            self._guards = self._opened() if text else None
        for guard in self._guards or ():
            text = guard.feed(text)
        self._end_if_refused()
        return text

    def finish(self) -> str:
        held = ""
        for guard in self._guards or ():
            held = guard.feed(held) + guard.finish() if held else guard.finish()
        self._end_if_refused()
        return held

    def _opened(self) -> list[ReplyGuard]:
        exchange = self._exchange()
        return [opened for guard in get_guards() if (opened := guard.open_reply(exchange, self._said))]

    def _end_if_refused(self) -> None:
        for guard in self._guards or ():
            self.refusal = self.refusal or guard.refusal


def _forget(*, setting: str, **_kwargs: object) -> None:
    if setting == "CHAT_GUARDS":
        get_guards.cache_clear()


setting_changed.connect(_forget, dispatch_uid="conversations.guards")
