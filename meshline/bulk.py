"""Writing many rows in one statement, one array a column.

Django's bulk_update builds a CASE for every cell and its bulk_create a placeholder for every cell:
at a hundred rows a batch that costs more than PostgreSQL's own work.
"""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection, models
from django.db.models.expressions import DatabaseDefault


def insert(rows: Sequence[models.Model]) -> None:
    """Insert these rows, all of one model, and give them their ids, in the order given.

    Columns with a default of the database's own are left to it.
    """
    if rows:
        pk = _name(rows[0]._meta.pk)
        for row, (given,) in zip(rows, _inserted(rows, f"RETURNING {pk}"), strict=True):
            _has_id(row, given)


def insert_missing(rows: Sequence[Any], *, by: Sequence[str]) -> list[Any]:
    """Insert those of these rows that are not there yet, by the unique fields `by`; which they are.

    Of two that do it at once, one inserts: the other waits for it, and finds the row there.
    """
    if not rows:
        return []
    meta = rows[0]._meta
    unique = [_column(meta, name) for name in by]
    names = ", ".join(_name(column) for column in unique)
    back = f"ON CONFLICT ({names}) DO NOTHING RETURNING {_name(meta.pk)}, {names}"
    ids = {tuple(key): pk for pk, *key in _inserted(rows, back)}
    fresh = []
    for row in rows:
        pk = ids.pop(tuple(getattr(row, column.attname) for column in unique), None)
        if pk is not None:
            _has_id(row, pk)
            fresh.append(row)
    return fresh


def update(rows: Sequence[models.Model], fields: Sequence[str]) -> None:
    """Write these fields of these rows. They must exist and be locked or fenced by the caller."""
    if not rows:
        return
    meta = rows[0]._meta
    columns = [_column(meta, meta.pk.name), *(_column(meta, name) for name in fields)]
    names = [_name(column) for column in columns]
    changes = ", ".join(f"{_name(column)} = {_selected(column)}" for column in columns[1:])
    statement = (
        f"UPDATE {_quote(meta.db_table)} AS kept SET {changes} "
        f"FROM unnest({_arrays(columns)}) AS given({', '.join(names)}) "
        f"WHERE kept.{names[0]} = given.{names[0]}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [_values(rows, column) for column in columns])


def _inserted(rows: Sequence[models.Model], then: str) -> list[tuple]:
    """Insert these rows in their order, and what comes back by `then`."""
    meta = rows[0]._meta
    columns = [
        c for c in meta.concrete_fields if c is not meta.auto_field and _is_given(rows[0], c)
    ]
    names = ", ".join(_name(column) for column in columns)
    statement = (
        f"INSERT INTO {_quote(meta.db_table)} ({names}) "
        f"SELECT {', '.join(_selected(column) for column in columns)} "
        f"FROM unnest({_arrays(columns)}) WITH ORDINALITY AS given({names}, in_order) "
        f"ORDER BY given.in_order {then}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [_values(rows, column) for column in columns])
        return list(cursor.fetchall())


def _has_id(row: models.Model, pk: Any) -> None:
    row.pk = pk
    row._state.adding = False


def _column(meta: Any, name: str) -> models.Field:
    return meta.get_field(name)


def _quote(name: str | None) -> str:
    return connection.ops.quote_name(str(name))


def _name(column: models.Field) -> str:
    return _quote(column.column)


def _is_given(row: models.Model, column: models.Field) -> bool:
    return not isinstance(getattr(row, column.attname), DatabaseDefault)


def _arrays(columns: Sequence[models.Field]) -> str:
    return ", ".join(f"%s::{_type(column)}[]" for column in columns)


def _type(column: models.Field) -> str:
    # An array of jsonb would need every value wrapped; text is cast where it is read.
    is_json = isinstance(column, models.JSONField)
    return "text" if is_json else str(column.db_type(connection)).removesuffix("[]")


def _selected(column: models.Field) -> str:
    cast = "::jsonb" if isinstance(column, models.JSONField) else ""
    return f"given.{_name(column)}{cast}"


def _values(rows: Sequence[models.Model], column: models.Field) -> list[Any]:
    if isinstance(column, models.JSONField):
        return [json.dumps(getattr(row, column.attname), cls=column.encoder) for row in rows]
    return [column.get_db_prep_save(getattr(row, column.attname), connection) for row in rows]
