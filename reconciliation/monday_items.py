"""What is looked at every Monday, in the order in which it is gone through: the table of items."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.urls import reverse

from connectors.reaching import Reached
from exceptions.models import Ticket
from meshline.people.models import Absence
from reconciliation import gathering, lacking, lints, unbilled
from reconciliation.checks import deadline_coverage, ownerless
from reconciliation.checks.check import KEPT, Failing, Finding
from reconciliation.checks.table import CHECKS
from reconciliation.lacking import Lack
from reconciliation.lints.lint import Grade, Lint

# What was signed so recently is on its way, and nobody's concern yet.
ON_ITS_WAY = timedelta(hours=1)
# The lints that say who answers for something.
_ABOUT_OWNERS = {"owner-gone", "owner-no-work", "owner-fallback", "gate-gone"}


@dataclass(frozen=True)
class Moment:
    """What the items are asked with: when, and what came of asking every connection before."""

    at: datetime
    reached: Sequence[Reached] | Exception


@dataclass(frozen=True)
class Evident(Failing):
    """One thing that does not hold, with the page on which it is put right."""

    url: str = ""

    def as_row(self) -> dict[str, Any]:
        return {**super().as_row(), "url": self.url}


@dataclass(frozen=True)
class Item:
    """One line of the list: what must be so, how that is found out, what helps if it is not.

    Where a check (`told_by`) has a ticket of its own for the same, there is no second one.
    """

    name: str
    label: str
    says: str
    look: Callable[[Moment], Finding]
    remedy: str
    told_by: str = ""


# --- How each looks --------------------------------------------------------------------------
def _sources(moment: Moment) -> Finding:
    if isinstance(moment.reached, Exception):
        raise moment.reached
    failing = (
        Failing(f"connection:{one.slug}", one.name, one.sentence)
        for one in moment.reached
        if not one.holds
    )
    return Finding.of(len(moment.reached), failing)


def _delivery(moment: Moment) -> Finding:
    return CHECKS["delivery-sanity"].look(moment.at)


def _tickets(moment: Moment) -> Finding:
    """Open tickets whose owner left or is out, or without a time to acknowledge or fix by."""
    out = Absence.objects.filter(
        starts_at__lte=moment.at - ownerless.WITHIN, ends_at__gt=moment.at
    ).values("user")
    rows = Ticket.objects.unresolved()
    gone = Q(owner=None) | Q(owner__is_active=False) | Q(owner__in=out)
    found = rows.filter(gone | Q(ack_due_at=None) | Q(fix_due_at=None)).select_related("owner")
    return Finding.of(rows.count(), (_ticket(one) for one in found.order_by("pk")))


def _ticket(one: Ticket) -> Failing:
    has_times = one.ack_due_at and one.fix_due_at
    why = f"{one.owner} is not here to work on it." if has_times else "It has no time to fix by."
    return Failing(f"ticket:{one.pk}", one.title, why, one.record, one.amount_at_risk, one.currency)


def _billing(moment: Moment) -> Finding:
    """What was signed within seven days, more than an hour ago, and is not invoiced as signed."""
    week = unbilled.of_the_week(unbilled.rows(), at=moment.at)
    fresh = Q(lacks=Lack.CARRIED, signed_at__gt=moment.at - ON_ITS_WAY)
    found = unbilled.by_size(week.exclude(fresh))
    failing = [Failing.proposal(row, lacking.words(unbilled.facts_of(row))) for row in found[:KEPT]]
    number = len(failing) if len(failing) < KEPT else found.count()
    return Finding(number, number, tuple(failing))


def follow_ups(moment: Moment) -> Finding:
    """What waits for its customer, and has neither a next step nor anything under way."""
    return deadline_coverage.look(moment.at)


def _ownership(moment: Moment) -> Finding:
    facts = gathering.facts(at=moment.at)
    alone = [
        Evident(
            f"process:{one.process}", one.label, _accountable(one.accountable),
            url=reverse("exceptions:change-owners", args=[one.process]),
        )
        for one in facts.processes
        if len(one.accountable) != 1
    ]  # fmt: skip
    return Finding.of(len(facts.processes), [*alone, *_owners(lints.every(facts)), *_missing()])


def _accountable(named: Sequence[str]) -> str:
    if not named:
        return "Nobody is accountable for it."
    return f"{len(named)} are accountable for it: {', '.join(named)}."


def _owners(found: Sequence[Lint]) -> Iterator[Evident]:
    for one in found:
        if one.code in _ABOUT_OWNERS and one.grade is not Grade.NOTE:
            url = reverse(one.fix.url_name, args=one.fix.args)
            yield Evident(f"lint:{one.code}:{one.sentence}"[:300], one.sentence, "", url=url)


def _missing() -> Iterator[Failing]:
    """Records whose owner nobody here is linked to: somebody has them for the time being."""
    drifted = Ticket.objects.unresolved().filter(kind="role-drift").order_by("pk")
    for one in drifted:
        yield Failing(f"ticket:{one.pk}", one.title, one.reason, one.record)


# --- The table -------------------------------------------------------------------------------
ITEMS: dict[str, Item] = {
    one.name: one
    for one in (
        Item(
            "sources", "Sources of truth",
            "Every connection can be reached, or has told something as often as agreed.",
            _sources, "Let it run again, or see with its system's admin why it does not answer.",
        ),
        Item(
            "delivery", "Delivery sanity",
            "Every proposal that was sent is in the CRM within 5 minutes.",
            _delivery, "Open the proposal, look at its outcomes, retry what failed.",
            "delivery-sanity",
        ),
        Item(
            "tickets", "Tickets",
            "Every open ticket has an owner who is here, and a time to fix by.",
            _tickets, "Give it to somebody; see who stands in for its owner.",
        ),
        Item(
            "billing", "Signed against invoiced",
            "What was signed in the last seven days is invoiced as it was signed.",
            _billing, "Have the invoice made, or link the one that billing has.",
        ),
        Item(
            "follow-ups", "Follow-ups",
            "Whatever waits for its customer has a day on which somebody follows up.",
            follow_ups, "See which contract asks for it, and whether it is in force.",
            "deadline-coverage",
        ),
        Item(
            "ownership", "Ownership",
            "For every process one is accountable, and whoever owns something is here.",
            _ownership, "Name one person; what stays open goes up to who is accountable.",
        ),
    )
}  # fmt: skip
