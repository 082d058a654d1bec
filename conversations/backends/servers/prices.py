"""Prices as model servers list them, in one form: `$0.10 in, $0.30 out` for a million tokens."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

MILLION = 1_000_000
_SHAPES = (
    ("prompt", "completion", MILLION),  # OpenRouter: dollars for a token, as text
    ("input", "output", 1),  # Hugging Face's router, Together
    ("input_tokens", "output_tokens", 1),  # DeepInfra
)


def price_of(entry: Mapping[str, Any], providers: Iterable[Mapping[str, Any]]) -> str:
    """What the entry itself says, else the least of its providers; empty if nobody says."""
    found = _pair(entry) or min(filter(None, map(_pair, providers)), default=None)
    if found is None:
        return ""
    if found == (0, 0):
        return _("free")
    return _("$%(input)s in, $%(output)s out per million tokens") % {
        "input": _dollars(found[0]),
        "output": _dollars(found[1]),
    }


def _pair(entry: Mapping[str, Any]) -> tuple[float, float] | None:
    for source in (entry.get("pricing"), _nested(entry)):
        for one, other, factor in _SHAPES if isinstance(source, Mapping) else ():
            prices = _number(source.get(one)), _number(source.get(other))
            if None not in prices:
                return prices[0] * factor, prices[1] * factor
    return None


def _nested(entry: Mapping[str, Any]) -> Any:
    details = entry.get("metadata")
    return details.get("pricing") if isinstance(details, Mapping) else None


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _dollars(amount: float) -> str:
    """Two digits after the point, or as many as a small amount needs."""
    text = f"{amount:.2f}"
    return text if amount == 0 or float(text) >= 0.1 or math.isclose(float(text), amount) else f"{amount:.3g}"
