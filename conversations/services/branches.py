"""What each of those who may answer may be shown of a conversation: they have bounds of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from conversations.backends import get_backend
from conversations.backends.tuning import ALL_THAT_FITS
from conversations.services.acceptance import Draft
from conversations.services.context import Branch
from conversations.services.memory import memory_of
from conversations.streaming.candidates import Candidate
from conversations.types import Message

# In English whatever the language of the chat: models follow it best, and nobody but them reads it.
GO_ON = (
    "Your last message was cut off. Go on exactly where it stopped, in the same language and format. "
    "Repeat nothing of it and do not comment on it: write only what comes next. If nothing is missing, write nothing."
)


def branches_of(
    draft: Draft, messages: Sequence[Message], system_prompt: str, candidates: Sequence[Candidate]
) -> dict[Candidate, Branch]:
    """By candidate, the chosen one first. A substitute's own bounds hold for its memory, too."""
    by_memory: dict[int, Branch] = {}
    branches = {}
    for candidate in candidates:
        options = _options_of(candidate, candidates[0], draft.options)
        memory = memory_of(options) if get_backend(candidate.backend).is_language_model else ALL_THAT_FITS
        if memory not in by_memory:
            by_memory[memory] = Branch.of(
                messages, options, system=system_prompt, so_far=_text_so_far(draft), memory=memory
            )
        branches[candidate] = replace(by_memory[memory], options=options)
    return branches


def _options_of(candidate: Candidate, chosen: Candidate, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """A substitute is asked with what was wished of the model that was chosen, within bounds of its own."""
    if candidate == chosen or candidate.tunables is None or chosen.tunables is None:
        return options
    return candidate.tunables.options_for(chosen.tunables.wishes_in(options))


def goes_on_by_itself(backend: str) -> bool:
    """Whether a last message by the assistant is taken as the beginning of the answer; else the model is asked to."""
    return get_backend(backend).supports_continue


def _text_so_far(draft: Draft) -> list[Message]:
    if not draft.prefix:
        return []
    so_far = Message("assistant", draft.prefix)
    return [so_far] if goes_on_by_itself(draft.model.backend) else [so_far, Message("user", GO_ON)]
