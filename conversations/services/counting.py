"""Counting the tokens of a prompt: by the model's own tokenizer where it is at hand, else estimated."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from conversations.backends import ChatBackend, get_backend
from conversations.errors import BackendError
from conversations.services.estimating import estimate
from conversations.services.learned import margin, name_of, scale
from conversations.streaming.candidates import Candidate
from conversations.types import Message

Tokenizer = Callable[..., int | None]
# Role and separators of each message, and the answer's beginning, as chat templates write them: OpenAI's cookbook,
# "How to count tokens with tiktoken", counts 3 and 3; ChatML (Qwen) 5 and 3.
PER_MESSAGE = 5
PER_PROMPT = 3
MOST_KNOWN = 4096  # messages; less than a megabyte
_known: dict[tuple[str, int], float] = {}


class Counter:
    """How one model counts, at this moment.

    `asks_tokenizer`: its own counts, if it is at hand; that may take a moment, so it is for threads that nobody else
    waits for.
    """

    def __init__(self, candidate: Candidate, *, asks_tokenizer: bool = False) -> None:
        self._candidate = candidate
        self._name = name_of(candidate)
        self._tokenizer = _tokenizer(candidate) if asks_tokenizer else None
        self._counted: dict[tuple[str, ...], int] = {}

    @property
    def is_exact(self) -> bool:
        """Whether what was counted so far is no estimate."""
        return self._tokenizer is not None and bool(self._counted)

    def count(self, messages: Sequence[Message]) -> int:
        """As near as can be told."""
        exact = self._exactly(messages)
        return math.ceil(estimated(messages) * scale(self._name)) if exact is None else exact

    def most(self, messages: Sequence[Message]) -> int:
        """Not fewer than there are, as far as can be told."""
        count = self.count(messages)
        return count if self.is_exact else math.ceil(count * margin(self._name))

    def _exactly(self, messages: Sequence[Message]) -> int | None:
        if self._tokenizer is None:
            return None
        key = tuple(f"{message.id} {len(message.content)}" for message in messages)
        if key not in self._counted:
            tokens = self._tokenizer(messages, self._candidate.model_id, self._candidate.parameters)
            if tokens is None:  # not now: then the whole of this prompt is estimated
                self._tokenizer = None
                return None
            self._counted[key] = tokens
        return self._counted[key]


def has_tokenizer(candidate: Candidate) -> bool:
    return _tokenizer(candidate) is not None


def _tokenizer(candidate: Candidate) -> Tokenizer | None:
    """None where the backend has nothing that counts."""
    try:
        backend = get_backend(candidate.backend)
    except BackendError:  # the connection is gone
        return None
    return None if type(backend).count_tokens is ChatBackend.count_tokens else backend.count_tokens


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
