"""How the next token is chosen, and when a reply ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# GenerationConfig's own defaults: None would bring back the model's, and a warning that they are not used.
UNUSED = {"temperature": 1.0, "top_p": 1.0, "top_k": 50}


@dataclass(frozen=True, slots=True)
class Sampling:
    """None leaves it to the model's own generation_config. A temperature of 0 always takes the likeliest token."""

    max_tokens: int
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
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

    def as_generation_config(self) -> dict[str, Any]:
        """The fields of transformers' GenerationConfig that differ from the model's own."""
        fields: dict[str, Any] = {"max_new_tokens": self.max_tokens, "max_length": None, "num_beams": 1}
        if self.temperature is not None and self.temperature <= 0:
            return fields | {"do_sample": False, **UNUSED}
        chosen = {"temperature": self.temperature, "top_p": self.top_p, "top_k": self.top_k}
        chosen = {name: value for name, value in chosen.items() if value is not None}
        return fields | chosen | ({"do_sample": True} if chosen else {})


def _optional(kind: type, value: Any) -> Any:
    return None if value is None else kind(value)
