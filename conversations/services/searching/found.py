"""What a search gives: values for pages and for any other mouth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from conversations.models import Conversation
from conversations.services.searching.snippets import Fit, Piece


@dataclass(frozen=True, slots=True)
class TitleHit:
    """A conversation whose title fits."""

    conversation: Conversation
    fit: Fit

    @property
    def title(self) -> tuple[Piece, ...]:
        return self.fit.whole()


@dataclass(frozen=True, slots=True)
class MessageHit:
    """A message that fits. `others` counts those of the same chat that fit less well and are left out."""

    conversation: Conversation
    message_id: str
    role: str
    said_at: datetime
    fit: Fit
    others: int = 0

    @property
    def snippet(self) -> tuple[Piece, ...]:
        """Made when it is shown: a page shows few of what is found."""
        return self.fit.snippet()


@dataclass(frozen=True, slots=True)
class Found:
    """The best first. `is_cut`: there is more than a search looks at; `is_growing`: older chats come in by and by."""

    titles: tuple[TitleHit, ...] = ()
    messages: tuple[MessageHit, ...] = ()
    is_cut: bool = False
    is_growing: bool = False

    @property
    def count(self) -> int:
        """Of all that fits, also of what a chat that has much of it leaves out."""
        return len(self.titles) + len(self.messages) + sum(hit.others for hit in self.messages)
