"""Postgres's full text, with nothing that a small plan lacks: no extension, no dictionary."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection

from conversations.indexing.base import COLUMNS, TABLE, FullTextIndex, Look, Query, owner_word, values_of, words_of
from conversations.indexing.entries import Entry
from conversations.types import Key

ADD = (
    f"INSERT INTO {TABLE} ({COLUMNS}, words) VALUES (%s, %s, %s, %s, %s, %s, %s, array_to_tsvector(%s)) "  # noqa: S608
    "ON CONFLICT (conversation_id, message_id, part) DO "
)
PUT = f"{ADD}UPDATE SET created_at = EXCLUDED.created_at, text = EXCLUDED.text, words = EXCLUDED.words"

SAMPLE = 200  # of the newest entries, to learn how frequent is what is looked for
FREQUENT = 6  # of so many
ORDER = "ORDER BY e.created_at DESC, e.id DESC LIMIT %s"
AMONG_NEWEST = (
    f"SELECT e.id FROM (SELECT * FROM {TABLE} e WHERE user_id = %s AND {{conditions}} "  # noqa: S608
    f"ORDER BY created_at DESC LIMIT %s) e WHERE e.words @@ %s::tsquery AND {{rights}} {ORDER}"
)
BY_WORDS = f"SELECT e.id FROM {TABLE} e WHERE e.words @@ %s::tsquery AND {{conditions}} AND {{rights}} {ORDER}"  # noqa: S608
OF_CHATS = "e.conversation_id = ANY(%s) AND {conditions}"


class PostgresIndex(FullTextIndex):
    vendor = "postgresql"

    def add(self, key: Key, entries: Iterable[Entry]) -> None:
        with connection.cursor() as cursor:
            for entry in entries:
                cursor.execute(f"{ADD}NOTHING", [*values_of(key, entry), words_of(key, entry)])

    def put(self, key: Key, entry: Entry) -> None:
        with connection.cursor() as cursor:
            cursor.execute(PUT, [*values_of(key, entry), words_of(key, entry)])

    def newest(self, look: Look) -> list[int]:
        """What is frequent is found by reading the newest; only for what is rare the index is asked for all it has.

        It would give seventy thousand rows for "the", in no order.
        """
        if look.in_titles or look.chats is not None:
            return _by_words(look)
        found = _among_newest(look, SAMPLE)
        if FREQUENT <= len(found) < look.limit:
            found = _among_newest(look, SAMPLE * look.limit * 2 // len(found))
        return found if len(found) == look.limit else _by_words(look)


def _among_newest(look: Look, count: int) -> list[int]:
    """Those that fit of so many entries."""
    conditions, bounds = look.conditions()
    sql = AMONG_NEWEST.format(conditions=conditions, rights=look.rights)
    parameters = [look.user_id, *bounds, count, _expression(look.query), *look.parameters, look.limit]
    return _keys(sql, parameters)


def _by_words(look: Look) -> list[int]:
    conditions, bounds = look.conditions()
    if look.chats is not None:
        conditions, bounds = OF_CHATS.format(conditions=conditions), [list(look.chats), *bounds]
    sql = BY_WORDS.format(conditions=conditions, rights=look.rights)
    asked = _expression([[owner_word(look.user_id)], *look.query])
    return _keys(sql, [asked, *bounds, *look.parameters, look.limit])


def _keys(sql: str, parameters: list[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [row[0] for row in cursor.fetchall()]


def _expression(query: Query) -> str:
    return " & ".join(f"({' | '.join(map(_quoted, group))})" for group in query)


def _quoted(word: str) -> str:
    """As a string that is taken as it is: words are letters and digits, so there is nothing to escape."""
    return f"'{word[:-1]}':*" if word.endswith("*") else f"'{word}'"
