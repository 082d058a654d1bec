"""Wrong OPTIONS of a model server, as Django check messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

from django.core.checks import CheckMessage, Error

from conversations.backends.servers.address import Address
from conversations.backends.servers.limits import Limits


def check_options(
    alias: str,
    address: Address,
    api_key: str,
    models: Sequence[str],
    limits: Limits,
    *,
    variables: Mapping[str, str],
) -> Iterator[CheckMessage]:
    """`variables`: what whoever runs the site calls api_key and base_url."""
    where = f'CHAT_BACKENDS["{alias}"]["OPTIONS"]'
    address_name = variables.get("base_url") or f'{where}["base_url"]'
    key_name = variables.get("api_key") or f'{where}["api_key"]'
    if address.problem:
        yield Error(
            f"base_url of the connection “{alias}” is no web address: {address.problem}.",
            hint=f"Set {address_name} to the address of the server, for example http://localhost:8000/v1.",
            id="conversations.E110",
        )
    if address.username and api_key:
        yield Error(
            f"The connection “{alias}” has both an API key and a name in its base_url; only one can be sent.",
            hint=f"Remove {key_name}, or the name and password from the address.",
            id="conversations.E111",
        )
    if not (api_key.isascii() and api_key.isprintable()):
        yield Error(
            f"The API key of the connection “{alias}” holds characters that cannot be sent.",
            hint=f"Copy the key into {key_name} again, without quotation marks, spaces or line breaks.",
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
