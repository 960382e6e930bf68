"""What time it is: by the database's clock, so that every process agrees."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection

_stopped_at: datetime | None = None


def now() -> datetime:
    """The database's wall clock as an aware UTC datetime (it moves on inside a transaction)."""
    if _stopped_at is not None:
        return _stopped_at
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


@contextmanager
def stopped(at: datetime) -> Iterator[None]:
    """Hold `now()` at one instant: for tests and for the demo's history."""
    global _stopped_at
    before, _stopped_at = _stopped_at, at
    try:
        yield
    finally:
        _stopped_at = before
