"""What a connection offers, as the catalogue takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Offer:
    """One model. `fields` are those of ChatModel that are known of it: model_id, label, context_size, price …

    `variants` are the same model by named providers (`model:provider`), at their own price and context.
    """

    fields: Mapping[str, Any]
    variants: tuple[Offer, ...] = ()

    @property
    def model_id(self) -> str:
        return self.fields["model_id"]
