"""Statements the database plans once: for the few that run with every webhook.

Django's cursors write values into the text of a statement, so that PostgreSQL parses and plans each
one anew; for a statement of a few milliseconds' planning that is most of its cost.
"""

from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import connection


def rows(statement: str, values: Mapping[str, Any]) -> list[tuple]:
    """Run a prepared statement with `%(name)s` places on Django's own connection; its rows.

    Raises django.db errors, as Django's cursors do.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, values, prepare=True)
        return cursor.fetchall()
