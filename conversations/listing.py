"""A part of a long list: its rows, and where the next part begins. It costs the same at any depth."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from conversations.models import Conversation

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
MICROSECOND = datetime.timedelta(microseconds=1)
MOST_MICROSECONDS = 10**17  # somewhat after the year 5000
SHOWN = ("id", "title", "updated_at", "pinned_at", "archived_at", "trashed_at", "is_unread", "folder_id")


@dataclass(frozen=True, slots=True)
class Listing:
    """`more` is the cursor of the part that follows; "" at the end."""

    rows: list[Conversation]
    more: str


def part_of(rows: QuerySet[Conversation], *, by: str, before: str = "", size: int) -> Listing:
    """`size` rows after the cursor `before`, newest first by the field `by`. A cursor of nonsense is none."""
    if place := _read(before):
        moment, pk = place
        rows = rows.filter(**{f"{by}__lte": moment}).exclude(**{by: moment, "pk__gte": pk})
    found = list(rows.only(*SHOWN).order_by(f"-{by}", "-pk")[: size + 1])
    shown = found[:size]
    return Listing(shown, _cursor(shown[-1], by) if len(found) > size else "")


def _cursor(row: Conversation, by: str) -> str:
    return f"{(getattr(row, by) - EPOCH) // MICROSECOND}.{row.pk.hex}"


def _read(cursor: str) -> tuple[datetime.datetime, UUID] | None:
    number, _dot, key = cursor.partition(".")
    try:
        microseconds, pk = int(number[:20]), UUID(key)
    except ValueError:
        return None
    return (EPOCH + microseconds * MICROSECOND, pk) if 0 <= microseconds < MOST_MICROSECONDS else None
