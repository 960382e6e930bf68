"""Has everything that is open an owner who is here?"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from exceptions.models import Ticket
from meshline.people.models import Absence
from proposals.models import Proposal
from reconciliation.checks.check import KEPT, Check, Failing, Finding

# Work is handed over within seconds; this long after an absence began it must have been.
WITHIN = timedelta(minutes=5)


def look(at: datetime) -> Finding:
    """Open proposals and tickets, and those whose owner left or has been out for 5 minutes."""
    out = Absence.objects.filter(starts_at__lte=at - WITHIN, ends_at__gt=at).values("user")
    gone = Q(owner__is_active=False) | Q(owner__in=out)
    proposals, tickets = Proposal.objects.open(), Ticket.objects.unresolved()
    lost, left = proposals.filter(gone), tickets.filter(gone)
    rows = [*_proposals(lost, out), *_tickets(left)][:KEPT]
    number = len(rows) if len(rows) < KEPT else lost.count() + left.count()
    return Finding(proposals.count() + tickets.count(), number, tuple(rows))


def _proposals(lost: QuerySet, out: QuerySet) -> Iterator[Failing]:
    for one in lost.select_related("owner").order_by("pk")[:KEPT]:
        yield Failing.proposal(one, _why(one.owner))


def _tickets(left: QuerySet) -> Iterator[Failing]:
    for one in left.select_related("owner").order_by("pk")[:KEPT]:
        yield Failing(
            f"ticket:{one.pk}", one.title, _why(one.owner), one.record, one.amount_at_risk,
            one.currency,
        )  # fmt: skip


def _why(owner: object) -> str:
    is_here = getattr(owner, "is_active", False)
    return f"{owner} is out, and nobody stands in." if is_here else f"{owner} has left."


CHECK = Check(
    "ownerless", "Ownerless items",
    "Everything that is open has an owner who is here.",
    "Proposals that are not closed and tickets that are not resolved; failing are those whose "
    "owner can no longer sign in, or has been out for 5 minutes.",
    timedelta(seconds=60), look,
    "Give it to somebody; then see who is responsible for its process, and who stands in for them.",
)  # fmt: skip
