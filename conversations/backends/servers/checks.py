"""Wrong OPTIONS of a model server, as Django check messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from django.core.checks import CheckMessage, Error

from conversations.backends.servers.address import Address
from conversations.backends.servers.limits import Limits


def check_options(
    alias: str, address: Address, api_key: str, models: Sequence[str], limits: Limits
) -> Iterator[CheckMessage]:
    where = f'CHAT_BACKENDS["{alias}"]["OPTIONS"]'
    if address.problem:
        yield Error(
            f"base_url of the connection “{alias}” is no web address: {address.problem}.",
            hint=f'Set {where}["base_url"] to the address of the server, for example http://localhost:11434/v1.',
            id="conversations.E110",
        )
    if address.username and api_key:
        yield Error(
            f"The connection “{alias}” has both an API key and a name in its base_url; only one can be sent.",
            hint=f'Remove {where}["api_key"], or the name and password from base_url.',
            id="conversations.E111",
        )
    if not (api_key.isascii() and api_key.isprintable()):
        yield Error(
            f"The API key of the connection “{alias}” holds characters that cannot be sent.",
            hint="Copy the key again, without quotation marks, spaces or line breaks.",
            id="conversations.E112",
        )
    if isinstance(models, str) or not all(isinstance(name, str) and name for name in models):
        yield Error(
            f"models of the connection “{alias}” is no list of model names.",
            hint=f'Write {where}["models"] as a list: ["first-model", "second-model"].',
            id="conversations.E113",
        )
    yield from _check_limits(alias, limits)


def _check_limits(alias: str, limits: Limits) -> Iterator[CheckMessage]:
    for field in fields(limits):
        seconds = getattr(limits, field.name)
        if not isinstance(seconds, int | float) or seconds <= 0:
            yield Error(
                f"A time-out of the connection “{alias}” is {seconds!r}, which is no positive number of seconds.",
                hint="connect_timeout, first_token_timeout, read_timeout and deadline are numbers above 0.",
                id="conversations.E114",
            )
