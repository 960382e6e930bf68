"""The queue in numbers: how many tickets tabs and SLAs have, and how much money stands still."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Q, Sum

from exceptions.models import UNRESOLVED, Ticket, TicketQuerySet
from exceptions.states import Status
from meshline.people.models import User
from meshline.policy.models import Sla


@dataclass(frozen=True)
class Numbers:
    """Counts by tab; blocked revenue by currency, the largest first."""

    counts: dict[str, int]
    blocked: list[tuple[str, Decimal]]


def tabs(user: User, *, at: datetime) -> dict[str, Q]:
    """Which tickets each tab of this person's queue holds."""
    unclaimed = Q(status=Status.OPEN)
    ack_overdue = Q(acknowledged_at=None, ack_due_at__lt=at)
    return {
        "mine": unclaimed | (UNRESOLVED & Q(claimed_by=user)),
        "unclaimed": unclaimed,
        "open": UNRESOLVED,
        "overdue": UNRESOLVED & (ack_overdue | Q(fix_due_at__lt=at)),
        "resolved": Q(status=Status.RESOLVED),
    }


def count(tickets: TicketQuerySet, user: User, *, at: datetime) -> Numbers:
    """The numbers of these tickets, all of them in one pass."""
    counted = {name: Count("pk", filter=rows) for name, rows in tabs(user, at=at).items()}
    by_currency = list(
        tickets.order_by()
        .values("currency")
        .annotate(**counted, blocked=Sum("amount_at_risk", filter=UNRESOLVED))
    )
    return Numbers(
        counts={name: sum(row[name] for row in by_currency) for name in counted},
        blocked=sorted(
            ((row["currency"], row["blocked"]) for row in by_currency if row["blocked"]),
            key=lambda one: -one[1],
        ),
    )


def open_by_sla(slas: Iterable[Sla]) -> dict[int, int]:
    """How many open tickets each of these SLAs governs, in one query."""
    slas = list(slas)
    counted = Ticket.objects.unresolved().order_by().values_list("severity", "kind")
    by_kind = {(severity, kind): n for severity, kind, n in counted.annotate(n=Count("pk"))}
    governed = {row.pk: by_kind.pop((row.severity, row.kind), 0) for row in slas if row.kind}
    for row in slas:
        if not row.kind:
            governed[row.pk] = sum(
                n for (severity, _), n in by_kind.items() if severity == row.severity
            )
    return governed
