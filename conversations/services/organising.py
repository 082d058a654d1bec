"""How a person keeps order among conversations: pins, the archive, the trash, unread marks.

Each verb takes rows of one person, as `chosen` or a list gives them, and returns how many it changed. What goes away
together goes at one moment, by which it is taken back together.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.db.models import Case, F, OuterRef, Subquery, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations.errors import InputError, StoreUnavailable
from conversations.models import Conversation, ConversationQuerySet, Folder, Generation
from conversations.streaming import mark_read, storing

MOST_PINNED = 100
PURGED_AT_ONCE = 20  # the clock removes the documents of the others
# What can be put back, and which columns it changes.
CHANGED = {
    "move": ["folder"],
    "pin": ["pinned_at", "archived_at"],
    "unpin": ["pinned_at"],
    "unarchive": ["archived_at"],
}
logger = logging.getLogger(__name__)


def chosen(user, ids: Iterable[UUID]) -> ConversationQuerySet:
    """Those of these conversations that are this person's, and not in the trash."""
    return Conversation.objects.for_user(user).filter(pk__in=list(ids))


def recent_of(user) -> ConversationQuerySet:
    """What stands in no other place of the sidebar."""
    return Conversation.objects.for_user(user).filter(archived_at=None, pinned_at=None, folder=None)


def pinned_of(user) -> ConversationQuerySet:
    """The pin that was set last stands first."""
    rows = Conversation.objects.for_user(user).filter(archived_at=None, pinned_at__isnull=False)
    return rows.order_by("-pinned_at")[:MOST_PINNED]


def listed_of(user) -> ConversationQuerySet:
    """All that is neither in the archive nor in the trash."""
    return Conversation.objects.for_user(user).filter(archived_at=None)


def archive_of(user) -> ConversationQuerySet:
    return Conversation.objects.for_user(user).filter(archived_at__isnull=False)


def trash_of(user) -> ConversationQuerySet:
    return Conversation.objects.trash_of(user)


def being_written(user) -> set[UUID]:
    """In which conversations an answer is being written."""
    rows = Generation.objects.filter(user_id=user.pk, status=Generation.Status.IN_PROGRESS)
    return set(rows.order_by().values_list("conversation_id", flat=True))


def pin(user, rows: ConversationQuerySet, moment: datetime.datetime | None = None) -> int:
    """Raises InputError where too many would be pinned. What is pinned leaves the archive.

    `moment`, here and below, is by what `put_back` finds them again; without it there is no way back.
    """
    new = rows.filter(pinned_at=None)
    _check_pins(user, new)
    rows.filter(pinned_at__isnull=False).update(archived_at=None)
    return new.update(**_left(moment), pinned_at=timezone.now(), archived_at=None)


def _check_pins(user, new: ConversationQuerySet) -> None:
    pinned = Conversation.objects.for_user(user).filter(pinned_at__isnull=False)
    if pinned.count() + new.count() > MOST_PINNED:
        raise InputError(_("At most {limit} chats can be pinned. Unpin one first.").format(limit=MOST_PINNED))


def unpin(rows: ConversationQuerySet, moment: datetime.datetime | None = None) -> int:
    return rows.update(**_left(moment), pinned_at=None)


def archive(rows: ConversationQuerySet, moment: datetime.datetime) -> int:
    """Out of the way until somebody takes them back, or goes on with them."""
    return rows.filter(archived_at=None).update(archived_at=moment)


def unarchive(rows: ConversationQuerySet, moment: datetime.datetime | None = None) -> int:
    return rows.update(**_left(moment), archived_at=None)


def move(rows: ConversationQuerySet, folder: Folder | None, moment: datetime.datetime | None = None) -> int:
    """Into a folder of the same person, or out of all."""
    return rows.update(**_left(moment), folder=folder)


def put_back(user, verb: str, moment: datetime.datetime) -> int:
    """Where `verb` took them from at that moment; what somebody moved again since stays where it is now.

    Raises InputError where too many would be pinned.
    """
    rows = Conversation.objects.for_user(user).filter(moved_at=moment)
    if verb == "unpin":
        _check_pins(user, rows.filter(pinned_at=None, pinned_before__isnull=False))
    before = _before()
    return rows.update(**{name: before[name] for name in CHANGED[verb]})


def _before() -> dict[str, object]:
    folders = Folder.objects.filter(pk=OuterRef("folder_before"), user=OuterRef("user"))
    # Who archived it since, or went on with it, wants it where that brought it.
    archived = When(updated_at__lte=F("moved_at"), then=Coalesce("archived_at", "archived_before"))
    return {
        "folder": Subquery(folders.order_by().values("pk")),
        "pinned_at": F("pinned_before"),
        "archived_at": Case(archived, default=F("archived_at")),
    }


def _left(moment: datetime.datetime | None) -> dict[str, object]:
    """What the rows note of where they were."""
    before = {"folder_before": F("folder"), "pinned_before": F("pinned_at"), "archived_before": F("archived_at")}
    return {"moved_at": moment, **before}


def trash(rows: ConversationQuerySet, moment: datetime.datetime) -> int:
    """Gone for their owner, who may take them back for CHAT_TRASH_DAYS. Running replies are stopped."""
    live = Generation.objects.filter(status=Generation.Status.IN_PROGRESS, conversation__in=rows)
    live.update(stop_requested=True)
    return rows.update(trashed_at=moment)


def restore(rows: ConversationQuerySet) -> int:
    """Back from the trash, to where they were."""
    return rows.update(trashed_at=None)


def purge(rows: ConversationQuerySet) -> int:
    """Gone for good. The documents of many, or while the store is away, are removed by the clock.

    Only what is still in the trash at that very moment: a chat that is taken back meanwhile stays whole.
    """
    moment = timezone.now()
    count = rows.filter(trashed_at__isnull=False, deleted_at=None).update(deleted_at=moment)
    try:
        for conversation in Conversation.objects.filter(deleted_at=moment).order_by()[:PURGED_AT_ONCE]:
            storing.purge(conversation)
    except StoreUnavailable as error:
        logger.warning("A deleted conversation's document could not be removed yet: %s", error)
    return count


def see(conversation: Conversation) -> None:
    """Its owner looks at it."""
    if conversation.is_unread:
        conversation.is_unread = False
        mark_read(conversation.pk)


def empty_trash() -> int:
    """Remove for good what has been in the trash for CHAT_TRASH_DAYS, of everybody. Raises StoreUnavailable."""
    count = storing.empty_trash()
    while storing.purge_deleted():
        pass
    return count


def days_left(conversation: Conversation) -> int:
    """Whole days until it leaves the trash for good."""
    end = conversation.trashed_at + datetime.timedelta(days=settings.CHAT_TRASH_DAYS)
    return max(0, (end - timezone.now()).days)
