"""Who may answer, and what each of them is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from conversations.errors import BackendError
from conversations.types import NOTHING, ChatRequest


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may answer: the alias of its connection, its id there, its label and ChatModel pk.

    `context_size` in tokens, None if unknown. `parameters` are handed to the connection with each request.
    `filter_level` is for the guards, `tunables` for whoever makes its request (services/tunables.py).
    """

    backend: str
    model_id: str = ""
    label: str = ""
    pk: int | None = None
    context_size: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=lambda: NOTHING, hash=False)
    filter_level: str = "standard"
    tunables: Any = field(default=None, compare=False, repr=False)


class Prompt(Protocol):
    """What is asked, for whoever is asked (services/prompting.py)."""

    has_own_system_prompt: bool
    """Whether a person wrote what models are told first, so that guards judge it; else the site or an administrator."""

    def request_for(self, candidate: Candidate) -> ChatRequest:
        """Made to measure for this model. Raises BackendError if it cannot be asked this."""

    def shorten(self, candidate: Candidate, error: BackendError) -> bool:
        """The model refused it as too long. Whether `request_for` now gives a shorter one."""

    def has_more_room(self, candidate: Candidate, failed: Candidate) -> bool:
        """Whether it may be asked what `failed` has no room for, as it or its server said."""

    def counted(self, candidate: Candidate, request: ChatRequest, tokens: int) -> None:
        """So many tokens the request had, as the model's own server says."""
