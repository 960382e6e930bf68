"""What needs this person now, gathered from every floor: a few rows of each, the nearest first."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter

from django.db.models import Q
from django.urls import reverse

from connectors.models import Connection
from exceptions import metrics, showing
from exceptions.models import Ticket, TicketQuerySet
from exceptions.showing import Seen
from meshline import masking
from meshline.notices import reading, tidings
from meshline.notices.models import Notice
from meshline.notices.reading import Group
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, may, scope
from proposals.contracts import publishing
from proposals.models import Proposal

FEW = 5
# A follow-up is worth mentioning this long before it is due.
SOON = timedelta(days=1)


@dataclass(frozen=True)
class Trouble:
    """What a connection has to say, as a sentence."""

    name: str
    sentence: str
    url: str


@dataclass(frozen=True)
class Review:
    """Something prepared that waits for this person."""

    name: str
    url: str
    by: User | None
    at: datetime | None


@dataclass(frozen=True)
class Home:
    """One person's blocks; a block that is not for them is None."""

    numbers: metrics.Numbers | None = None
    mine: list[Seen] | None = None
    unclaimed: list[Seen] | None = None
    follow_ups: list[Proposal] | None = None
    connections: list[Trouble] | None = None
    # What waits for this person's review or signature; None for who has no say in it.
    reviews: list[Review] | None = None
    notices: list[Group] = field(default_factory=list)
    # Nothing is connected to this installation yet.
    is_empty: bool = False
    may_connect: bool = False
    is_masked: bool = False
    has_team: bool = False


def of(user: User, *, at: datetime) -> Home:
    """Everything on this person's home page."""
    tickets = Ticket.objects.visible_to(user)
    works = may(user, Permission.WORK_QUEUE)
    return Home(
        numbers=metrics.count(tickets, user, at=at) if may(user, Permission.SEE_QUEUE) else None,
        mine=_tickets(tickets.unresolved().in_hands_of(user), user, at) if works else None,
        unclaimed=_tickets(_for_others(tickets, user), user, at) if works else None,
        follow_ups=_follow_ups(user, at),
        connections=_connections() if may(user, Permission.SEE_CONNECTIONS) else None,
        reviews=_reviews(user),
        notices=reading.grouped(Notice.objects.of(user).newest_first()[:FEW], user),
        is_empty=not Connection.objects.exists(),
        may_connect=may(user, Permission.CONFIGURE_CONNECTION),
        is_masked=scope(user, Permission.SEE_QUEUE) is Scope.MASKED,
        has_team=scope(user, Permission.SEE_PROPOSALS) is Scope.TEAM,
    )


def _for_others(tickets: TicketQuerySet, user: User) -> TicketQuerySet:
    """Unclaimed, and not in this person's own list already."""
    return tickets.unclaimed().exclude(owner=user)


def _tickets(tickets: TicketQuerySet, user: User, at: datetime) -> list[Seen]:
    few = tickets.soonest_due().select_related("team", *showing.PEOPLE)[:FEW]
    return showing.seen_by(few, user, at=at)


def _follow_ups(user: User, at: datetime) -> list[Proposal] | None:
    """Proposals to be followed up soon or overdue: a person's own; a team's for who leads it."""
    reach = scope(user, Permission.SEE_PROPOSALS)
    if reach in (None, Scope.MASKED):
        return None
    waiting = Proposal.objects.visible_to(user).filter(next_follow_up_at__lt=at + SOON)
    if reach is Scope.ALL:
        waiting = waiting.owned_by(user)
    return list(waiting.select_related("owner").order_by("next_follow_up_at", "pk")[:FEW])


def _reviews(user: User) -> list[Review] | None:
    """What waits to be published or signed by this person, the longest waiting first."""
    drafts = [*tidings.waiting_for(user), *publishing.waiting_for(user)]
    waiting = [
        Review(tidings.name_of(one), tidings.page_of(one), one.submitted_by, one.submitted_at)
        for one in sorted(drafts, key=attrgetter("submitted_at", "pk"))
    ]
    # A manager has plenty else on this page; who only signs is told that nothing waits.
    return waiting if waiting or user.approves_model else None


def _connections() -> list[Trouble]:
    """The connections over which nothing is carried at the moment, and why."""
    paused = Q(status=Connection.Status.PAUSED)
    broken = Q(status=Connection.Status.ACTIVE, breaker=Connection.Breaker.OPEN)
    found = Connection.objects.filter(paused | broken).order_by("name")
    return [
        Trouble(one.name, _sentence(one), reverse("connectors:connection", args=[one.slug]))
        for one in found
    ]


def _sentence(connection: Connection) -> str:
    if connection.is_active:
        return "does not answer. What is due for it waits and goes out once it does."
    why = masking.words(connection.status_why.rstrip("."))
    return f"is paused{f': {why}' if why else ''}. What is due for it waits."
