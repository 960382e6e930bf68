"""A ticket that was resolved opens again: the same one with its history, and both clocks anew."""

from datetime import datetime, timedelta

from django.db.models import Q

from exceptions import escalation_terms, keeping, merging, money
from exceptions.models import Reopening, Ticket
from exceptions.states import Resolution, Status
from meshline.audit.actors import Someone
from meshline.people import availability
from meshline.policy import calendars, raci, sla
from meshline.policy.raci import Answerable

# Of what an answer to it was; the story keeps it.
_ENDED = {
    "resolved_by": None, "resolved_at": None, "resolution": "", "resolution_note": "",
    "is_unverified": False, "recheck_at": None, "resolved_within": None,
}  # fmt: skip
_IN_HAND = {
    "claimed_by": None, "claimed_at": None, "claimed_for": None,
    "acknowledged_by": None, "acknowledged_at": None,
    "paused_since": None, "paused_by_rule": "", "paused_for": timedelta(),
    "ack_paused_for": timedelta(),
    # Nobody handed it up this time: it goes with the owners of its process as any other.
    "escalated": 0,
}  # fmt: skip


def before(cause: str) -> Ticket | None:
    """The last ticket of this cause that was resolved, be it the one of which an earlier one became
    a part; held until the end of the transaction."""
    rows = Ticket.objects.resolved().select_for_update(of=("self",))
    its_own = Q(cause=cause, merged_into=None)
    its = its_own | Q(pk=into) if (into := merging.takes_in(cause)) else its_own
    return rows.filter(its).order_by("-resolved_at", "-pk").first()


def is_near(ticket: Ticket, *, at: datetime) -> bool:
    """Whether what comes back now is still the same trouble; a duplicate's is another ticket's."""
    days = timedelta(days=escalation_terms.in_force().reopens_within)
    is_duplicate = ticket.resolution == Resolution.DUPLICATE
    return bool(ticket.resolved_at and at - ticket.resolved_at <= days and not is_duplicate)


def reopen(
    ticket: Ticket, *, why: str, by: Someone, at: datetime, answerable: Answerable | None = None,
    came_back: bool = False,
) -> Ticket:  # fmt: skip
    """Open a locked, resolved ticket again, for who answers for it now; they are told.

    `came_back`: its cause did; otherwise it was only never proven to be gone.
    """
    _keep_answer(ticket, at, came_back=came_back)
    was = {
        "status": ticket.status, "resolution": ticket.resolution, "resolved by": ticket.resolved_by,
        "resolved at": ticket.resolved_at, "note": ticket.resolution_note,
    }  # fmt: skip
    for name, value in {**_ENDED, **_IN_HAND}.items():
        setattr(ticket, name, value)
    _give(ticket, answerable or _answerable(ticket, at))
    ticket.status, ticket.reopened, ticket.reopened_at = Status.OPEN, ticket.reopened + 1, at
    _wind_up(ticket, at)
    ticket.save()
    money.count(ticket)
    after = {"status": ticket.status, "owner": ticket.owner, "reopened": ticket.reopened}
    keeping.record("ticket.reopened", ticket, by, at, before=was, after=after, why=why)
    keeping.tell_owner(ticket, at, f"reopened-{ticket.reopened}", "Reopened")
    return ticket


def _keep_answer(ticket: Ticket, at: datetime, *, came_back: bool) -> None:
    """What the answer was that did not last; a fix that is repeated is known by it."""
    Reopening.objects.create(
        ticket=ticket, at=at, came_back=came_back, resolution=ticket.resolution,
        resolved_by=ticket.resolved_by, resolved_at=ticket.resolved_at or at,
    )  # fmt: skip


def _answerable(ticket: Ticket, at: datetime) -> Answerable:
    """Whose it was, if they are here; otherwise whoever answers for its process."""
    found = availability.stand_in_for(ticket.owner, at=at)
    if found == ticket.owner:
        # While they have it for somebody else, it goes back to that one all the same.
        return Answerable(ticket.owner, ticket.owner_why, stands_in_for=ticket.stands_in_for)
    return raci.responsible_for(ticket.falls_under, at=at)


def _give(ticket: Ticket, answerable: Answerable) -> None:
    ticket.owner, ticket.owner_why = answerable.user, answerable.why[:300]
    ticket.stands_in_for, ticket.team = answerable.stands_in_for, answerable.user.team


def _wind_up(ticket: Ticket, at: datetime) -> None:
    """Both clocks begin again."""
    agreed, team = sla.terms(ticket.kind, ticket.severity), ticket.team
    ticket.counted_from = ticket.ack_counted_from = ticket.next_step_at = at
    ticket.ack_due_at = calendars.due(at, within=agreed.ack_within, team=team)
    ticket.fix_due_at = calendars.due(at, within=agreed.fix_within, team=team)
