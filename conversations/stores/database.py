"""The default store: a row for each document, beside everything else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from conversations import plain_sql
from conversations.errors import ConflictError, StoreUnavailable
from conversations.models import StoredTranscript
from conversations.stores.base import CONFLICT, UNAVAILABLE, ConversationStore
from conversations.stores.document import dumps, loads
from conversations.types import Key, Transcript

PAGE_SIZE = 1000


class DatabaseStore(ConversationStore):
    """A version is the row's id and its counter: a row deleted and made anew never has an old version again."""

    shares_database = True

    def load(self, key: Key) -> Transcript:
        with _database_errors():
            rows = plain_sql.select(StoredTranscript, ["id", "version", "document"], key._asdict())
        if not rows:
            return Transcript()
        pk, counter, text = rows[0]
        return loads(text, key, f"{pk}.{counter}")

    def save(self, key: Key, transcript: Transcript) -> Transcript:
        text = dumps(key, transcript)
        with _database_errors():
            version = _insert(key, text) if transcript.version is None else _update(key, text, transcript.version)
        return loads(text, key, version)

    def delete(self, key: Key, *, version: str | None = None) -> None:
        with _database_errors():
            if version is None:
                _rows(key).delete()
            elif not _rows(key, version).delete()[0] and _rows(key).exists():
                raise ConflictError(CONFLICT)

    def keys(self, user_id: str | None = None) -> Iterator[Key]:
        rows = StoredTranscript.objects.order_by("user_id", "conversation_id")
        if user_id is not None:
            rows = rows.filter(user_id=user_id)
        rest = rows
        # Page by page from the last key on: no cursor stays open while the caller works, or deletes.
        while page := _page(rest):
            yield from page
            last = page[-1]
            rest = rows.filter(
                Q(user_id__gt=last.user_id) | Q(user_id=last.user_id, conversation_id__gt=last.conversation_id)
            )


def _rows(key: Key, version: str | None = None) -> QuerySet[StoredTranscript]:
    rows = StoredTranscript.objects.filter(user_id=key.user_id, conversation_id=key.conversation_id)
    if version is None:
        return rows
    pk, counter = _parts(version)
    return rows.filter(pk=pk, version=counter)


def _parts(version: str) -> tuple[int, int]:
    """Row and counter; what is no version of this store fits no row."""
    pk, _, counter = version.partition(".")
    return (int(pk), int(counter)) if pk.isdecimal() and counter.isdecimal() else (0, 0)


def _insert(key: Key, text: str) -> str:
    try:
        with transaction.atomic():  # a savepoint inside the caller's transaction, which goes on after a conflict
            plain_sql.insert(row := StoredTranscript(**key._asdict(), document=text))
    except IntegrityError as error:
        raise ConflictError(CONFLICT) from error
    return f"{row.pk}.{row.version}"


def _update(key: Key, text: str, version: str) -> str:
    pk, counter = _parts(version)
    fields = {"document": text, "version": counter + 1, "updated_at": timezone.now()}
    if not plain_sql.update(StoredTranscript, {**key._asdict(), "id": pk, "version": counter}, fields):
        raise ConflictError(CONFLICT)
    return f"{pk}.{counter + 1}"


def _page(rows: QuerySet[StoredTranscript]) -> list[Key]:
    with _database_errors():
        return [Key(*pair) for pair in rows.values_list("user_id", "conversation_id")[:PAGE_SIZE]]


@contextmanager
def _database_errors():
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise StoreUnavailable(UNAVAILABLE) from error
