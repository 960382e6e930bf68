"""Money at risk: each record's once, as long as anything of it is not settled, by currency.

Of a record that hangs there more than once the last word counts.
"""

from decimal import Decimal

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from exceptions.models import Occurrence, Ticket, TicketQuerySet

Sums = dict[str, Decimal]
# The last word on each record, and each that is of none, in one pass: the ORM would take three.
_LAST_WORDS = """
SELECT currency, sum(amount) FROM (
    SELECT DISTINCT ON (record, CASE WHEN record = '' THEN id END) currency, amount
    FROM ({words}) AS words
    ORDER BY record, CASE WHEN record = '' THEN id END, id DESC
) AS last GROUP BY currency
"""


def blocked(tickets: TicketQuerySet) -> list[tuple[str, Decimal]]:
    """What stands still on the unresolved ones of these tickets, the largest number first; a
    record on several of them counts once."""
    open_ones = tickets.order_by().unresolved().values("pk")
    return list(_summed(Occurrence.objects.filter(ticket__in=open_ones, settled_at=None)).items())


def count(ticket: Ticket, *, whole: bool = False) -> None:
    """Write onto a locked ticket what is at risk by what is not settled; or by all of it."""
    on_it = ticket.all_occurrences.all()
    sums = _summed(on_it if whole else on_it.filter(settled_at=None))
    first, *others = sums.items() or [("", None)]
    ticket.currency, ticket.amount_at_risk = first
    ticket.other_amounts = {currency: str(amount) for currency, amount in others}
    ticket.save(update_fields=["amount_at_risk", "currency", "other_amounts"])


def _summed(occurrences: QuerySet) -> Sums:
    words = occurrences.exclude(amount=None).order_by()
    try:
        sql, given = words.values("id", "record", "currency", "amount").query.sql_with_params()
    except EmptyResultSet:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_LAST_WORDS.format(words=sql), given)
        return dict(sorted(cursor.fetchall(), key=lambda row: (-row[1], row[0])))
