"""The values a conversation is made of: frozen, and ignorant of storage, HTTP and HTML.

Standard library only. A transcript is a tree: an edited message or a second answer is a sibling
of the first, so nothing that was accepted is ever overwritten.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

Role = Literal["system", "user", "assistant", "tool"]
NOTHING: Mapping[str, Any] = MappingProxyType({})


def new_id() -> str:
    return uuid.uuid4().hex


def now() -> datetime:
    return datetime.now(UTC)


class Key(NamedTuple):
    """Where a transcript lives: both parts as text, as they stand in file names."""

    user_id: str
    conversation_id: str


@dataclass(frozen=True, slots=True)
class Message:
    """One thing said. `extra` holds fields of a newer schema that this version does not know."""

    role: Role
    content: str
    id: str = field(default_factory=new_id)
    parent_id: str | None = None
    created_at: datetime = field(default_factory=now)
    metadata: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    extra: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Transcript:
    """A tree of messages and the end of the branch that is shown.

    `leaf` is a message id, or None when nothing is shown (a new or a cleared conversation).
    `version` is the store's own mark (a counter, an ETag); None means never stored.
    """

    messages: tuple[Message, ...] = ()
    leaf: str | None = None
    version: str | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: NOTHING)

    @property
    def size(self) -> int:
        """Characters of all that was said, and thought before it was said."""
        return sum(len(message.content) + len(message.metadata.get("reasoning", "")) for message in self.messages)

    def index(self) -> dict[str, Message]:
        return {message.id: message for message in self.messages}

    def branch(self, leaf: str | None = None) -> tuple[Message, ...]:
        """The messages from the root to `leaf` (by default the shown one), oldest first."""
        index, found, at = self.index(), [], leaf or self.leaf
        while at is not None and at in index:
            message = index.pop(at)  # popping ends the walk even if a document holds a cycle
            found.append(message)
            at = message.parent_id
        return tuple(reversed(found))

    def with_messages(self, *messages: Message) -> Transcript:
        """Append what is not there yet; whatever is there stays as it is.

        The leaf follows only if it was the first new message's parent or an ancestor of it (nothing
        shown is the parent of a first message): somebody who looks at another branch keeps looking
        at it, and a sibling is born. Where later messages came in before these, it follows to their end.
        """
        known = self.index()
        added: dict[str, Message] = {}
        for message in messages:
            if message.id not in known:
                added.setdefault(message.id, message)
        if not added:
            return self
        new = tuple(added.values())
        tree = replace(self, messages=self.messages + new)
        last = new[-1].id
        if self.leaf is None:
            follows = new[0].parent_id is None
        else:
            follows = any(message.id == self.leaf for message in tree.branch(last))
        return replace(tree, leaf=tree.end_below(last) if follows else self.leaf)

    def siblings(self) -> dict[str, tuple[str, ...]]:
        """For each message that has any: the ids of its parent's children, itself among them, oldest first."""
        children: dict[str | None, list[str]] = {}
        for message in self.messages:
            children.setdefault(message.parent_id, []).append(message.id)
        return {id_: tuple(ids) for ids in children.values() if len(ids) > 1 for id_ in ids}

    def lanes(self, at: str) -> tuple[Message, ...]:
        """The newest reply of each model that answered this message beside others; none without comparing."""
        # A reply that another one continues may have been stored after it.
        continued = {message.metadata.get("continues") for message in self.messages}
        found: dict[int, Message] = {}
        for message in self.messages:
            lane = message.metadata.get("lane", 0)
            if message.parent_id == at and lane and (lane not in found or message.id not in continued):
                found[lane] = message
        return tuple(found[lane] for lane in sorted(found))

    def end_below(self, at: str) -> str:
        """The id at the end of the newest branch that goes through this message.

        That is the question itself where replies stand side by side below it and nothing follows any of them.
        """
        # A reply that another one continues may have been stored after it; it is no end of its own.
        continued = {message.metadata.get("continues") for message in self.messages}
        followed = {message.parent_id for message in self.messages}
        shown = (message for message in self.messages if message.id not in continued)
        newest_child = {
            message.parent_id: message.id
            for message in shown
            if message.id in followed or not message.metadata.get("lane")
        }
        while child := newest_child.pop(at, None):
            at = child
        return at

    def merged_with(self, newer: Transcript) -> Transcript:
        """The union by id; `newer` wins the leaf, the version and the unknown fields.

        What only this one has stands after the message that it followed here.
        """
        known = newer.index()
        following: dict[str | None, list[Message]] = {}
        before = None
        for message in self.messages:
            if message.id in known:
                before = message.id
            else:
                following.setdefault(before, []).append(message)
        merged = following.pop(None, [])
        for message in newer.messages:
            merged += [message, *following.pop(message.id, [])]
        return replace(newer, messages=tuple(merged), extra={**self.extra, **newer.extra})


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the model's own server counted them."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """All that a backend may know. `model` is the upstream's name for it, without the backend's alias.

    `options` holds what people tune: temperature, max_tokens, top_p, top_k, stop …; a backend ignores
    what it does not know. `parameters` holds what the catalogue says of this model to its backend: prompt
    format, adapter, stop strings …
    """

    messages: tuple[Message, ...]
    model: str = ""
    user_id: str = ""
    conversation_id: str = ""
    options: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    parameters: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Setting:
    """Something that can be tuned: a control in the panel, checked on the server, handed to the backend by name.

    `label` and `help` may be lazy translations. `least`, `most` and `step` count for numbers, `choices` for
    choices: pairs of a value and what people read. A default of None means: what the model's server thinks right.
    """

    name: str
    label: Any
    kind: Literal["number", "integer", "choice", "text", "flag"] = "number"
    default: Any = None
    least: float | None = None
    most: float | None = None
    step: float | None = None
    choices: tuple[tuple[Any, Any], ...] = ()
    help: Any = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a reply. The last one carries a finish reason: "stop", "length" or "content_filter".

    `metadata` may hold `waiting`: a sentence saying what a silent model is busy with; `reasoning`: text that the
    model thinks before it answers, which is no part of the answer; and `sources` (sources.py): all that it rests on.
    """

    text: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    metadata: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
