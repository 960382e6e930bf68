"""The queue, for a scraper."""

from collections.abc import Iterator

from prometheus_client import Metric

from exceptions import money
from exceptions.models import Ticket
from meshline.gauges import gauge, rows

_TICKETS = """
SELECT kind, severity, count(*), count(*) FILTER (WHERE fix_due_at < least(now(), paused_since)
    OR (acknowledged_at IS NULL AND ack_due_at < least(now(), paused_since)))
FROM exceptions_ticket WHERE status <> 'resolved' GROUP BY kind, severity
"""


def gauges() -> Iterator[Metric]:
    told = list(rows(_TICKETS))
    labels = ("kind", "severity")
    open_ones = [((kind, severity), number) for kind, severity, number, _ in told]
    yield gauge("tickets_open", "Unresolved tickets.", labels, open_ones)
    help = "Unresolved tickets past their time to acknowledge or to fix."
    overdue = [((kind, severity), late) for kind, severity, _, late in told]
    yield gauge("tickets_overdue", help, labels, overdue)
    help = "At risk on unresolved tickets, each record once, in whole units of the currency."
    blocked = [((currency,), amount) for currency, amount in money.blocked(Ticket.objects.all())]
    yield gauge("blocked_revenue", help, ("currency",), blocked)
