"""SQLite's FTS5, which every build of it has had for years."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from conversations.indexing.base import (
    COLUMNS,
    TABLE,
    TITLE,
    FullTextIndex,
    Look,
    Query,
    chat_word,
    owner_word,
    values_of,
    words_of,
)
from conversations.indexing.entries import Entry
from conversations.types import Key

ADD = (
    f"INSERT INTO {TABLE} ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s) "  # noqa: S608
    "ON CONFLICT (conversation_id, message_id, part) DO NOTHING RETURNING id"
)
REMOVE = f"DELETE FROM {TABLE} WHERE conversation_id = %s AND message_id = %s AND part = %s"  # noqa: S608
ADD_WORDS = f"INSERT INTO {TABLE}_words (rowid, words) VALUES (%s, %s)"  # noqa: S608


class SQLiteIndex(FullTextIndex):
    vendor = "sqlite"

    def add(self, key: Key, entries: Iterable[Entry]) -> None:
        with connection.cursor() as cursor:
            for entry in entries:
                cursor.execute(ADD, values_of(key, entry))
                if added := cursor.fetchone():
                    cursor.execute(ADD_WORDS, [added[0], " ".join(words_of(key, entry))])

    def put(self, key: Key, entry: Entry) -> None:
        with connection.cursor() as cursor:
            cursor.execute(REMOVE, values_of(key, entry)[1:4])
        self.add(key, [entry])

    def newest(self, look: Look) -> list[int]:
        """In the order of the index, which is that in which things were said, or came in; so it stops at the limit."""
        conditions, bounds = look.conditions()
        sql = (
            f"SELECT w.rowid FROM {TABLE}_words w CROSS JOIN {TABLE} e ON e.id = w.rowid "  # noqa: S608
            f"WHERE w.{TABLE}_words MATCH %s AND {conditions} AND {look.rights} ORDER BY w.rowid DESC LIMIT %s"
        )
        groups = [[owner_word(look.user_id)], *look.query]
        groups += [[TITLE]] if look.in_titles else []
        groups += [] if look.chats is None else [[chat_word(pk) for pk in look.chats]]
        with connection.cursor() as cursor:
            cursor.execute(sql, [_expression(groups), *bounds, *look.parameters, look.limit])
            return [row[0] for row in cursor.fetchall()]


def _expression(query: Query) -> str:
    return " AND ".join(f"({' OR '.join(map(_quoted, group))})" for group in query)


def _quoted(word: str) -> str:
    """As a string, so that no word is taken for an operator."""
    return f'"{word[:-1]}" *' if word.endswith("*") else f'"{word}"'
