"""What a model would be shown with the next message: where its memory of a conversation begins, how full it gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conversations.backends import get_backend
from conversations.errors import BackendError
from conversations.models import ChatModel, Conversation
from conversations.services.catalogue import candidate_of
from conversations.services.context import Branch, fit
from conversations.services.counting import Counter
from conversations.services.learned import context_size
from conversations.services.tuning import options_for, system_prompt_of
from conversations.types import Message

TIGHT = 90  # per cent


@dataclass(frozen=True, slots=True)
class Fullness:
    """`tokens` of a context of `size`; both are None where the size is not known. An estimate: nobody waits for a
    tokenizer to see a page.

    `begins_at` is the id of the first message that is remembered, "" if all are, or none.
    """

    model: ChatModel
    tokens: int | None
    size: int | None
    begins_at: str = ""
    kept: int = 0
    """How many turns are remembered."""
    forgotten: int = 0
    """How many are left out because they are older than the memory goes back …"""
    crowded_out: int = 0
    """… and how many of the others because there is no room for them."""

    @property
    def left_out(self) -> int:
        return self.forgotten + self.crowded_out

    @property
    def is_cut(self) -> bool:
        return self.left_out > 0

    @property
    def is_tight(self) -> bool:
        return self.crowded_out > 0 or self.percent >= TIGHT

    @property
    def rounded(self) -> int:
        """The tokens with two digits, so that they do not look exact."""
        step = 10 ** max(len(str(self.tokens or 0)) - 2, 0)
        return round((self.tokens or 0) / step) * step

    @property
    def percent(self) -> int:
        """At least 1: something is always there."""
        return min(max(round(100 * self.tokens / self.size), 1), 100) if self.tokens and self.size else 0


def fullness(conversation: Conversation, model: ChatModel, branch: Sequence[Message]) -> Fullness | None:
    """None where there is nothing to remember, or nobody: rules have no context."""
    if not branch or not _is_language_model(model):
        return None
    options, candidate = options_for(conversation, model), candidate_of(model)
    size = context_size(candidate)
    shown = Branch.of(branch, options, system=system_prompt_of(conversation), is_asked=False)
    fitted = fit(shown, Counter(candidate), size)
    units = shown.units
    first = units[len(units) - fitted.kept] if fitted.kept else ()
    left_out = shown.forgotten + len(units) - fitted.kept
    return Fullness(
        model,
        fitted.tokens,
        size,
        begins_at=first[0].id if first and left_out else "",
        kept=fitted.kept,
        forgotten=shown.forgotten,
        crowded_out=len(units) - fitted.kept,
    )


def _is_language_model(model: ChatModel) -> bool:
    try:
        return get_backend(model.backend).is_language_model
    except BackendError:
        return False
