"""Counting the tokens of a prompt: by the model's own tokenizer where it is at hand, else estimated."""

from __future__ import annotations

import math
from collections.abc import Sequence

from conversations.backends import get_backend
from conversations.errors import BackendError
from conversations.services.estimating import estimate
from conversations.services.learned import margin, name_of, scale
from conversations.streaming.reply import Candidate
from conversations.types import Message

# Role and separators of each message, and the answer's beginning, as chat templates write them: OpenAI's cookbook,
# "How to count tokens with tiktoken", counts 3 and 3; ChatML (Qwen) 5 and 3.
PER_MESSAGE = 5
PER_PROMPT = 3
MOST_KNOWN = 4096  # messages; less than a megabyte
_known: dict[tuple[str, int], float] = {}


class Counter:
    """How one model counts, at this moment."""

    def __init__(self, candidate: Candidate) -> None:
        self._candidate = candidate
        self._name = name_of(candidate)
        try:
            self._tokenizer = get_backend(candidate.backend).count_tokens
        except BackendError:  # the connection is gone
            self._tokenizer = None
        self._margin = 1.0 if self.is_exact else margin(self._name)

    @property
    def is_exact(self) -> bool:
        return self._exactly((Message("user", ""),)) is not None

    def count(self, messages: Sequence[Message]) -> int:
        """As near as can be told."""
        exact = self._exactly(messages)
        return math.ceil(estimated(messages) * scale(self._name)) if exact is None else exact

    def most(self, messages: Sequence[Message]) -> int:
        """Not fewer than there are, as far as can be told."""
        return math.ceil(self.count(messages) * self._margin)

    def _exactly(self, messages: Sequence[Message]) -> int | None:
        if self._tokenizer is None:
            return None
        return self._tokenizer(messages, self._candidate.model_id, self._candidate.parameters)


def estimated(messages: Sequence[Message]) -> float:
    """Tokens of a prompt by its characters alone, as for an average model."""
    return PER_PROMPT + sum(PER_MESSAGE + _tokens(message) for message in messages)


def _tokens(message: Message) -> float:
    """Each message is estimated once: it is part of several prompts, and of several attempts at each."""
    if message.role == "system":  # made anew for each prompt
        return estimate(message.content)
    key = message.id, len(message.content)  # one that grows, or is joined with the next, keeps its id
    if key not in _known:
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        _known[key] = estimate(message.content)
    return _known[key]
