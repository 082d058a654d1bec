"""Postgres's full text, with nothing that a small plan lacks: no extension, no dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from conversations.indexing.base import COLUMNS, TABLE, FullTextIndex, Query, values_of, words_of
from conversations.indexing.entries import Entry
from conversations.types import Key

ADD = (
    f"INSERT INTO {TABLE} ({COLUMNS}, words) VALUES (%s, %s, %s, %s, %s, %s, array_to_tsvector(%s)) "  # noqa: S608
    "ON CONFLICT (conversation_id, message_id, part) DO "
)
PUT = f"{ADD}UPDATE SET created_at = EXCLUDED.created_at, text = EXCLUDED.text, words = EXCLUDED.words"


class PostgresIndex(FullTextIndex):
    vendor = "postgresql"

    def add(self, key: Key, entries: Iterable[Entry]) -> None:
        with connection.cursor() as cursor:
            for entry in entries:
                cursor.execute(f"{ADD}NOTHING", [*values_of(key, entry), words_of(key, entry)])

    def put(self, key: Key, entry: Entry) -> None:
        with connection.cursor() as cursor:
            cursor.execute(PUT, [*values_of(key, entry), words_of(key, entry)])

    def newest(self, query: Query, rights: str, parameters: Sequence[Any], limit: int) -> list[int]:
        sql = (
            f"SELECT e.id FROM {TABLE} e WHERE e.words @@ %s::tsquery AND {rights} "  # noqa: S608
            "ORDER BY e.created_at DESC, e.id DESC LIMIT %s"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [_expression(query), *parameters, limit])
            return [row[0] for row in cursor.fetchall()]


def _expression(query: Query) -> str:
    return " & ".join(f"({' | '.join(map(_quoted, group))})" for group in query)


def _quoted(word: str) -> str:
    """As a string that is taken as it is: words are letters and digits, so there is nothing to escape."""
    return f"'{word[:-1]}':*" if word.endswith("*") else f"'{word}'"
