"""Talk to a model from a terminal: `manage.py chat`."""

from __future__ import annotations

import asyncio
import sys
from argparse import ArgumentParser, ArgumentTypeError
from contextlib import aclosing, suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from conversations.backends import ChatBackend, aclose_all, get_backend
from conversations.cleaning import Cleaner
from conversations.errors import ChatError
from conversations.reasoning import Splitter
from conversations.types import ChatRequest, Message

PROMPT = "> "


class Command(BaseCommand):
    help = (
        "Talk to any configured model. With a message, or one on standard input, answers once; otherwise a "
        "conversation: Ctrl-C stops a reply, /clear begins anew, /models lists what there is, Ctrl-D or /quit leaves."
    )
    requires_system_checks: list[str] = []  # it is for finding out what is wrong, and needs no database

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("message", nargs="*", help="What to say. Without it: a conversation.")
        parser.add_argument("--backend", metavar="ALIAS", help="A key of CHAT_BACKENDS.")
        parser.add_argument("--model", metavar="ID", help="The server's name for the model.")
        parser.add_argument("--system", metavar="TEXT", help="The system prompt; empty for none.")
        parser.add_argument("--temperature", type=_temperature, help="From 0 (stable) to 2 (varied).")

    def handle(self, *args: Any, **options: Any) -> None:
        alias, model = _choose(options["backend"], options["model"])
        prompt = settings.CHAT_SYSTEM_PROMPT if options["system"] is None else options["system"]
        text = " ".join(options["message"])
        try:
            with asyncio.Runner() as runner:
                chat = Chat(runner, _backend(alias), model, prompt, options["temperature"], self.stdout)
                try:
                    if text or not sys.stdin.isatty():
                        self._say(chat, text or sys.stdin.read().strip())
                    else:
                        self._converse(chat, alias)
                finally:
                    runner.run(aclose_all())
        except ChatError as error:
            raise CommandError(error.message) from error
        except KeyboardInterrupt:
            raise CommandError(_("Stopped."), returncode=130) from None

    def _converse(self, chat: Chat, alias: str) -> None:
        with suppress(ImportError):
            import readline  # noqa: F401 -- gives `input` its history and its arrow keys

        self.stdout.write(_("Talking to %(name)s. /quit leaves.") % {"name": chat.model or alias})
        while (line := self._ask()) is not None:
            try:
                self._obey(chat, line.strip())
            except ChatError as error:
                self.stderr.write(error.message)
            except KeyboardInterrupt:
                self.stdout.write("\n" + _("(stopped)"))

    def _ask(self) -> str | None:
        """A line, or None when the conversation is over."""
        try:
            line = input(PROMPT)
        except KeyboardInterrupt:
            self.stdout.write("")
            return ""
        except EOFError:
            self.stdout.write("")
            return None
        return None if line.strip() == "/quit" else line

    def _obey(self, chat: Chat, line: str) -> None:
        if line == "/clear":
            chat.clear()
            self.stdout.write(_("Begun anew."))
        elif line == "/models":
            for name in chat.models():
                self.stdout.write(name)
        elif line.startswith("/") and " " not in line:
            self.stdout.write(_("There is /clear, /models and /quit."))
        elif line:
            self._say(chat, line)

    def _say(self, chat: Chat, text: str) -> None:
        if not text:
            raise CommandError(_("There is nothing to say: the message is empty."))
        finish_reason = chat.say(text)
        if finish_reason == "length":
            self.stderr.write(_("(The answer was cut at the allowed length.)"))
        elif finish_reason is None:
            self.stderr.write(_("(The answer broke off before its end.)"))


class Chat:
    """The turns of one conversation, and the loop that its replies run on."""

    def __init__(
        self,
        runner: asyncio.Runner,
        backend: ChatBackend,
        model: str,
        prompt: str,
        temperature: float | None,
        stdout: Any,
    ):
        self._runner = runner
        self._backend = backend
        self._stdout = stdout
        self._options = {} if temperature is None else {"temperature": temperature}
        self._prompt = (Message("system", prompt),) if prompt else ()
        self._turns: tuple[Message, ...] = ()
        self.model = model

    def clear(self) -> None:
        self._turns = ()

    def models(self) -> list[str]:
        """What the server says it offers, else what is configured. Raises BackendError."""
        return [offer.model_id for offer in self._runner.run(self._backend.offers())]

    def say(self, text: str) -> str | None:
        """Write the reply as it comes, and return its finish reason: None if it broke off.

        What arrived before an error or Ctrl-C stays part of the conversation.
        Raises BackendError, and KeyboardInterrupt when it was stopped.
        """
        self._turns += (Message("user", text),)
        pieces: list[str] = []
        try:
            return self._runner.run(self._reply(pieces))
        finally:
            if pieces:
                self._turns += (Message("assistant", "".join(pieces)),)
                self._stdout.write("")
            else:
                self._turns = self._turns[:-1]

    async def _reply(self, pieces: list[str]) -> str | None:
        finish_reason = None
        request = ChatRequest((*self._prompt, *self._turns), model=self.model, options=self._options)
        cleaner, splitter = Cleaner(), Splitter()
        async with aclosing(self._backend.stream(request)) as deltas:
            async for delta in deltas:
                self._show(splitter.feed(cleaner.feed(delta.text))[1], pieces)
                finish_reason = delta.finish_reason or finish_reason
        self._show(splitter.feed(cleaner.finish())[1] + splitter.finish()[1], pieces)
        return finish_reason

    def _show(self, text: str, pieces: list[str]) -> None:
        if text:
            pieces.append(text)
            self._stdout.write(text, ending="")
            self._stdout.flush()


def _choose(alias: str | None, model: str | None) -> tuple[str, str]:
    """Connection and model: those asked for, else the site's default, else the first language model there is.

    Raises CommandError for a connection that is not configured.
    """
    if alias is not None and alias not in settings.CHAT_BACKENDS:
        known = ", ".join(settings.CHAT_BACKENDS)
        raise CommandError(
            _("There is no connection “%(alias)s”. Configured are: %(known)s.") % {"alias": alias, "known": known}
        )
    wanted = model or settings.CHAT_DEFAULT_MODEL
    offers = {
        name: [entry["model_id"] for entry in _backend(name).models()]
        for name in ([alias] if alias else settings.CHAT_BACKENDS)
    }
    offering = next((name for name, ids in offers.items() if wanted in ids), None)
    if offering:
        return offering, wanted
    first = next((name for name in offers if _backend(name).is_language_model), next(iter(offers)))
    return first, model or next(iter(offers[first]), "")


def _backend(alias: str) -> ChatBackend:
    """Raises CommandError if the settings of the connection do not fit its class."""
    try:
        return get_backend(alias)
    except (ImportError, TypeError) as error:
        sentence = _("The connection “%(alias)s” cannot be set up: %(error)s. Correct CHAT_BACKENDS.")
        raise CommandError(sentence % {"alias": alias, "error": error}) from error


def _temperature(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 2:
        raise ArgumentTypeError(_("it is a number from 0 to 2, for example 0.7"))
    return value
