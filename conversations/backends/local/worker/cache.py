"""What a model remembers of each text that it reads: the keys and values of one reply, apart from all others.

A batch joins replies of different lengths for one forward pass. Libraries pad them into one tensor, which must be
copied when somebody joins or leaves and holds as much for each as for the longest. Here each keeps its own, so
joining and leaving cost nothing, and only the attention (attention.py) looks at them one by one.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers.cache_utils import Cache

GROWTH = 256  # tokens for which room is made at a time


class KeyValues:
    """Keys and values of one text, per layer: (heads, room, size), of which `length` tokens are filled."""

    __slots__ = ("keys", "length", "values")

    def __init__(self) -> None:
        self.keys: list[torch.Tensor] = []
        self.values: list[torch.Tensor] = []
        self.length = 0

    def put(self, layer: int, keys: torch.Tensor, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Add those of `n` tokens, each (heads, n, size); all there are now. `length` moves after the last layer."""
        end = self.length + keys.shape[1]
        if layer == len(self.keys):
            self.keys.append(_roomy(keys, end))
            self.values.append(_roomy(values, end))
        elif end > self.keys[layer].shape[1]:
            self.keys[layer] = _larger(self.keys[layer], self.length)
            self.values[layer] = _larger(self.values[layer], self.length)
        kept_keys, kept_values = self.keys[layer], self.values[layer]
        kept_keys[:, self.length : end] = keys
        kept_values[:, self.length : end] = values
        return kept_keys[:, :end], kept_values[:, :end]


def _roomy(like: torch.Tensor, least: int) -> torch.Tensor:
    return like.new_empty(like.shape[0], least + GROWTH, like.shape[2])


def _larger(old: torch.Tensor, filled: int) -> torch.Tensor:
    new = _roomy(old, filled + filled // 4)
    new[:, :filled] = old[:, :filled]
    return new


class Rows(list):
    """Keys or values of several texts, each (heads, its length, size). `masks` serve all layers of one pass."""

    masks: dict[int | None, torch.Tensor]
    windows: set[int | None]


class JoinedCache(Cache):
    """Several texts, as transformers' models expect a cache: what they put in comes back as Rows."""

    def __init__(self, texts: list[KeyValues], windows: set[int | None] | None = None):
        self.texts = texts
        self.layers = []
        self._masks: dict[int | None, torch.Tensor] = {}
        self._windows = set() if windows is None else windows

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *_args: Any, **_options: Any
    ) -> tuple[Rows, Rows]:
        keys, values = Rows(), Rows()
        keys.masks, keys.windows = self._masks, self._windows
        for text, own_keys, own_values in zip(self.texts, key_states, value_states, strict=True):
            all_keys, all_values = text.put(layer_idx, own_keys, own_values)
            keys.append(all_keys)
            values.append(all_values)
        return keys, values

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return max(text.length for text in self.texts)
