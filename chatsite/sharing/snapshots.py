"""A frozen copy of what a chat shows: the questions and answers of the shown branch, and who answered.

Left out are the system prompt and the persona, what models thought, other versions, times, tokens, errors, the ids of
the original, and its owner's name.

    {"schema": 1, "messages": [{"role", "content", "label"?, "cut"?, "lane"?, "sources"?}]}

Answers that stand side by side follow their question one after the other, each with its lane.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from conversations.errors import ConversationBusy, InputError
from conversations.sources import Source, clean_sources
from conversations.types import Message, Transcript

SCHEMA = 1
CUT = {"failed", "interrupted", "cancelled"}


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a snapshot. `cut`: the answer ended before its end."""

    role: str
    content: str
    label: str = ""
    cut: bool = False
    lane: int = 0
    sources: Sequence[Source] = ()


def take(transcript: Transcript) -> tuple[Said, ...]:
    """What is shown now. Raises InputError if that is nothing, ConversationBusy while an answer is being written."""
    beside = transcript.lanes(transcript.leaf or "")
    messages = [message for message in transcript.branch() if message.role in ("user", "assistant")]
    if any(message.metadata.get("status") == "in_progress" for message in (*messages, *beside)):
        raise ConversationBusy(_("An answer is still being written in this chat. Share it when it is complete."))
    said = [_said(message) for message in messages] + [_said(message, in_lane=True) for message in beside]
    said = [one for one in said if one.content.strip()]
    if not said:
        raise InputError(_("There is nothing to share in this chat yet."))
    return tuple(said)


def _said(message: Message, *, in_lane: bool = False) -> Said:
    if message.role == "user":
        return Said("user", message.content)
    data = message.metadata
    cut = data.get("status") in CUT or data.get("finish_reason") == "length"
    lane, sources = data.get("lane", 0) if in_lane else 0, tuple(clean_sources(data.get("sources")))
    return Said("assistant", message.content, data.get("label", ""), cut, lane, sources)


def dumps(said: tuple[Said, ...]) -> str:
    defaults = Said("", "")
    messages = [
        {name: value for name in Said.__slots__ if (value := getattr(one, name)) != getattr(defaults, name)}
        for one in said
    ]
    return json.dumps({"schema": SCHEMA, "messages": messages}, ensure_ascii=False, separators=(",", ":"))


def loads(text: str) -> tuple[Said, ...]:
    known = set(Said.__slots__)
    return tuple(
        Said(**{"content": "", **{name: value for name, value in message.items() if name in known}})
        for message in json.loads(text)["messages"]
    )


def as_messages(said: tuple[Said, ...]) -> Iterator[Message]:
    """The same as messages of a chat of one's own, each with a new id."""
    parent: str | None = None
    for one in said:
        metadata: dict[str, Any] = {"label": one.label} if one.label else {}
        if one.sources:
            metadata["sources"] = list(one.sources)
        if one.cut:
            metadata["status"] = "interrupted"
        if one.lane:
            metadata["lane"] = one.lane
        message = Message(one.role, one.content, parent_id=parent, metadata=metadata)
        yield message
        if not one.lane:
            parent = message.id
