"""A model in memory with everything around it."""

from __future__ import annotations

from typing import Any

import torch

from conversations.backends.local.worker.adapters import Adapters
from conversations.backends.local.worker.attention import forward
from conversations.backends.local.worker.cache import KeyValues
from conversations.backends.local.worker.memory import available_memory
from conversations.backends.local.worker.writing import Question, Writing, begin

SPARE = 0.9  # of the memory that is free may be filled with what replies remember


class Engine:
    """Tokenizer, weights and adapters. Serves one thread. `joins`: several replies fit into one forward pass."""

    def __init__(self, tokenizer: Any, model: Any, name: str, adapters: Adapters, *, joins: bool):
        self.tokenizer = tokenizer
        self.model = model
        self.name = name
        self.adapters = adapters
        self.joins = joins

    def begin(self, question: Question) -> tuple[Writing, str]:
        """The reply to be written, and its adapter, loaded. Raises Fault."""
        writing = begin(question, self.model, self.tokenizer, self.name)
        return writing, self.adapters.name_of(question.parameters)

    def read(self, ids: torch.Tensor, texts: list[KeyValues], names: list[str]) -> torch.Tensor:
        """Feed tokens (texts, tokens), the text `i` through the adapter names[i]; logits after the last of each."""
        options = self.adapters.switch(names)
        logits = forward(self.adapters.forward_of(options), ids.to(self.model.device), texts, **options)
        for text in texts:
            text.length += ids.shape[1]
        return logits

    def has_room(self, tokens: int) -> bool:
        """Whether what is remembered of so many more tokens fits into the memory that is free."""
        return tokens * self._bytes_per_token() < SPARE * self._free()

    def _bytes_per_token(self) -> int:
        config = self.model.config.get_text_config()
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        return 2 * config.num_hidden_layers * heads * size * self.model.dtype.itemsize

    def _free(self) -> float:
        device = self.model.device
        if device.type != "cuda":
            return available_memory()
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
