"""Messages as chat templates take them."""

from __future__ import annotations

from collections.abc import Iterable

from conversations.types import Message

Turn = dict[str, str]


def turns_of(messages: Iterable[Message]) -> list[Turn]:
    """Role and text; neighbours of the same role as one, because many templates insist on taking turns."""
    turns: list[Turn] = []
    for message in messages:
        text = message.content.encode(errors="replace").decode()  # tokenizers raise on half characters
        if message.role == "tool" or not text:
            continue
        if turns and turns[-1]["role"] == message.role:
            turns[-1]["content"] += f"\n\n{text}"
        else:
            turns.append({"role": message.role, "content": text})
    return turns


def without_system(turns: list[Turn]) -> list[Turn]:
    """The system's words at the head of the first message, for templates that know no such role (Gemma's)."""
    if len(turns) < 2 or turns[0]["role"] != "system":
        return turns
    system, first, *rest = turns
    return [{**first, "content": f"{system['content']}\n\n{first['content']}"}, *rest]
