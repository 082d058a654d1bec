"""Conversations as wholes: one by user and id, the latest, all of a user, create, store, read, rename, delete."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations.cleaning import clean
from conversations.errors import InputError, NotFound, Over, StoreUnavailable, TooLarge
from conversations.indexing import index_messages, index_title
from conversations.models import TITLE_MAX_LENGTH, ChatModel, Conversation, Generation
from conversations.outbox import laid_over
from conversations.stores import get_store, store_of, temporary_store
from conversations.stores.document import dumps
from conversations.streaming import storing
from conversations.types import Message, Transcript

ROOM_FOR_A_TURN = 2_000_000  # bytes
MOST_BYTES_PER_CHARACTER = 6  # JSON's escape of a control character
MOST_BYTES_AROUND_A_MESSAGE = 2_000
logger = logging.getLogger(__name__)


def by_id(user, conversation_id, *, temporary: bool = False) -> Conversation:
    """Raises NotFound for what does not exist, is deleted, or is someone else's.

    `temporary` finds temporary ones too: for what happens in the chat itself, and leaves nothing of it elsewhere.
    """
    rows = Conversation.objects.here_for(user) if temporary else Conversation.objects.for_user(user)
    found = rows.select_related("model", "persona").filter(pk=conversation_id).first()
    if found is None:
        raise NotFound(_("This chat does not exist."))
    if found.is_temporary:
        found.system_prompt, found.options = temporary_store().wishes(found.key)
    return found


def latest(user) -> Conversation | None:
    return all_of(user).first()


def all_of(user) -> QuerySet[Conversation]:
    """Newest first."""
    return Conversation.objects.for_user(user).order_by("-updated_at", "-pk")


def start_conversation(user, *, model: ChatModel | None = None, is_temporary: bool = False) -> Conversation:
    """A new conversation that is not saved yet: the first accepted message saves it."""
    return Conversation(user=user, model=model, is_temporary=is_temporary)


def create(user, *, title: str = "", model: ChatModel | None = None) -> Conversation:
    """A new, empty conversation, saved. Raises StoreUnavailable."""
    conversation = start_conversation(user, model=model)
    conversation.title = title[:TITLE_MAX_LENGTH]
    if title:
        conversation.title_source = Conversation.TitleSource.USER
    get_store().save(conversation.key, Transcript())
    conversation.save(force_insert=True)
    index_title(conversation.key)
    return conversation


def store(conversation: Conversation, *messages: Message) -> Transcript:
    """Add messages to its document; what is there already stays. Raises ConflictError, StoreUnavailable, TooLarge."""
    transcript = store_of(conversation).append(conversation.key, *messages)
    Conversation.objects.filter(pk=conversation.pk).update(
        message_count=len(transcript.messages),
        size=transcript.size,
        updated_at=timezone.now(),
    )
    index_messages(conversation.key, messages)
    return transcript


def read(conversation: Conversation) -> Transcript:
    """The transcript, with accepted turns that the store does not have yet laid over it.

    The rows are read first: a turn stored in between is then in the document. Raises StoreUnavailable.
    """
    rows = list(
        Generation.objects.filter(conversation_id=conversation.pk, stored_at=None)
        .select_related("model")
        .order_by("created_at")
    )
    transcript = store_of(conversation).load(conversation.key)
    if transcript.version is None and conversation.is_temporary:
        raise Over(_("This temporary chat is over, and nothing of it was stored. Start a new one to go on."))
    if transcript.version is None and conversation.message_count:
        raise StoreUnavailable(_("The text of this chat is not in the storage. Tell the administrator of this site."))
    for row in rows:
        transcript = laid_over(transcript, row)
    return transcript


def read_what_is_there(conversation: Conversation) -> tuple[Transcript, StoreUnavailable | None]:
    """The transcript; or, with the reason, only those turns of it whose text still stands in the database.

    That is what pages show while the store is away: the running reply, what the store is yet to get, and the turns of
    the last hours.
    """
    try:
        return read(conversation), None
    except StoreUnavailable as error:
        rows = Generation.objects.filter(conversation_id=conversation.pk).exclude(user_text="", reply_text="")
        transcript = Transcript()
        for row in rows.select_related("model").order_by("created_at"):
            transcript = laid_over(transcript, row)
        return transcript, error


def read_with_room(conversation: Conversation) -> Transcript:
    """The transcript, if another turn fits into its document. Raises TooLarge, StoreUnavailable.

    Measured exactly only when the row's count of characters makes it thinkable that it does not fit.
    """
    transcript = read(conversation)
    size = settings.CHAT_TEMPORARY_SIZE if conversation.is_temporary else settings.CHAT_MAX_DOCUMENT_SIZE
    limit = size - min(ROOM_FOR_A_TURN, size // 4)
    most = conversation.size * MOST_BYTES_PER_CHARACTER + len(transcript.messages) * MOST_BYTES_AROUND_A_MESSAGE
    if most > limit and len(dumps(conversation.key, transcript)) > limit:
        raise TooLarge(_("This chat has reached its greatest length. Start a new one to go on."))
    return transcript


def rename(conversation: Conversation, title: str) -> None:
    """Give it a name that no model overwrites. Raises InputError if it is blank or too long."""
    title = " ".join(clean(title).split())
    if not title:
        raise InputError(_("Write a title first."))
    if len(title) > TITLE_MAX_LENGTH:
        raise InputError(_("A title may have at most {limit} characters.").format(limit=TITLE_MAX_LENGTH))
    changes: dict[str, Any] = {"title": title, "title_source": Conversation.TitleSource.USER}
    Conversation.objects.filter(pk=conversation.pk).update(**changes)
    index_title(conversation.key)
    for name, value in changes.items():
        setattr(conversation, name, value)


def delete(conversation: Conversation) -> None:
    """Make it gone for its owner at once; then remove its document and row.

    A running reply finds its row gone and closes its upstream. Where the store is away, the tombstone
    stays and a clock goes on trying.
    """
    Conversation.objects.filter(pk=conversation.pk).update(deleted_at=timezone.now())
    try:
        storing.purge(conversation)
    except StoreUnavailable as error:
        logger.warning("A deleted conversation's document could not be removed yet: %s", error)


def end(conversation: Conversation) -> None:
    """Make a temporary chat gone at once, with all that was said in it; a running reply closes its upstream."""
    Conversation.objects.filter(pk=conversation.pk).update(deleted_at=timezone.now())
    storing.purge(conversation)


def end_all_of(user) -> None:
    """All temporary chats of a person who logs out."""
    for conversation in Conversation.objects.filter(user_id=user.pk, is_temporary=True):
        end(conversation)
