"""What a database's full-text index has to be able to do. Synchronous: it runs where the database does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, ClassVar

from django.db import connection

from conversations.indexing.entries import Entry
from conversations.indexing.folding import words
from conversations.models import SearchEntry
from conversations.types import Key

# Signs of private use, which no text has in its words: whose an entry is, in which chat it stands, that it is a title.
OWNER, CHAT, TITLE = "\uf8f0", "\uf8f1", "\uf8f2"
FIELDS = ("user", "conversation", "message_id", "part", "role", "created_at", "text")
COLUMNS = "user_id, conversation_id, message_id, part, role, created_at, text"
TABLE = SearchEntry._meta.db_table
Query = Sequence[Sequence[str]]
"""All of its groups are to be found, of each group one word; a word that ends in * stands for all that begin so."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look into the index: for a person's titles, or for what was said, the newest first.

    `rights` is SQL that says of an entry `e` whether it counts; `chats` names the only ones that can, if they are few.
    """

    user_id: Any
    query: Query
    rights: str
    parameters: Sequence[Any]
    limit: int
    in_titles: bool = False
    chats: Sequence[Any] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> tuple[str, list[Any]]:
        """On entries `e`, as SQL: titles or messages, of that time."""
        field = SearchEntry._meta.get_field("created_at")
        bounds = {" AND e.created_at >= %s": self.since, " AND e.created_at < %s": self.until}
        given = {sql: time for sql, time in bounds.items() if time}
        kind = "e.message_id = ''" if self.in_titles else "e.message_id <> ''"
        return kind + "".join(given), [field.get_db_prep_value(time, connection) for time in given.values()]


class FullTextIndex(ABC):
    """One for each kind of database; the migration that made the table of entries made it.

    Whatever deletes an entry deletes its words: the database sees to that.
    """

    vendor: ClassVar[str]

    @abstractmethod
    def add(self, key: Key, entries: Iterable[Entry]) -> None:
        """Those that are not there yet; what is there stays. Raises IntegrityError if the conversation is gone."""

    @abstractmethod
    def put(self, key: Key, entry: Entry) -> None:
        """In the place of what is there, if anything is. Raises as `add`."""

    @abstractmethod
    def newest(self, look: Look) -> list[int]:
        """The keys of the newest entries that fit."""


def owner_word(user_id: Any) -> str:
    return f"{OWNER}{user_id}"


def chat_word(conversation_id: Any) -> str:
    return f"{CHAT}{str(conversation_id).replace('-', '')}"


def words_of(key: Key, entry: Entry) -> list[str]:
    """What the entry is found by."""
    found = words(entry.text) | {owner_word(key.user_id), chat_word(key.conversation_id)}
    return sorted(found | {TITLE} if entry.is_title else found)


def values_of(key: Key, entry: Entry) -> list[Any]:
    """For COLUMNS, as the database's driver takes them."""
    values = (key.user_id, key.conversation_id, entry.message_id, entry.part, entry.role, entry.created_at, entry.text)
    return [field.get_db_prep_save(value, connection) for field, value in zip(_fields(), values, strict=True)]


@cache
def _fields() -> tuple:
    return tuple(SearchEntry._meta.get_field(name) for name in FIELDS)
