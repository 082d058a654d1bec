"""Letting the store follow what was decided, and taking away what is no longer needed.

Synchronous: run in the executors.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from conversations import plain_sql
from conversations.errors import NotFound
from conversations.indexing import index_messages
from conversations.models import UNSAID, Conversation, Generation
from conversations.outbox import laid_over, turn_messages
from conversations.stores import get_store, store_of

OUTBOX_BATCH = 50
MOST_TEMPORARY = 5  # of one person at a time: they fill memory
OUTBOX_PATIENCE = 3  # ticks of the clock


def insert(generation: Generation) -> None:
    """Save an accepted turn: of a temporary chat without what was said and set, which only this object then has."""
    if not generation.conversation.is_temporary:
        plain_sql.insert(generation)
        return
    said = {name: getattr(generation, name) for name in UNSAID}
    for name, nothing in UNSAID.items():
        setattr(generation, name, nothing)
    plain_sql.insert(generation)
    for name, value in said.items():
        setattr(generation, name, value)


def insert_conversation(conversation: Conversation) -> None:
    """Save a new one: a temporary one without its owner's own system prompt and settings, which its document has."""
    prompt, options = conversation.system_prompt, conversation.options
    if conversation.is_temporary:
        conversation.system_prompt, conversation.options = "", {}
    plain_sql.insert(conversation)
    conversation.system_prompt, conversation.options = prompt, options


def store_turn(generation_id: UUID) -> bool:
    """Bring a decided turn into the store and note it in the row. Doing it twice adds nothing.

    Raises StoreUnavailable; a clock tries again. False if there was nothing left to do. A deleted
    conversation has no document, and none is created; where a living one has none, the turn stays in its
    row and NotFound says so.
    """
    rows = Generation.objects.filter(pk=generation_id, stored_at=None).exclude(status=Generation.Status.IN_PROGRESS)
    generation = rows.select_related("conversation", "model").first()
    if generation is None:
        return False
    store(generation)
    return bool(rows.update(stored_at=timezone.now()))


def store(generation: Generation) -> None:
    """Bring a decided turn into its document, and into the search index.

    Raises StoreUnavailable, and NotFound as `store_turn`.
    """
    if generation.conversation.is_temporary:
        return keep(generation)
    transcript = get_store().update(generation.conversation.key, lambda known: laid_over(known, generation))
    row = {"id": generation.conversation_id}
    if transcript.version is None and plain_sql.select(Conversation, ["id"], row | {"deleted_at": None}):
        raise NotFound(f"The document of conversation {generation.conversation_id} is not in the store.")
    size = {"message_count": len(transcript.messages), "size": transcript.size}
    if plain_sql.update(Conversation, row, size) and transcript.version is not None:
        index_messages(generation.conversation.key, turn_messages(generation))


def keep(generation: Generation) -> None:
    """Bring a decided turn of a temporary chat into its document; where that has ended, nowhere."""
    conversation = generation.conversation
    transcript = store_of(conversation).update(conversation.key, lambda known: laid_over(known, generation))
    size = {"message_count": len(transcript.messages), "size": transcript.size}
    plain_sql.update(Conversation, {"id": generation.conversation_id}, size)


def end_temporary(user_id: int | None = None) -> int:
    """End temporary chats that nobody has used for long; or the oldest beyond a few of one person. Returns how many."""
    rows = Conversation.objects.filter(is_temporary=True)
    if user_id is None:
        long_ago = timezone.now() - timedelta(hours=settings.CHAT_TEMPORARY_HOURS)
        doomed = rows.filter(updated_at__lt=long_ago)[:OUTBOX_BATCH]
    else:
        doomed = rows.filter(user_id=user_id).order_by("-updated_at")[MOST_TEMPORARY:]
    return sum(_ended(conversation) for conversation in doomed)


def _ended(conversation: Conversation) -> bool:
    """False where its owner went on with it since it was read: it is not to end then."""
    rows = Conversation.objects.filter(pk=conversation.pk, updated_at=conversation.updated_at, deleted_at=None)
    if not rows.update(deleted_at=timezone.now()):
        return False
    purge(conversation)
    return True


def waiting_for_store(but: list[UUID]) -> list[UUID]:
    """Decided turns that the store does not have yet, oldest first, at most OUTBOX_BATCH, `but` left out.

    Those decided only now are left to whoever decided them.
    """
    settled = timezone.now() - OUTBOX_PATIENCE * timedelta(seconds=settings.CHAT_CLOCK_INTERVAL)
    rows = Generation.objects.filter(stored_at=None, finished_at__lt=settled).exclude(pk__in=but)
    return list(rows.order_by("created_at").values_list("pk", flat=True)[:OUTBOX_BATCH])


def purge_deleted() -> int:
    """Finish deletions that the store did not let finish. Raises StoreUnavailable. Returns how many."""
    doomed = list(Conversation.objects.filter(deleted_at__isnull=False).order_by("deleted_at")[:OUTBOX_BATCH])
    for conversation in doomed:
        purge(conversation)
    return len(doomed)


def purge(conversation: Conversation) -> None:
    """Remove the document, then the row, of what bears a tombstone, which nobody takes away again.

    Raises StoreUnavailable; the tombstone then stays.
    """
    store_of(conversation).delete(conversation.key)
    Conversation.objects.filter(pk=conversation.pk).delete()


def empty_trash() -> int:
    """Doom what has been in the trash for CHAT_TRASH_DAYS; `purge_deleted` does the rest. Returns how many."""
    now = timezone.now()
    rows = Conversation.objects.filter(trashed_at__lt=now - timedelta(days=settings.CHAT_TRASH_DAYS), deleted_at=None)
    return rows.update(deleted_at=now)


def prune() -> int:
    """Take the text out of rows that the store has had for long: nothing is kept twice. Returns how many."""
    long_ago = timezone.now() - timedelta(hours=settings.CHAT_KEEP_KEYS_HOURS)
    rows = Generation.objects.filter(stored_at__lt=long_ago).exclude(user_text="", reply_text="")
    return rows.update(user_text="", reply_text="", reasoning_text="", sources=[])
