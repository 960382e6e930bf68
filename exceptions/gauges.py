"""The queue, for a scraper."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from prometheus_client import Metric

from meshline.gauges import gauge, rows

_TICKETS = """
SELECT kind, severity, currency, count(*),
    count(*) FILTER (WHERE fix_due_at < now() OR (acknowledged_at IS NULL AND ack_due_at < now())),
    sum(amount_at_risk)
FROM exceptions_ticket WHERE status <> 'resolved' GROUP BY kind, severity, currency
"""


def gauges() -> Iterator[Metric]:
    open_ones: Counter[Any] = Counter()
    overdue: Counter[Any] = Counter()
    blocked: dict[Any, Decimal] = defaultdict(Decimal)
    for kind, severity, currency, number, late, amount in rows(_TICKETS):
        open_ones[kind, severity] += number
        overdue[kind, severity] += late
        if currency and amount is not None:
            blocked[(currency,)] += amount
    labels = ("kind", "severity")
    yield gauge("tickets_open", "Unresolved tickets.", labels, open_ones.items())
    help = "Unresolved tickets past their time to acknowledge or to fix."
    yield gauge("tickets_overdue", help, labels, overdue.items())
    help = "Amount at risk on unresolved tickets, in whole units of the currency."
    yield gauge("blocked_revenue", help, ("currency",), blocked.items())
