"""What the screens count beside proposals."""

from collections.abc import Collection

from django.db.models import CharField, Count, QuerySet, Value
from django.db.models.functions import Cast, Concat

from exceptions.models import Occurrence, Ticket
from exceptions.states import Status
from meshline.people.models import User
from proposals.models import Proposal

_REF = Concat(Value("proposal:"), Cast("pk", CharField()), output_field=CharField())


def _open_occurrences() -> QuerySet:
    """What hangs on an unresolved ticket and has not come right by itself."""
    return Occurrence.objects.filter(settled_at=None).exclude(ticket__status=Status.RESOLVED)


def open_tickets(proposals: Collection[Proposal]) -> dict[int, int]:
    """How many unresolved tickets each of these is on, in one query.

    One ticket gathers many records of the same cause, so it is the occurrences that are asked.
    """
    by_record = {proposal.record: proposal.pk for proposal in proposals}
    counted = (
        _open_occurrences()
        .filter(record__in=list(by_record))
        .values_list("record")
        .annotate(Count("ticket", distinct=True))
    )
    return {by_record[record]: number for record, number in counted}


def with_open_ticket(proposals: QuerySet) -> QuerySet:
    """Those that are on any unresolved ticket."""
    records = _open_occurrences().values_list("record")
    return proposals.alias(ref=_REF).filter(ref__in=records)


def tickets_of(proposal: Proposal) -> list[Ticket]:
    """The unresolved tickets this proposal is on, the soonest due first."""
    here = _open_occurrences().filter(record=proposal.record).values("ticket")
    tickets = Ticket.objects.filter(pk__in=here).select_related("owner", "claimed_by")
    return list(tickets.soonest_due())


def seen_tickets(tickets: Collection[Ticket], user: User) -> set[int]:
    """Which of these this person may open."""
    ids = [ticket.pk for ticket in tickets]
    return set(Ticket.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))
