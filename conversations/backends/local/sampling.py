"""How the next token is chosen, and when a reply ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

# What transformers' generate uses where neither the request nor the model says anything.
USUAL = {"temperature": 1.0, "top_k": 50, "top_p": 1.0, "min_p": 0.0, "repetition_penalty": 1.0}


@dataclass(frozen=True, slots=True)
class Sampling:
    """None leaves it to the model's own generation_config. A temperature of 0 always takes the likeliest token.

    top_k 0 and top_p 1 leave nothing out.
    """

    max_tokens: int
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    stop: tuple[str, ...] = ()

    @classmethod
    def from_options(cls, options: Mapping[str, Any], max_tokens: int) -> Sampling:
        """From a request's options; what is not set stays as it is."""
        stop = options.get("stop") or ()
        return cls(
            max_tokens=max(1, int(options.get("max_tokens") or max_tokens)),
            temperature=_optional(float, options.get("temperature")),
            top_p=_optional(float, options.get("top_p")),
            top_k=_optional(int, options.get("top_k")),
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
        )

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Sampling:
        return cls(**{**given, "stop": tuple(given["stop"])})

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def within(self, most: int) -> Sampling:
        return replace(self, max_tokens=min(self.max_tokens, most))

    def settled(self, own: Mapping[str, Any]) -> Sampling:
        """With nothing left open: what was asked for, else the model's own, else what transformers would take."""
        asked = {name: getattr(self, name) for name in USUAL}
        is_greedy = not own.get("do_sample") and all(asked[name] is None for name in ("temperature", "top_p", "top_k"))
        known = {name: value for name in USUAL if (value := own.get(name)) is not None}
        found = USUAL | known | {name: value for name, value in asked.items() if value is not None}
        if is_greedy or found["temperature"] <= 0:
            found["temperature"] = 0.0
        return replace(self, **found)


def _optional(kind: type, value: Any) -> Any:
    return None if value is None else kind(value)
