"""How long a reply took and how much it said, in words that stand under it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

FEWEST_TOKENS = 5  # fewer say nothing of a model's speed


def measures(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """The time to the first token, the whole time, tokens and tokens per second: what is known of them.

    `metadata` as outbox.py makes it, times in milliseconds. Tokens are those that the model's own server counted.
    """
    return tuple(_measures(metadata.get("first_token_ms"), metadata.get("duration_ms"), metadata))


def _measures(first: int | None, whole: int | None, metadata: Mapping[str, Any]) -> Iterator[str]:
    tokens = metadata.get("completion_tokens")
    if first is not None:
        yield _("begins after {time}").format(time=_time(first))
    if whole is not None:
        yield _("takes {time}").format(time=_time(whole))
    if tokens is not None:
        yield ngettext("{count} token", "{count} tokens", tokens).format(count=number_format(tokens))
    if tokens is not None and whole is not None and tokens >= FEWEST_TOKENS and (writing := whole - (first or 0)) > 0:
        speed = tokens * 1000 / writing
        yield _("{count} tokens/s").format(count=number_format(speed, decimal_pos=1 if speed < 10 else 0))


def _time(milliseconds: int) -> str:
    if milliseconds < 1_000:
        return _("{count} ms").format(count=milliseconds)
    return _("{count} s").format(count=number_format(milliseconds / 1000, decimal_pos=1))
