"""What goes into a prompt: the system prompt, the turns that are remembered, the message; minus what does not fit.

The context of a model holds the prompt and the answer. Left out are, in this order: the turns beyond the memory; of the
others the oldest, until the answer has room; then the room for the answer shrinks. What cannot fit at all is refused.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conversations.services.counting import Counter
from conversations.services.memory import Turn, alternating, memory_of, remembered, split
from conversations.types import NOTHING, Message

USUAL_ANSWER = 512  # tokens, where nobody set a limit
LEAST_ANSWER = 256  # the smallest limit that people can set
LEAST_SHARE = 4  # of a small context, one part in so many is the least for the answer
LEAST_TOKENS_PER_CHARACTER = 0.1  # of any text that people write, with any tokenizer


class NoRoom(Exception):
    """Not even the message by itself fits. `tokens` it has, `room` there is for it; either may be an estimate."""

    def __init__(self, tokens: int, room: int, size: int, *, is_exact: bool) -> None:
        super().__init__(f"{tokens} tokens, room for {room}")
        self.tokens, self.room, self.size, self.is_exact = tokens, room, size, is_exact


@dataclass(frozen=True, slots=True)
class Branch:
    """What a model may be shown, oldest first. `message` is what it answers; without it, what it would remember.

    `so_far` is what it is to go on from: the beginning of its answer, and the demand to go on.
    """

    system: tuple[Message, ...]
    turns: tuple[Turn, ...]
    unanswered: tuple[Message, ...] = ()
    message: Message | None = None
    so_far: tuple[Message, ...] = ()
    options: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    forgotten: int = 0
    """Turns that are older than the memory goes back."""

    @classmethod
    def of(
        cls,
        messages: Sequence[Message],
        options: Mapping[str, Any],
        *,
        system: str = "",
        so_far: Sequence[Message] = (),
        memory: int | None = None,
        is_asked: bool = True,
    ) -> Branch:
        """`messages` ends with what is to be answered, unless `is_asked` is False: nothing is asked yet.

        `memory` in turns is by default what the options say.
        """
        turns, unanswered = split(messages)
        kept = remembered(turns, memory_of(options) if memory is None else memory)
        message = unanswered[-1] if is_asked and unanswered else None
        return cls(
            (Message("system", system),) if system else (),
            tuple(kept),
            unanswered[:-1] if message else unanswered,
            message,
            tuple(so_far),
            options,
            len(turns) - len(kept),
        )

    @property
    def units(self) -> tuple[Turn, ...]:
        """What may be left out, in this order: turns, then questions that nobody answered."""
        return (*self.turns, *((message,) for message in self.unanswered))

    def prompt(self, kept: int) -> tuple[Message, ...]:
        """With that many of the newest units."""
        units = self.units
        said = [message for unit in units[len(units) - kept :] for message in unit]
        newest = [self.message] if self.message else []
        return (*self.system, *alternating([*said, *newest]), *self.so_far)


@dataclass(frozen=True, slots=True)
class Fit:
    """What of a branch goes into the prompt. `tokens` is None where the context's size is not known."""

    messages: tuple[Message, ...]
    options: Mapping[str, Any]
    kept: int
    """How many of the branch's units."""
    tokens: int | None = None
    is_exact: bool = False

    def is_less_than(self, other: Fit) -> bool:
        """In what is said, or in the room that is asked for."""
        return self.kept < other.kept or self.options.get("max_tokens") != other.options.get("max_tokens")


def fit(branch: Branch, counter: Counter, size: int | None) -> Fit:
    """The longest end of a branch that fits into a context of `size` tokens. Raises NoRoom."""
    if size is None:
        return Fit(branch.prompt(len(branch.units)), branch.options, len(branch.units))
    wanted = branch.options.get("max_tokens")
    answer = min(wanted or USUAL_ANSWER, size // 2)  # a limit set high must not cost all that is remembered
    least = min(answer, LEAST_ANSWER, size // LEAST_SHARE)
    kept = _most_units(branch, counter, size - answer)
    messages = branch.prompt(kept)
    tokens, is_exact = counter.count(messages), counter.is_exact
    if kept == 0 and branch.message and tokens > size - least:
        # Refused by the best guess, not by the highest: what may fit is sent.
        raise _no_room(branch, counter, size - least, size)
    options = branch.options
    if wanted and (left := max(size - counter.most(messages), least)) < wanted:
        options = {**options, "max_tokens": left}
    return Fit(messages, options, kept, tokens, is_exact)


def _most_units(branch: Branch, counter: Counter, room: int) -> int:
    """How many of the newest units fit into so many tokens: the fewer, the shorter, so the middle tells which half."""
    most = _thinkable(branch.units, room)
    if counter.most(branch.prompt(most)) <= room:
        return most
    return max(bisect_left(range(most), True, key=lambda kept: counter.most(branch.prompt(kept)) > room) - 1, 0)


def _thinkable(units: Sequence[Turn], room: int) -> int:
    """A long conversation is not counted to its beginning where its end alone has too many characters."""
    characters = room / LEAST_TOKENS_PER_CHARACTER
    for number, unit in enumerate(reversed(units)):
        characters -= sum(len(message.content) for message in unit)
        if characters < 0:
            return number
    return len(units)


def _no_room(branch: Branch, counter: Counter, room: int, size: int) -> NoRoom:
    around = counter.count((*branch.system, Message("user", "")))
    whole = counter.count(branch.prompt(0))
    return NoRoom(max(whole - around, 0), max(room - around, 0), size, is_exact=counter.is_exact)
