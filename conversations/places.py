"""The long lists that have a page: all chats, a folder, the archive, the trash; and what somebody selected there."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import QueryDict

from conversations import services
from conversations.cleaning import whole_number
from conversations.errors import NotFound
from conversations.listing import Listing, part_of
from conversations.models import ConversationQuerySet, Folder

ALL, FOLDER, ARCHIVE, TRASH = "all", "folder", "archive", "trash"
PART = 50  # rows
IN_TRASH = ("restore", "purge")  # verbs


@dataclass(frozen=True, slots=True)
class Place:
    name: str
    rows: ConversationQuerySet
    by: str = "updated_at"
    folder: Folder | None = None

    def part(self, before: str) -> Listing:
        return part_of(self.rows, by=self.by, before=before, size=PART)


def place_of(user, name: str, folder_id: int | None = None) -> Place:
    """Raises NotFound for a folder that is not this person's, and for a name that is none."""
    if name == ALL:
        return Place(ALL, services.listed_of(user))
    if name == ARCHIVE:
        return Place(ARCHIVE, services.archive_of(user), "archived_at")
    if name == TRASH:
        return Place(TRASH, services.trash_of(user), "trashed_at")
    if name != FOLDER or folder_id is None:
        raise NotFound
    folder = services.own_folder(user, folder_id)
    return Place(FOLDER, services.members_of(folder), folder=folder)


@dataclass(frozen=True, slots=True)
class Selection:
    """Chats by their ids; or `everything` in a place, with what is not loaded yet."""

    ids: tuple[UUID, ...]
    everything: bool = False
    place: str = ""
    folder_id: int | None = None

    @classmethod
    def of(cls, data: QueryDict) -> Selection:
        found = filter(None, map(_uuid, data.getlist("chat")))
        folder_id = whole_number(data.get("folder", ""))
        return cls(tuple(dict.fromkeys(found)), bool(data.get("everything")), data.get("place", ""), folder_id)

    @property
    def is_empty(self) -> bool:
        return not (self.ids or self.everything)

    def rows(self, user, verb: str) -> ConversationQuerySet:
        """Those of them that are this person's, and that the verb can be done to. Raises NotFound."""
        if not self.everything:
            return (
                services.trash_of(user).filter(pk__in=self.ids) if verb in IN_TRASH else services.chosen(user, self.ids)
            )
        place = place_of(user, self.place, self.folder_id)
        if (place.name == TRASH) != (verb in IN_TRASH):
            raise NotFound
        return place.rows


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
