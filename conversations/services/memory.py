"""What of a conversation is remembered: its newest turns. A turn is what a person said, and what was answered to it.

The message that is being answered is none of them: with a memory of three turns a model sees the last three questions
with their answers, and the new question. What nobody answered yet belongs to the question after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from conversations.backends.tuning import ALL_THAT_FITS, MEMORY
from conversations.models import Generation
from conversations.types import Message

Turn = tuple[Message, ...]
BESIDE = {"reasoning", "sources"}


def memory_of(options: Mapping[str, Any]) -> int:
    """How many turns; ALL_THAT_FITS sets no limit."""
    turns = options.get(MEMORY.name)
    return MEMORY.default if turns is None else turns


def split(messages: Iterable[Message]) -> tuple[list[Turn], Turn]:
    """The answered turns of a branch, oldest first; and the questions at its end that nobody answered."""
    turns: list[list[Message]] = []
    for message in messages:
        if not turns or (message.role == "user" and _is_answered(turns[-1])):
            turns.append([])
        turns[-1].append(message)
    last = turns.pop() if turns and not _is_answered(turns[-1]) else []
    return [tuple(turn) for turn in turns], tuple(message for message in last if message.content)


def remembered(turns: Sequence[Turn], memory: int) -> list[Turn]:
    """The newest of them, as many as the memory has room for."""
    return list(turns if memory == ALL_THAT_FITS else turns[-memory:])


def alternating(messages: Iterable[Message]) -> list[Message]:
    """Without empty answers; neighbours of one role joined, because many chat templates refuse two in a row."""
    joined: list[Message] = []
    for message in messages:
        if not message.content:
            continue
        if joined and joined[-1].role == message.role:
            joined[-1] = replace(joined[-1], content=f"{joined[-1].content}\n\n{message.content}")
        else:
            joined.append(_alone(message))
    return joined


def _alone(message: Message) -> Message:
    """What stands beside an answer is for people to read: the next one gets dearer by it, and no better."""
    if BESIDE.isdisjoint(message.metadata):
        return message
    return replace(message, metadata={name: value for name, value in message.metadata.items() if name not in BESIDE})


def _is_answered(turn: Sequence[Message]) -> bool:
    """An answer that is being written counts: it will be one."""
    return any(
        message.role == "assistant"
        and (message.content or message.metadata.get("status") == Generation.Status.IN_PROGRESS)
        for message in turn
    )
