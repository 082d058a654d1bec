"""Taking in a chat that was had elsewhere, or here before: its row and its document, as they were.

Repeating adds nothing: a chat is known by its id, a message by its own, and what is there stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from django.db import transaction
from django.utils.translation import gettext as _

from conversations.cleaning import clean
from conversations.errors import ConflictError
from conversations.indexing import complete_or_later
from conversations.models import (
    TITLE_MAX_LENGTH,
    Conversation,
)
from conversations.services import arranging, feedback
from conversations.services.screening import Screen
from conversations.stores import get_store
from conversations.stores.document import dumps
from conversations.titles import fallback
from conversations.types import NOTHING, Key, Transcript

SPARE_IDS = 3


class Fate(StrEnum):
    """What becomes of a chat that is taken in."""

    NEW = "new"
    MORE = "more"  # it is here; messages were said since
    THERE = "there"
    IN_TRASH = "trash"  # its owner threw it away, and may take it back


@dataclass(frozen=True, slots=True)
class Arrival:
    """A chat to take in. `ids` in the order of preference: the first that is nobody else's.

    `model` is a pair of connection and model id, `persona` one of name and prompt; `thumbs` has for ids of answers what
    their owner thought of them, and why.
    """

    ids: tuple[UUID, ...]
    title: str
    transcript: Transcript
    created_at: datetime
    updated_at: datetime
    title_source: str = Conversation.TitleSource.USER
    pinned_at: datetime | None = None
    archived_at: datetime | None = None
    is_unread: bool = False
    folder: str = ""
    model: tuple[str, str] | None = None
    persona: tuple[str, str] | None = None
    system_prompt: str = ""
    options: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    thumbs: Mapping[str, tuple[int, str]] = field(default_factory=lambda: NOTHING)


class Taken(NamedTuple):
    """What became of a chat, or would: how many messages were added, of which the guards refused so many."""

    fate: Fate
    added: int
    refused: int = 0
    conversation_id: UUID | None = None


def foresee(user, arrival: Arrival) -> Taken:
    """What `adopt` would do. Raises TooLarge, ConflictError, and what stores raise on reading."""
    row, free = _place(user, arrival)
    screen = _screen(user, arrival, free, is_trial=True)
    if row is None:
        dumps(Key(str(user.pk), str(free)), arrival.transcript)
        screen.messages(arrival.transcript.messages)
        return Taken(Fate.NEW, len(arrival.transcript.messages), screen.refused)
    if row.trashed_at:
        return Taken(Fate.IN_TRASH, 0)
    known = get_store().load(row.key)
    added = len(_with_news(known, arrival.transcript, screen).messages) - len(known.messages)
    return Taken(Fate.MORE if added else Fate.THERE, added, screen.refused)


def adopt(user, arrival: Arrival) -> Taken:
    """Take it in. Raises TooLarge, ConflictError, StoreUnavailable, CorruptDocument."""
    row, free = _place(user, arrival)
    screen = _screen(user, arrival, free, is_trial=False)
    if row is None:
        _create(user, arrival, free, screen)
        return Taken(Fate.NEW, len(arrival.transcript.messages), screen.refused, free)
    if row.trashed_at:
        return Taken(Fate.IN_TRASH, 0, 0, row.pk)
    before: list[Transcript] = []

    def change(known: Transcript) -> Transcript:
        before[:], screen.refused = [known], 0
        return _with_news(known, arrival.transcript, screen)

    stored = get_store().update(row.key, change)
    added = len(stored.messages) - len(before[0].messages) if before else 0
    if not added:
        return Taken(Fate.THERE, 0, 0, row.pk)
    _note_news(row, arrival, before[0], stored)
    return Taken(Fate.MORE, added, screen.refused, row.pk)


def _note_news(row: Conversation, arrival: Arrival, before: Transcript, stored: Transcript) -> None:
    known = before.index()
    feedback.take_in(row, stored, {at: thumb for at, thumb in arrival.thumbs.items() if at not in known})
    Conversation.objects.filter(pk=row.pk).update(
        message_count=len(stored.messages),
        size=stored.size,
        updated_at=max(row.updated_at, arrival.updated_at),
        is_indexed=False,
    )
    complete_or_later(row.key, stored.messages)


def _screen(user, arrival: Arrival, pk: UUID, *, is_trial: bool) -> Screen:
    return Screen(user.pk, pk, lambda: arranging.model(arrival.model), is_trial)


def _place(user, arrival: Arrival) -> tuple[Conversation | None, UUID]:
    """The chat as it is here already; else the id that it gets. Raises ConflictError where none is free.

    A deleted chat holds its id until its document is gone too. Whoever purged it here could meet the clock, which
    would then delete what came in meanwhile; so another id is taken, the same each time.
    """
    ids = (*arrival.ids, *(uuid5(arrival.ids[-1], str(number)) for number in range(SPARE_IDS)))
    rows = {row.pk: row for row in Conversation.objects.filter(pk__in=ids)}
    for pk in ids:
        row = rows.get(pk)
        if row is not None and row.user_id == user.pk and row.deleted_at is None:
            return row, pk
    free = next((pk for pk in ids if pk not in rows), None)
    if free is None:
        raise ConflictError(_("It is still being deleted here. Try again in a few minutes."))
    return None, free


def _with_news(known: Transcript, arrived: Transcript, screen: Screen) -> Transcript:
    there = known.index()
    return known.with_messages(*screen.messages(tuple(one for one in arrived.messages if one.id not in there)))


def _create(user, arrival: Arrival, pk: UUID, screen: Screen) -> None:
    """The document first: a document without a row is met again by the next attempt, a row without one is damage."""
    arrived = replace(arrival.transcript, messages=screen.messages(arrival.transcript.messages))
    title = screen.title(arrival.title, lambda: fallback(arrived.messages[0].content) if arrived.messages else "")
    conversation = Conversation(
        pk=pk,
        user=user,
        title=clean(title)[:TITLE_MAX_LENGTH],
        title_source=arrival.title_source,
        pinned_at=arranging.pinned_at(user, arrival.pinned_at),
        archived_at=arrival.archived_at,
        is_unread=arrival.is_unread,
        folder=arranging.folder(user, arrival.folder),
        model=arranging.model(arrival.model),
        is_indexed=False,
    )
    arranging.settle_wishes(conversation, arrival.persona, arrival.system_prompt, arrival.options)
    store = get_store()
    with transaction.atomic() if store.shares_database else nullcontext():
        stored = store.update(conversation.key, lambda known: _first(known, arrived), create=True)
        conversation.message_count, conversation.size = len(stored.messages), stored.size
        conversation.save(force_insert=True)
        times = {"created_at": arrival.created_at, "updated_at": arrival.updated_at}
        Conversation.objects.filter(pk=pk).update(**times)
        feedback.take_in(conversation, stored, arrival.thumbs)
    complete_or_later(conversation.key, stored.messages)


def _first(known: Transcript, arrived: Transcript) -> Transcript:
    return replace(arrived, version=None) if known.version is None else known.with_messages(*arrived.messages)
