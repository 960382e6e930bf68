"""Past tickets like this one: what resolved them, how long it took, and what usually does."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from exceptions import took
from exceptions.models import Ticket
from exceptions.states import Resolution
from meshline.people.models import User
from meshline.policy import calendars, spans
from meshline.policy.business_time import Hours

# What tickets may have in common beside their kind.
PARTS = ("contract", "step", "connection", "failure", "field_name")
# So many of the last ones of its kind are looked through, and those of its own cause.
LOOKED_AT, OF_ITS_CAUSE = 1000, 50
# So many of the most similar ones are read, and so many are shown.
READ, SHOWN = 50, 5
# Of fewer nobody can say what usually happens.
ENOUGH = 3


@dataclass(frozen=True)
class Past:
    """One ticket that was resolved, in how many things it is alike, and how long it took."""

    ticket: Ticket
    shared: int
    took: timedelta

    @property
    def took_words(self) -> str:
        return spans.words(round(self.took.total_seconds() / 60))


@dataclass(frozen=True)
class Usual:
    """What most of the tickets like it ended with: so many times of all."""

    resolution: str
    times: int
    of: int
    took: timedelta

    @property
    def words(self) -> str:
        minutes = spans.words(round(self.took.total_seconds() / 60))
        how = f"{self.times} of {self.of} times"
        if self.resolution == Resolution.EVIDENCE:
            return f"Closed on evidence {how}, in {minutes} at the median."
        return f"Resolved {how} as {self.resolution}, in {minutes} at the median."


def to(ticket: Ticket, user: User) -> list[Past]:
    """The most similar ones that this person may see: by how much is alike, then the newest."""
    rows = list(_ranked(ticket, user)[:READ])
    hours = calendars.hours_of_each({row.team for row in rows}) if rows else {}
    return [Past(row, row.shared, _took(row, hours[row.team_id])) for row in rows]


def usual(found: Iterable[Past]) -> Usual | None:
    """What usually resolves those that are most alike: no others than it takes to say so."""
    alike = _most_alike(list(found))
    if len(alike) < ENOUGH:
        return None
    resolution, times = Counter(one.ticket.resolution for one in alike).most_common(1)[0]
    took = [one.took.total_seconds() for one in alike if one.ticket.resolution == resolution]
    return Usual(resolution, times, len(alike), timedelta(seconds=median(took)))


def _most_alike(found: list[Past]) -> list[Past]:
    """All that share as much as the least similar of the first few."""
    if len(found) < ENOUGH:
        return found
    least = found[ENOUGH - 1].shared
    return [one for one in found if one.shared >= least]


def _ranked(ticket: Ticket, user: User) -> QuerySet[Ticket, Any]:
    """What is alike among the last ones of its kind and those of its cause, however many there
    ever were; a duplicate says nothing that its own ticket does not say."""
    resolved = Ticket.objects.resolved().exclude(resolution=Resolution.DUPLICATE)
    last = resolved.filter(kind=ticket.kind).order_by("-resolved_at", "-pk")[:LOOKED_AT]
    same = resolved.filter(cause=ticket.cause, kind=ticket.kind).order_by("-pk")[:OF_ITS_CAUSE]
    near = Q(pk__in=last.values("pk")) | Q(pk__in=same.values("pk"))
    rows = Ticket.objects.visible_to(user).filter(near).exclude(pk=ticket.pk)
    rows = rows.annotate(shared=_shared(ticket))
    if _named(ticket):
        rows = rows.filter(shared__gt=0)
    return rows.select_related("team", "resolved_by").order_by("-shared", "-resolved_at", "-pk")


def _named(ticket: Ticket) -> dict[str, str]:
    return {part: value for part in PARTS if (value := getattr(ticket, part))}


def _shared(ticket: Ticket) -> Any:
    """In how many of these things a ticket is like this one."""
    total: Any = Value(0, output_field=IntegerField())
    for part, value in _named(ticket).items():
        total = total + Case(When(**{part: value}, then=1), default=0, output_field=IntegerField())
    return total


def _took(ticket: Ticket, hours: Hours) -> timedelta:
    """As it was counted when it was resolved; before that was kept, counted now."""
    if ticket.resolved_within is not None:
        return ticket.resolved_within
    at = ticket.resolved_at or ticket.counted_from
    return max(took.to_resolve(ticket, at=at, hours=hours), timedelta())
