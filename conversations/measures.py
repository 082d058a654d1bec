"""How long a reply took and how much it said, in words that stand under it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def measures(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """The time to the first token, the whole time, tokens, and tokens per second: what is known of them.

    `metadata` as outbox.py makes it, times in milliseconds. Tokens are those that the model's own server counted.
    """
    return tuple(_measures(metadata))


def _measures(metadata: Mapping[str, Any]) -> Iterator[str]:
    if (first := metadata.get("first_token_ms")) is not None:
        yield _("begins after {time}").format(time=_time(first))
    if (whole := metadata.get("duration_ms")) is not None:
        yield _("takes {time}").format(time=_time(whole))
    if (tokens := metadata.get("completion_tokens")) is not None:
        yield ngettext("{count} token", "{count} tokens", tokens).format(count=number_format(tokens))
    if (rate := metadata.get("tokens_per_second")) is not None:
        yield _("{count} tokens/s").format(count=number_format(rate, decimal_pos=1 if rate < 10 else 0))


def _time(milliseconds: int) -> str:
    if milliseconds < 1_000:
        return _("{count} ms").format(count=milliseconds)
    return _("{count} s").format(count=number_format(milliseconds / 1000, decimal_pos=1))
