"""The search index: written and deleted by whatever writes and deletes conversations, in the site's own database.

So it works alike for every store. What is not in it yet is brought in later: Conversation.is_indexed tells.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import islice

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from conversations import plain_sql
from conversations.indexing.base import FullTextIndex, Look, Query
from conversations.indexing.entries import Entry, entries_of
from conversations.indexing.postgres import PostgresIndex
from conversations.indexing.sqlite import SQLiteIndex
from conversations.models import Conversation, SearchEntry
from conversations.types import Key, Message

__all__ = [
    "KEPT",
    "FullTextIndex",
    "Look",
    "Query",
    "complete",
    "complete_or_later",
    "get_index",
    "index_messages",
    "index_title",
]

KEPT = {"is_temporary": False}  # what can be found at all
logger = logging.getLogger(__name__)
BATCH = 20  # entries that are written at once: others want to write, too
_kinds = {kind.vendor: kind for kind in (SQLiteIndex, PostgresIndex)}


def get_index(vendor: str = "") -> FullTextIndex:
    """Of the site's database. Raises NotImplementedError for one that has none here."""
    vendor = vendor or connection.vendor
    if vendor not in _kinds:
        raise NotImplementedError(f"Searching needs SQLite or Postgres; this database is {vendor}.")
    return _kinds[vendor]()


def index_messages(key: Key, messages: Iterable[Message]) -> None:
    """Make these messages findable, and the title if it is new. What cannot be done now is done later.

    Of a temporary chat, and of one that is gone, nothing is kept. The log gets the kind of an error only: a database
    may quote the row in its text. Raises nothing but what a broken transaction around
    it raises: a text must be kept whether it can be found or not.
    """
    try:
        with transaction.atomic():
            for title in _titles(key):
                get_index().add(key, [*_entry(title), *entries_of(messages)])
    except Exception as error:
        logger.warning("A chat is made findable later: %s", type(error).__name__)
        plain_sql.update(Conversation, {"id": key.conversation_id}, {"is_indexed": False})


def index_title(key: Key) -> None:
    """Make the title findable as it now is, in the place of the one before. Raises as index_messages."""
    try:
        with transaction.atomic():
            for title in _titles(key):
                for entry in _entry(title):
                    get_index().put(key, entry)
    except Exception as error:
        logger.warning("A title is made findable later: %s", type(error).__name__)
        plain_sql.update(Conversation, {"id": key.conversation_id}, {"is_indexed": False})


def complete(key: Key, messages: Iterable[Message], *, afresh: bool = False) -> None:
    """Bring in all of a conversation that is missing, in small transactions; `afresh`, what is there is replaced.

    A conversation that is deleted meanwhile is left. Raises the database's errors.
    """
    known = set()
    if not afresh:
        rows = SearchEntry.objects.filter(conversation_id=key.conversation_id)
        known = set(rows.values_list("message_id", "part"))
    missing = (entry for entry in entries_of(messages) if (entry.message_id, entry.part) not in known)
    try:
        if afresh:
            SearchEntry.objects.filter(conversation_id=key.conversation_id).delete()
        while batch := list(islice(missing, BATCH)):
            with transaction.atomic():
                get_index().add(key, batch)
        with transaction.atomic():
            for title in _titles(key):
                for entry in _entry(title):
                    get_index().put(key, entry)
            plain_sql.update(Conversation, {"id": key.conversation_id}, {"is_indexed": True})
    except IntegrityError:
        if Conversation.objects.filter(pk=key.conversation_id).exists():
            raise


def complete_or_later(key: Key, messages: Iterable[Message]) -> None:
    """The same for who has just written a conversation that says `is_indexed` False. Raises as index_messages."""
    try:
        complete(key, messages)
    except Exception as error:
        logger.warning("A chat is made findable later: %s", type(error).__name__)


def _titles(key: Key) -> list[str]:
    """One, or none. Read here, because whoever has the row may have had it for long."""
    return [title for (title,) in plain_sql.select(Conversation, ["title"], {"id": key.conversation_id, **KEPT})]


def _entry(title: str) -> Iterator[Entry]:
    if title.strip():
        yield Entry("", 0, "", timezone.now(), title)
