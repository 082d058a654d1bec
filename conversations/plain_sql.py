"""The few queries that every turn makes, without Django's compiler: it costs ten times what SQLite takes for them.

Columns and equality only, on any database that Django knows; a None in `where` means IS NULL. SQL is made once for
each shape of a query. Everything else stays with the ORM.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.db import connection, models


def select(model: type[models.Model], names: Sequence[str], where: Mapping[str, Any]) -> list[tuple]:
    """The named columns of all rows that fit, as the driver gives them: good for text and whole numbers."""
    shape = tuple((name, value is None) for name, value in where.items())
    with connection.cursor() as cursor:
        cursor.execute(_select(model, tuple(names), shape, connection.vendor), _prepared(model, where))
        return cursor.fetchall()


def update(model: type[models.Model], where: Mapping[str, Any], fields: Mapping[str, Any]) -> int:
    """Set the fields of all rows that fit. Returns how many those were."""
    shape = tuple((name, value is None) for name, value in where.items())
    values = [model._meta.get_field(name).get_db_prep_save(value, connection) for name, value in fields.items()]
    with connection.cursor() as cursor:
        cursor.execute(_update(model, tuple(fields), shape, connection.vendor), values + _prepared(model, where))
        return cursor.rowcount


def _prepared(model: type[models.Model], where: Mapping[str, Any]) -> list[Any]:
    given = {name: value for name, value in where.items() if value is not None}
    return [model._meta.get_field(name).get_db_prep_value(value, connection) for name, value in given.items()]


@cache
def _select(model: type[models.Model], names: tuple[str, ...], where: tuple[tuple[str, bool], ...], vendor: str) -> str:
    columns = ", ".join(_column(model, name) for name in names)
    return f"SELECT {columns} FROM {_table(model)} WHERE {_conditions(model, where)}"  # noqa: S608  (names of ours)


@cache
def _update(model: type[models.Model], names: tuple[str, ...], where: tuple[tuple[str, bool], ...], vendor: str) -> str:
    columns = ", ".join(f"{_column(model, name)} = %s" for name in names)
    return f"UPDATE {_table(model)} SET {columns} WHERE {_conditions(model, where)}"  # noqa: S608


def _conditions(model: type[models.Model], where: tuple[tuple[str, bool], ...]) -> str:
    return " AND ".join(f"{_column(model, name)} {'IS NULL' if is_null else '= %s'}" for name, is_null in where)


def _column(model: type[models.Model], name: str) -> str:
    return connection.ops.quote_name(model._meta.get_field(name).column)


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)
