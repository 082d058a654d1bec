"""Taking in a chat that was had elsewhere, or here before: its row and its document, as they were.

Repeating adds nothing: a chat is known by its id, a message by its own, and what is there stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from conversations.cleaning import clean
from conversations.errors import ConflictError, InputError
from conversations.indexing import complete_or_later
from conversations.models import (
    FOLDER_NAME_MAX_LENGTH,
    PROMPT_MAX_LENGTH,
    TITLE_MAX_LENGTH,
    ChatModel,
    Conversation,
    Folder,
    Persona,
)
from conversations.services import feedback
from conversations.services.catalogue import available_models, default_model
from conversations.services.folders import MOST_FOLDERS
from conversations.services.organising import MOST_PINNED
from conversations.services.wishes import Wish, take
from conversations.stores import get_store
from conversations.stores.document import dumps
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


def foresee(user, arrival: Arrival) -> tuple[Fate, int]:
    """What `adopt` would do, and how many messages it would add.

    Raises TooLarge, ConflictError, and what stores raise on reading.
    """
    row, free = _place(user, arrival)
    if row is None:
        dumps(Key(str(user.pk), str(free)), arrival.transcript)
        return Fate.NEW, len(arrival.transcript.messages)
    if row.trashed_at:
        return Fate.IN_TRASH, 0
    known = get_store().load(row.key)
    added = len(_with_news(known, arrival.transcript).messages) - len(known.messages)
    return (Fate.MORE if added else Fate.THERE), added


def adopt(user, arrival: Arrival) -> tuple[Fate, int, UUID]:
    """Take it in. What became of it, how many messages were added, and the id under which it is here.

    Raises TooLarge, ConflictError, StoreUnavailable, CorruptDocument.
    """
    row, free = _place(user, arrival)
    if row is None:
        _create(user, arrival, free)
        return Fate.NEW, len(arrival.transcript.messages), free
    if row.trashed_at:
        return Fate.IN_TRASH, 0, row.pk
    before: list[Transcript] = []

    def change(known: Transcript) -> Transcript:
        before[:] = [known]
        return _with_news(known, arrival.transcript)

    stored = get_store().update(row.key, change)
    added = len(stored.messages) - len(before[0].messages) if before else 0
    if not added:
        return Fate.THERE, 0, row.pk
    feedback.take_in(row, stored, {at: thumb for at, thumb in arrival.thumbs.items() if at not in before[0].index()})
    Conversation.objects.filter(pk=row.pk).update(
        message_count=len(stored.messages),
        size=stored.size,
        updated_at=max(row.updated_at, arrival.updated_at),
        is_indexed=False,
    )
    complete_or_later(row.key, stored.messages)
    return Fate.MORE, added, row.pk


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


def _with_news(known: Transcript, arrived: Transcript) -> Transcript:
    return known.with_messages(*arrived.messages)


def _create(user, arrival: Arrival, pk: UUID) -> None:
    """The document first: a document without a row is met again by the next attempt, a row without one is damage."""
    conversation = Conversation(
        pk=pk,
        user=user,
        title=clean(arrival.title)[:TITLE_MAX_LENGTH],
        title_source=arrival.title_source,
        pinned_at=_pinned_at(user, arrival.pinned_at),
        archived_at=arrival.archived_at,
        is_unread=arrival.is_unread,
        folder=_folder(user, arrival.folder),
        model=_model(arrival.model),
        is_indexed=False,
    )
    _settle_wishes(conversation, arrival)
    store = get_store()
    with transaction.atomic() if store.shares_database else nullcontext():
        stored = store.update(conversation.key, lambda known: _first(known, arrival.transcript), create=True)
        conversation.message_count, conversation.size = len(stored.messages), stored.size
        conversation.save(force_insert=True)
        times = {"created_at": arrival.created_at, "updated_at": arrival.updated_at}
        Conversation.objects.filter(pk=pk).update(**times)
        feedback.take_in(conversation, stored, arrival.thumbs)
    complete_or_later(conversation.key, stored.messages)


def _first(known: Transcript, arrived: Transcript) -> Transcript:
    return replace(arrived, version=None) if known.version is None else _with_news(known, arrived)


def _folder(user, name: str) -> Folder | None:
    """None where nobody could see one more."""
    name = " ".join(clean(name).split())[:FOLDER_NAME_MAX_LENGTH].strip()
    own = Folder.objects.filter(user=user)
    if not name or (own.count() >= MOST_FOLDERS and not own.filter(name=name).exists()):
        return None
    return own.get_or_create(user=user, name=name)[0]


def _pinned_at(user, moment: datetime | None) -> datetime | None:
    """As long as there is room among those that are pinned."""
    pinned = Conversation.objects.for_user(user).filter(pinned_at__isnull=False)
    return moment if moment and pinned.count() < MOST_PINNED else None


def _model(wanted: tuple[str, str] | None) -> ChatModel | None:
    """The same one, if people can choose it here."""
    if wanted is None:
        return None
    return next((one for one in available_models() if (one.backend, one.model_id) == wanted), None)


def _settle_wishes(conversation: Conversation, arrival: Arrival) -> None:
    """Persona, prompt and settings, as far as they are to be had here; a chat without them is better than none."""
    prompt = arrival.system_prompt
    if arrival.persona:
        name, text = arrival.persona
        wanted = Q(owner=conversation.user, prompt=text) if text else Q(owner=None)
        conversation.persona = Persona.objects.filter(wanted, name=name).order_by("pk").first()
        prompt = prompt if conversation.persona else text or prompt
    conversation.system_prompt = clean(prompt)[:PROMPT_MAX_LENGTH]
    model = conversation.model or default_model()
    if arrival.options and model:
        try:
            take(conversation, model, Wish(arrival.options))
        except InputError:
            conversation.options = {}
