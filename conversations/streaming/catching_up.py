"""Making findable what search does not know yet: chats from before there was an index, and what could not be indexed.

In small steps beside everything else, so that no deploy and no reply waits for it.
"""

from __future__ import annotations

import logging
import time
from uuid import UUID

from conversations.errors import StoreUnavailable
from conversations.indexing import KEPT, complete
from conversations.models import Conversation
from conversations.stores import get_store
from conversations.streaming.executors import in_database, in_store

logger = logging.getLogger(__name__)
STEP = 0.1  # seconds of work, then others have their turn
CHATS = 50  # looked up at once
LOOK_EVERY = 60.0  # seconds, when all was done
AGAIN_AFTER = 600.0  # seconds, for a chat whose document cannot be read


class CatchingUp:
    """Of one process; several may do the same work, and then do it twice."""

    def __init__(self) -> None:
        self._idle_until = 0.0
        self._refused: dict[UUID, float] = {}

    async def step(self) -> None:
        """Some of what is missing, the newest chats first. Raises StoreUnavailable, and the database's errors."""
        now = time.monotonic()
        if now < self._idle_until:
            return
        self._refused = {pk: at for pk, at in self._refused.items() if now - at < AGAIN_AFTER}
        chats = await in_database(_waiting, list(self._refused))
        if not chats:
            self._idle_until = now + LOOK_EVERY
            return
        while chats and time.monotonic() - now < STEP:
            await self._index(chats.pop(0))

    async def _index(self, chat: Conversation) -> None:
        try:
            await in_store(index_chat, chat)
        except StoreUnavailable:
            raise
        except Exception as error:  # a broken document must not keep the others waiting
            self._refused[chat.pk] = time.monotonic()
            logger.warning("Chat %s cannot be made findable: %s", chat.pk, type(error).__name__)


def _waiting(but: list[UUID]) -> list[Conversation]:
    rows = Conversation.objects.filter(is_indexed=False, deleted_at=None, **KEPT).exclude(pk__in=but)
    return list(rows.order_by("-updated_at").only("pk", "user_id")[:CHATS])


def index_chat(chat: Conversation, *, afresh: bool = False) -> int:
    """All of one chat; `afresh`, in the place of what is there. Returns how many messages its document has.

    Raises ChatError if the store does not answer or the document is damaged, and the database's errors.
    """
    transcript = get_store().load(chat.key)
    complete(chat.key, transcript.messages, afresh=afresh)
    return len(transcript.messages)
