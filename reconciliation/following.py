"""Follow-up for who leads a team: how soon, by whom, what waits, and what is about to be late."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet
from django.urls import reverse

from exceptions.models import Ticket
from meshline import masking
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, refusal_for, scope
from proposals.states import CLOSED, State
from proposals.tiers import Tier
from reconciliation import objectives, seeing
from reconciliation.asking import NO_TEAM, Asked, encoded
from reconciliation.models import Passage
from reconciliation.models.rollups import PassageQuerySet
from reconciliation.numbers import first_follow_up, own_part, records, untouched
from reconciliation.objectives import Promises
from reconciliation.seeing import Line

FOLLOW_UP = first_follow_up.NUMBER
NUMBERS = [records.NUMBER, FOLLOW_UP, own_part.NUMBER, untouched.NUMBER]
# Late within this time is about to be late.
SOON = timedelta(hours=4)
SHOWN = 25


@dataclass(frozen=True)
class Waiting:
    """A record that nobody touched: since when, and by when its path promises it."""

    passage: Passage
    title: str
    path: str
    due_at: datetime | None
    at: datetime

    @property
    def owner(self) -> User:
        """Whose the record is by now: the passage hears of it with the next round only."""
        return self.passage.proposal.owner

    @property
    def is_late(self) -> bool:
        return self.due_at is not None and self.due_at <= self.at

    @property
    def is_near(self) -> bool:
        return self.due_at is not None and not self.is_late and self.due_at <= self.at + SOON


@dataclass(frozen=True)
class Load:
    """What somebody has in hand now, each with the way to it."""

    waiting: int
    waiting_url: str
    tickets: int
    tickets_url: str


def of(user: User, asked: Asked) -> dict[str, Any]:
    """All that the follow-up dashboard shows."""
    people = {str(one.pk): one for one in _people(asked)}
    names = {key: one.name for key, one in people.items()}
    owners = seeing.table(NUMBERS, asked, "owner", names)
    loads = _loads(user, asked)
    known = {line.key for line in owners}
    owners += [Line(key, names[key], {}) for key in loads if key not in known and key in names]
    rows = waiting(asked.within.team)
    return {
        "owners": [(line, loads.get(line.key)) for line in owners],
        "tiers": seeing.table(
            [records.NUMBER, FOLLOW_UP], asked, "tier",
            {tier.value: tier.value.capitalize() for tier in Tier},
        ),
        "waiting": shown(rows.select_related("proposal__owner")[:SHOWN], user, asked.at),
        "waiting_n": rows.count(),
        "reassign_refusal": refusal_for(user, Permission.REASSIGN_PROPOSAL),
        "soon": SOON,
    }  # fmt: skip


def waiting(team: int | None, owner: int | None = None) -> PassageQuerySet:
    """Open records that no person touched yet, those that wait longest first."""
    rows = Passage.objects.filter(untouched.UNANSWERED).exclude(proposal__state__in=CLOSED)
    if team is not None:
        rows = rows.filter(team=team)
    if owner is not None:
        rows = rows.filter(owner=owner)
    return rows.order_by("began_at", "pk")


def shown(passages: Any, user: User, at: datetime) -> list[Waiting]:
    """As this person sees them, with what is promised of each."""
    promised = objectives.promises()
    is_masked = scope(user, Permission.SEE_DASHBOARDS) is Scope.MASKED
    return [_shown(one, promised, is_masked, at) for one in passages]


def _shown(one: Passage, promised: Promises, is_masked: bool, at: datetime) -> Waiting:
    promise = promised.get((one.path, FOLLOW_UP.name))
    due = one.began_at + timedelta(seconds=promise.target) if promise else None
    title = masking.words(str(one.proposal)) if is_masked else str(one.proposal)
    return Waiting(one, title, State(one.path).label, due, at)


def _people(asked: Asked) -> QuerySet:
    people = User.objects.order_by("name", "pk")
    return people if asked.within.team is None else people.filter(team=asked.within.team)


def _loads(user: User, asked: Asked) -> dict[str, Load]:
    """By person: what waits for them, and the tickets they have in hand."""
    team = asked.within.team
    waits = dict(waiting(team).order_by().values_list("owner").annotate(Count("pk")))
    tickets = _tickets(user, team)
    page, queue = reverse("reconciliation:waiting"), reverse("exceptions:queue")
    return {
        str(pk): Load(
            waits.get(pk, 0), f"{page}?{encoded(_words(pk, team))}",
            tickets.get(pk, 0), f"{queue}?{encoded({'tab': 'open', 'has': pk})}",
        )
        for pk in {*waits, *tickets}
    }  # fmt: skip


def _words(pk: int, team: int | None) -> dict[str, int]:
    return {"owner": pk, **({} if team is None or team == NO_TEAM else {"team": team})}


def _tickets(user: User, team: int | None) -> dict[int, int]:
    seen = Ticket.objects.visible_to(user).unresolved().order_by()
    rows = seen.values_list("claimed_by", "owner").annotate(n=Count("pk"))
    found: dict[int, int] = {}
    for claimer, owner, n in rows:
        found[claimer or owner] = found.get(claimer or owner, 0) + n
    return found
