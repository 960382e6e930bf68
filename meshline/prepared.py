"""Statements the database plans once: for the few that run with every webhook.

Django's cursors write values into the text of a statement, so that PostgreSQL parses and plans each
one anew; for a statement of a few milliseconds' planning that is most of its cost.
"""

import select
from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import connection


def connect_anew_if_gone() -> None:
    """Before the first of them: drop a connection that the server has ended since the last.

    Django's own check is a question to the database; this is a look at the socket, on which an idle
    server has nothing to say but that it goes. So no statement has to be repeated, of which nobody
    could tell whether it was done.
    """
    driver = connection.connection
    if driver is None or connection.in_atomic_block or not _says_something(driver):
        return
    if not connection.is_usable():
        connection.close()


def _says_something(driver: psycopg.Connection) -> bool:
    if driver.closed:
        return True
    ear = select.poll()
    ear.register(driver.fileno(), select.POLLIN)
    return bool(ear.poll(0))


def rows(statement: str, values: Mapping[str, Any]) -> list[tuple]:
    """Run a prepared statement with `%(name)s` places on Django's own connection; its rows.

    Raises django.db errors, as Django's cursors do.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, values, prepare=True)
        return cursor.fetchall()
