"""The queue in numbers: how many tickets tabs and SLAs have, and how much money stands still."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Min, Q, Value

from exceptions import money
from exceptions.models import UNRESOLVED, Ticket, TicketQuerySet
from exceptions.models.ticket import overdue
from exceptions.states import Status
from meshline.people.models import User
from meshline.policy.models import Sla

# Nobody who waits for the list waits for more to be counted: it is told as "1,000+".
CAP = 1_000
ENDLESS = ("resolved", "all")


@dataclass(frozen=True)
class Numbers:
    """What is open: counts by tab; blocked revenue by currency, the largest first; and since when
    the oldest waits."""

    counts: dict[str, int]
    blocked: list[tuple[str, Decimal]]
    oldest: datetime | None


def tabs(user: User, *, at: datetime) -> dict[str, Q]:
    """Which tickets each tab of this person's queue holds."""
    awake = Q(snoozed_until=None) | Q(snoozed_until__lte=at)
    unclaimed = Q(status=Status.OPEN) & awake
    return {
        "mine": unclaimed | (UNRESOLVED & awake & Q(claimed_by=user)),
        "unclaimed": unclaimed,
        "open": UNRESOLVED,
        "overdue": UNRESOLVED & overdue(at),
        "asleep": UNRESOLVED & Q(snoozed_until__gt=at),
        "resolved": Q(status=Status.RESOLVED),
        "all": Q(),
    }


def shown(tickets: TicketQuerySet, user: User, *, at: datetime) -> dict[str, int]:
    """How many of these tickets each tab holds, as far as just beyond CAP: `told` says them."""
    open_tabs = _open_tabs(user, at)
    counts = _counted(tickets.unresolved().order_by()[: CAP + 1], open_tabs)
    if are_many(counts):
        # The look stopped early: only what it found beyond CAP is told as it is.
        missed = {name: rows for name, rows in open_tabs.items() if counts[name] <= CAP}
        counts |= {name: up_to(CAP, tickets.filter(rows)) for name, rows in missed.items()}
    counts["resolved"] = up_to(CAP, tickets.resolved())
    counts["all"] = counts["open"] + counts["resolved"]
    return counts


def are_many(counts: dict[str, int]) -> bool:
    """Whether so many are open that their numbers come after the list."""
    return counts["open"] > CAP


def count(tickets: TicketQuerySet, user: User, *, at: datetime) -> Numbers:
    """The numbers of what is open of these tickets, all of it in one pass."""
    counts = _counted(tickets.unresolved().order_by(), _open_tabs(user, at))
    return numbers(tickets, counts)


def numbers(tickets: TicketQuerySet, counts: dict[str, int]) -> Numbers:
    """The same, with what was counted already."""
    return Numbers(counts, money.blocked(tickets), _oldest(tickets))


def up_to(most: int, tickets: TicketQuerySet) -> int:
    """How many these are; `most + 1` for any number beyond `most`."""
    return tickets.order_by()[: most + 1].count()


def told(number: int, *, most: int) -> str:
    """A count as people read it: "1,000+" where nobody counted beyond `most`."""
    return f"{most:,}+" if number > most else str(number)


def _open_tabs(user: User, at: datetime) -> dict[str, Q]:
    return {name: rows for name, rows in tabs(user, at=at).items() if name not in ENDLESS}


def _counted(open_ones: TicketQuerySet, open_tabs: dict[str, Q]) -> dict[str, int]:
    counted = {name: Count(Value(1), filter=rows) for name, rows in open_tabs.items()}
    return open_ones.aggregate(**counted)


def _oldest(tickets: TicketQuerySet) -> datetime | None:
    return tickets.unresolved().order_by().aggregate(at=Min("opened_at"))["at"]


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
