"""A chat that was read in a file, and the ids that it always gets."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid5

from chatsite.transfer import trees
from chatsite.transfer.reading import line
from chatsite.transfer.trees import Node
from conversations.models import Conversation
from conversations.services import Arrival
from conversations.titles import fallback

SPACE = UUID("0b2bb0a4-52c4-5a4e-8f5d-7a1f7a0d9c11")  # of all ids that are made from other sites' ids


@dataclass(frozen=True, slots=True)
class Found:
    source: str
    arrival: Arrival
    left_out: tuple[str, ...] = ()


def space_of(user_id: int, source: str, source_id: str) -> UUID:
    """The id of this chat for this person: two people who import the same file have a chat each."""
    return uuid5(SPACE, f"{user_id}\n{source}\n{source_id}")


def found(
    source: str,
    source_id: str,
    user_id: int,
    nodes: Sequence[Node],
    *,
    title: str,
    leaf: str | None,
    created_at: datetime | None,
    updated_at: datetime | None,
    is_pinned: bool = False,
    is_archived: bool = False,
    **fields,
) -> Found:
    """Raises ChatRefused where nothing was said."""
    times = [node.created_at for node in nodes if node.created_at]
    began = created_at or min(times, default=None) or updated_at or datetime.now(UTC)
    ended = max(updated_at or max(times, default=None) or began, began)
    space = space_of(user_id, source, source_id or _print_of(title, nodes))
    transcript = trees.transcript(nodes, leaf, space=space, began=began)
    asked = next((message.content for message in transcript.branch() if message.role == "user"), "")
    sources = Conversation.TitleSource
    arrival = Arrival(
        ids=(space,),
        title=line(title) or fallback(asked),
        title_source=sources.USER if line(title) else sources.FALLBACK,
        transcript=transcript,
        created_at=began,
        updated_at=ended,
        pinned_at=ended if is_pinned else None,
        archived_at=ended if is_archived else None,
        **fields,
    )
    return Found(source, arrival, tuple(dict.fromkeys(name for node in nodes for name in node.left_out)))


def _print_of(title: str, nodes: Sequence[Node]) -> str:
    """For chats without an id: how they begin, because the next export may have more at their end."""
    beginning = [title, *(node.text for node in nodes if node.is_kept)][:3]
    return hashlib.sha256("\0".join(beginning).encode("utf-8", "surrogatepass")).hexdigest()
