"""What of a conversation is found: its title, and what people and models said in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from conversations.types import Message

LONGEST_PART = 16_000  # characters; no full-text index takes a text of any length, and a snippet is cut from one part
SHORTEST_PART = 15_000  # where it can, a long text is cut between two words
ROLES = ("user", "assistant")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the index; a title has no message id."""

    message_id: str
    part: int
    role: str
    created_at: datetime
    text: str

    @property
    def is_title(self) -> bool:
        return not self.message_id


def entries_of(messages: Iterable[Message]) -> Iterator[Entry]:
    """What can be found of these messages; of the system's, and of empty ones, nothing."""
    for message in messages:
        if message.role in ROLES:
            for number, part in enumerate(parts_of(message.content)):
                yield Entry(message.id, number, message.role, message.created_at, part)


def parts_of(text: str) -> Iterator[str]:
    """The text, cut where it is too long for one row."""
    start = 0
    while start < len(text):
        end = start + LONGEST_PART
        if end < len(text):
            gap = re.compile(r"\s").search(text, start + SHORTEST_PART, end)
            end = gap.end() if gap else end
        if part := text[start:end].strip():
            yield part
        start = end
