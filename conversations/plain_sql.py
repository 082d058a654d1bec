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


def insert(row: models.Model) -> None:
    """Save a new row; no signals are sent. Raises IntegrityError where a constraint stands against it."""
    fields = _given(type(row), row.pk is not None)
    values = [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(_insert(type(row), row.pk is not None, connection.vendor), values)
        if row.pk is None:
            row.pk = cursor.fetchone()[0]
    row._state.adding, row._state.db = False, connection.alias


@cache
def _given(model: type[models.Model], has_key: bool) -> tuple[models.Field, ...]:
    """The columns to write; an automatic key is left to the database."""
    return tuple(field for field in model._meta.local_concrete_fields if has_key or not field.primary_key)


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


@cache
def _insert(model: type[models.Model], has_key: bool, vendor: str) -> str:
    fields = _given(model, has_key)
    columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    key = "" if has_key else f" RETURNING {connection.ops.quote_name(model._meta.pk.column)}"
    return f"INSERT INTO {_table(model)} ({columns}) VALUES ({', '.join(['%s'] * len(fields))}){key}"  # noqa: S608


def _conditions(model: type[models.Model], where: tuple[tuple[str, bool], ...]) -> str:
    return " AND ".join(f"{_column(model, name)} {'IS NULL' if is_null else '= %s'}" for name, is_null in where)


def _column(model: type[models.Model], name: str) -> str:
    return connection.ops.quote_name(model._meta.get_field(name).column)


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)
