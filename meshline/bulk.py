"""Writing many rows at once: Django's own bulk_update builds a CASE for every cell."""

from collections.abc import Sequence

from django.db import connection, models


def update(rows: Sequence[models.Model], fields: Sequence[str]) -> None:
    """Write these fields of these rows in one statement, one array a column.

    The rows must exist and be locked or fenced by the caller. JSON columns are not for this.
    """
    if not rows:
        return
    meta = rows[0]._meta
    columns = [meta.pk, *(meta.get_field(name) for name in fields)]
    quote = connection.ops.quote_name
    arrays = ", ".join(f"%s::{column.db_type(connection)}[]" for column in columns)
    names = [quote(column.column) for column in columns]
    changes = ", ".join(f"{name} = given.{name}" for name in names[1:])
    statement = (
        f"UPDATE {quote(meta.db_table)} AS kept SET {changes} "
        f"FROM unnest({arrays}) AS given({', '.join(names)}) WHERE kept.{names[0]} = given.{names[0]}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [_values(rows, column) for column in columns])


def _values(rows: Sequence[models.Model], column: models.Field) -> list:
    return [column.get_db_prep_save(getattr(row, column.attname), connection) for row in rows]
