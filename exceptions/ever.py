"""Which values a column of the tickets ever had: by hopping over its index from one to the next,
where DISTINCT or EXISTS would read all tickets for a handful of them."""

from django.db import connection
from django.db.models.expressions import RawSQL

_HOPS = """
WITH RECURSIVE seen AS (
    SELECT min({name}) AS word FROM exceptions_ticket WHERE {holds}
    UNION ALL
    SELECT (SELECT min({name}) FROM exceptions_ticket WHERE {holds} AND {name} > seen.word)
    FROM seen WHERE seen.word IS NOT NULL
)
SELECT word FROM seen WHERE word IS NOT NULL
"""
_PEOPLE = " UNION ".join(
    f"({_HOPS.format(name=name, holds=f'{name} IS NOT NULL')})"
    for name in ("owner_id", "claimed_by_id")
)


def connections() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_HOPS.format(name="connection", holds="connection <> ''"))
        return [word for (word,) in cursor.fetchall()]


def people() -> RawSQL:
    """Who ever owned or has claimed any, for a query to look among."""
    return RawSQL(_PEOPLE, [])
