"""What this process has learnt of how models count: from the usage that replies came with, and from refusals.

Without it an estimate knows only scripts (estimating.py). A model counts like its tokenizer, which may need half as
many tokens for Vietnamese as another: after a few replies its own counts correct the estimate. Nothing is kept but
this; a new process learns it again from the rows of recent replies (`recall`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from django.core.signals import setting_changed

from conversations.streaming.candidates import Candidate

MOST_RATIOS = 20  # of the newest replies
QUANTILE = 0.9
# Of counts to estimates, a little wider than over all tokenizers measured. What lies beyond is no count of the prompt:
# servers that leave out what they have cached exist, and test doubles.
BOUNDS = (0.25, 4.0)
LEAST_TOKENS = 100  # in shorter prompts, what a chat template adds by itself outweighs the text
MARGINS = (1.25, 1.15, 1.1, 1.05)  # what is added to be safe, by the number of replies that were counted
Name = tuple[str, str]  # the connection's alias, and the model's id there


@dataclass(slots=True)
class _Learned:
    ratios: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_RATIOS))
    scale: float = 1.0
    size: int | None = None
    size_in_catalogue: int | None = None
    """What the catalogue said when the server named `size`: an admin who changes it knows better."""


_learned: dict[Name, _Learned] = {}


def learn_count(name: Name, estimated: float, counted: int) -> None:
    """A prompt that was estimated at so many tokens had `counted`, as the model's own server says."""
    if estimated < LEAST_TOKENS or not BOUNDS[0] <= counted / estimated <= BOUNDS[1]:
        return
    learned = _learned.setdefault(name, _Learned())
    learned.ratios.append(counted / estimated)
    # Nearly the highest: a count that is too low (of a prompt that the server cut) must not make prompts longer.
    ordered = sorted(learned.ratios)
    learned.scale = ordered[min(int(len(ordered) * QUANTILE), len(ordered) - 1)]


def scale(name: Name) -> float:
    """What an estimate for this model is multiplied by."""
    return _learned[name].scale if name in _learned else 1.0


def margin(name: Name) -> float:
    """What a scaled estimate is multiplied by where it must not be too low."""
    replies = len(_learned[name].ratios) if name in _learned else 0
    return MARGINS[min(replies, len(MARGINS) - 1)]


def learn_size(candidate: Candidate, size: int) -> None:
    """The server refused a prompt as too long, and named the size of this model's context."""
    learned = _learned.setdefault(name_of(candidate), _Learned())
    learned.size, learned.size_in_catalogue = size, candidate.context_size


def context_size(candidate: Candidate) -> int | None:
    """In tokens: the catalogue's, or a smaller one that the server named since. None if nobody knows."""
    learned = _learned.get(name_of(candidate))
    if learned is None or learned.size is None or learned.size_in_catalogue != candidate.context_size:
        return candidate.context_size or None
    return min(learned.size, candidate.context_size or learned.size)


def name_of(candidate: Candidate) -> Name:
    return candidate.backend, candidate.model_id


def forget_learned() -> None:
    _learned.clear()


def _forget(*, setting: str, **_: object) -> None:
    if setting == "CHAT_BACKENDS":
        forget_learned()


setting_changed.connect(_forget, dispatch_uid="conversations.learned")
