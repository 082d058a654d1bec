"""What the sidebar shows: pins, folders, and the newest conversations by day and month."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Set
from dataclasses import dataclass
from hashlib import blake2s
from itertools import groupby
from typing import Any
from uuid import UUID

from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from conversations import services
from conversations.indexing.alphabet import in_order
from conversations.listing import Listing, part_of
from conversations.models import Conversation, Folder

FIRST_PART = 50  # rows
PART = 100
WEEK = 7
Group = tuple[str, list[Conversation]]


@dataclass(frozen=True, slots=True)
class Sidebar:
    """`inside` are the rows of the folder `open_folder`, which the current chat is in; `writing` where answers come."""

    pinned: list[Conversation]
    folders: list[Folder]
    groups: list[Group]
    more: str
    writing: Set[UUID]
    current_id: Any = None
    open_folder: int | None = None
    folder_page: int | None = None
    inside: Listing | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.pinned or self.groups or self.inside)

    @property
    def version(self) -> str:
        """The same as long as it shows the same."""
        known = [translation.get_language(), timezone.localdate(), self.current_id, self.open_folder, self.more]
        known += [(folder.pk, folder.name, folder.has_unread) for folder in self.folders]
        for label, rows in [("", self.pinned), *self.groups, ("", self.inside.rows if self.inside else [])]:
            known.append(label)
            known += [(row.pk, row.title, row.is_unread, row.pk in self.writing) for row in rows]
        return blake2s(repr(known).encode(errors="replace"), digest_size=8).hexdigest()


def sidebar(user, current: Conversation | None = None, folder: Folder | None = None) -> Sidebar:
    """Of a person who looks at a chat, or at the page of a folder. As many queries however many chats there are."""
    recent = part_of(services.recent_of(user), by="updated_at", size=FIRST_PART)
    opened = current.folder_id if current else None
    folders = sorted_folders(user)
    is_inside = opened is not None and any(one.pk == opened for one in folders)
    return Sidebar(
        pinned=list(services.pinned_of(user).only("id", "title", "pinned_at", "archived_at", "is_unread", "folder_id")),
        folders=folders,
        groups=by_period(recent.rows),
        more=recent.more,
        writing=services.being_written(user),
        current_id=current.pk if current else None,
        open_folder=opened if is_inside else None,
        folder_page=folder.pk if folder else None,
        inside=in_folder(user, opened) if is_inside else None,
    )


def sorted_folders(user) -> list[Folder]:
    return in_order(services.folders_of(user))


def in_folder(user, folder_id: int, before: str = "") -> Listing:
    rows = services.listed_of(user).filter(folder_id=folder_id)
    return part_of(rows, by="updated_at", before=before, size=FIRST_PART)


def older(user, before: str) -> tuple[list[Group], str]:
    """What follows the last row that stands in the sidebar, with the cursor after it."""
    part = part_of(services.recent_of(user), by="updated_at", before=before, size=PART)
    return by_period(part.rows), part.more


def by_period(rows: Iterable[Conversation]) -> list[Group]:
    """In the order of the rows. Labels are made once for each period: formatting a date takes longer than a row."""
    today, zone = timezone.localdate(), timezone.get_current_timezone()
    parts = groupby(rows, key=lambda row: _period(row.updated_at.astimezone(zone).date(), today))
    return [(_label(period), list(members)) for period, members in parts]


def _period(day: datetime.date, today: datetime.date) -> int | datetime.date:
    """How many days ago the period began, if that is not long ago; otherwise the first day of its month."""
    age = (today - day).days
    if age <= 1:
        return max(age, 0)
    return WEEK if age <= WEEK else day.replace(day=1)


def _label(period: int | datetime.date) -> str:
    if isinstance(period, datetime.date):
        return formats.date_format(period, "YEAR_MONTH_FORMAT")
    return {0: _("Today"), 1: _("Yesterday"), WEEK: _("Previous 7 days")}[period]
