"""Which part of a long conversation a page shows: its end, with room to scroll; the rest comes as somebody reads on.

Positions are those in a branch as people see it, without system prompts. What is left out is a gap: the messages after
one that is shown (or from the beginning) and before another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conversations.types import Message

LENGTH = 20  # messages of a part; several screens, also of short ones
CHARACTERS = 40_000  # of a part; long messages come in smaller parts
AROUND = 10  # messages on either side of one that somebody came for


@dataclass(frozen=True, slots=True)
class Gap:
    """`count` messages that are not on the page: after the message `after` ("": from the start), before `before`."""

    after: str
    before: str
    count: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody came for: a message, by its id, or the whole conversation; by default its end."""

    at: str = ""
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """The gap that is to be filled (`before` "": up to the end), from its end by default: who reads upwards sees that.

    `at` asks for what stands around a message in it, `is_whole` for all of it, `is_later` for its beginning.
    """

    before: str
    after: str = ""
    at: str = ""
    is_whole: bool = False
    is_later: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Ranges of positions to show, of those from `start` up to `end`."""

    shown: tuple[range, ...]
    start: int
    end: int


def spoken(branch: Iterable[Message]) -> list[Message]:
    """What people see of a branch."""
    return [message for message in branch if message.role in ("user", "assistant")]


def position(said: Sequence[Message], message_id: str) -> int | None:
    """Where the message stands; None if it is not there."""
    return next((number for number, message in enumerate(said) if message.id == message_id), None)


def newest(said: Sequence[Message], count: int) -> Choice:
    """So many messages at the end."""
    return Choice((range(max(len(said) - count, 0), len(said)),), 0, len(said))


def shown_first(said: Sequence[Message], wanted: Wanted) -> Choice:
    """What a page begins with: always the end, so that one can write on; and what stands around the wanted message."""
    length = len(said)
    if wanted.is_whole:
        return Choice((range(length),), 0, length)
    end = _last(said, 0, length)
    at = position(said, wanted.at) if wanted.at else None
    if at is None:
        return Choice((end,), 0, length)
    near = _around(said, at, 0, length)
    if near.stop < end.start:
        return Choice((near, end), 0, length)
    return Choice((range(min(near.start, end.start), length),), 0, length)


def filling(said: Sequence[Message], gap: Between) -> Choice | None:
    """What comes into a gap. None if the gap is not in this branch, or what is wanted is not in the gap."""
    end = position(said, gap.before) if gap.before else len(said)
    last_above = position(said, gap.after) if gap.after else -1
    if last_above is None or end is None:
        return None
    start = last_above + 1
    if gap.is_whole:
        return Choice((range(start, end),), start, end)
    if not gap.at:
        return Choice((_first(said, start, end) if gap.is_later else _last(said, start, end),), start, end)
    at = position(said, gap.at)
    return None if at is None or not start <= at < end else Choice((_around(said, at, start, end),), start, end)


def gaps(said: Sequence[Message], choice: Choice) -> list[Gap]:
    """What is left out before each of the chosen ranges, and after the last of them; a count of 0 where nothing is."""
    bounds = [choice.start, *(bound for numbers in choice.shown for bound in (numbers.start, numbers.stop)), choice.end]
    return [_gap(said, start, stop) for start, stop in zip(bounds[::2], bounds[1::2], strict=True)]


def _gap(said: Sequence[Message], start: int, stop: int) -> Gap:
    after = said[start - 1].id if start else ""
    return Gap(after, said[stop].id if stop < len(said) else "", max(stop - start, 0))


def _last(said: Sequence[Message], start: int, end: int) -> range:
    """The newest of these; beginning with a question, where one stands there."""
    begin, characters = end, 0
    while begin > start and end - begin < LENGTH and characters < CHARACTERS:
        begin -= 1
        characters += _length(said[begin])
    if start < begin < end and said[begin].role != "user":
        begin -= 1
    return range(begin, end)


def _first(said: Sequence[Message], start: int, end: int) -> range:
    """The oldest of these."""
    stop, characters = start, 0
    while stop < end and stop - start < LENGTH and characters < CHARACTERS:
        characters += _length(said[stop])
        stop += 1
    return range(start, stop)


def _around(said: Sequence[Message], at: int, start: int, end: int) -> range:
    """What surrounds the message `at`, which is always there itself."""
    before = _last(said, max(start, at - AROUND), at)
    return range(before.start, _first(said, at, min(end, at + 1 + AROUND)).stop)


def _length(message: Message) -> int:
    return len(message.content) + len(message.metadata.get("reasoning", ""))
