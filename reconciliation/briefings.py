"""The daily digest: what is mine and open, what is overdue, and what changed since the last one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from exceptions.models import Ticket
from meshline.notices import kinds, notices, preferences
from meshline.notices.models import Preferences
from meshline.people.models import User
from meshline.policy import calendars
from meshline.policy.business_time import Hours
from proposals.models import Proposal
from proposals.states import State

# Of each part the nearest few; the rest is a number and a link.
FEW = 10
# After a long absence nobody reads of more than a week.
LONGEST_LOOK_BACK = timedelta(days=7)


@dataclass(frozen=True)
class Briefing:
    """One person's day: a sentence, and its lines as a notice keeps them."""

    sentence: str
    lines: list[dict[str, Any]]


def send_due(*, at: datetime) -> int:
    """Tell their day to whom it is due, once a day of theirs; how many were told.

    Not on days on which their team does not work, and not where there is nothing to say.
    """
    own = Preferences.objects.in_bulk()
    hours = _Hours()
    told = 0
    for user in User.objects.active().select_related("team").order_by("pk"):
        chosen = own.get(user.pk)
        today = _day_that_is_due(user, chosen, at)
        if today and hours.is_working_day(user, today):
            told += _send(user, chosen, today, at)
    return told


def of(user: User, *, since: datetime, at: datetime) -> Briefing | None:
    """What this person should know this morning; None when there is nothing."""
    mine = Ticket.objects.unresolved().in_hands_of(user)
    number, overdue = mine.count(), mine.overdue(at=at).count()
    follow_ups = _follow_ups(user, at)
    changed = [*_moved(user, since), *_closed(user, since)]
    parts = [
        f"{number} open{f', {overdue} of them overdue' if overdue else ''}" if number else "",
        f"{len(follow_ups)} to follow up" if follow_ups else "",
        f"{len(changed)} changed" if changed else "",
    ]
    if not any(parts):
        return None
    lines = [*_tickets(mine, user, number, at), *follow_ups[:FEW], *changed[:FEW]]
    return Briefing(f"Your day: {', '.join(filter(None, parts))}.", lines)


class _Hours:
    """Working days by team, each calendar read once."""

    def __init__(self) -> None:
        self._by_team: dict[int | None, Hours] = {}

    def is_working_day(self, user: User, day: date) -> bool:
        if user.team_id not in self._by_team:
            self._by_team[user.team_id] = calendars.hours_of(user.team)
        hours = self._by_team[user.team_id]
        works = {weekday for weekday, _, _ in hours.windows}
        return day.weekday() in works and day not in hours.holidays


def _day_that_is_due(user: User, own: Preferences | None, at: datetime) -> date | None:
    """Today, by the person's own clock, once their hour has come and unless it was looked into."""
    hour = preferences.digest_time(own, user.role)
    local = at.astimezone(preferences.zone_of(user))
    if not hour or local.time() < time.fromisoformat(hour):
        return None
    return None if own and own.digested_on == local.date() else local.date()


@transaction.atomic
def _send(user: User, own: Preferences | None, today: date, at: datetime) -> bool:
    since = max(own.digested_at if own and own.digested_at else at - timedelta(days=1),
                at - LONGEST_LOOK_BACK)  # fmt: skip
    Preferences.objects.update_or_create(
        user=user, defaults={"digested_on": today, "digested_at": at}
    )
    found = of(user, since=since, at=at)
    if found is not None:
        notices.tell(
            user, found.sentence, key=f"digest:{today}", at=at, url=reverse("home"),
            kind=kinds.DIGEST, record="digest", record_title="Daily digests", lines=found.lines,
        )  # fmt: skip
    return found is not None


def _tickets(mine: Any, user: User, number: int, at: datetime) -> Iterator[dict[str, Any]]:
    zone = preferences.zone_of(user)
    for ticket in mine.soonest_due()[:FEW]:
        due = timezone.localtime(ticket.due_at, zone)
        by = "Overdue" if ticket.due_at < at else f"Due {due:%a} {due.day} {due:%b, %H:%M}"
        url = reverse("exceptions:ticket", args=[ticket.pk])
        yield {"text": f"{by}: {ticket.title}", "url": url}
    if number > FEW:
        yield {"text": f"And {number - FEW} more in the queue", "url": reverse("exceptions:queue")}


def _follow_ups(user: User, at: datetime) -> list[dict[str, Any]]:
    """What is to be followed up before the person's day is over."""
    zone = preferences.zone_of(user)
    tomorrow = at.astimezone(zone).date() + timedelta(days=1)
    ends = datetime.combine(tomorrow, time(), tzinfo=zone)
    waiting = Proposal.objects.owned_by(user).filter(next_follow_up_at__lt=ends)
    return [
        _about(proposal, "Follow up") for proposal in waiting.order_by("next_follow_up_at", "pk")
    ]


def _moved(user: User, since: datetime) -> list[dict[str, Any]]:
    moved = Proposal.objects.owned_by(user).filter(transitions__at__gt=since).distinct()
    return [
        _about(proposal, State(proposal.state).label)
        for proposal in moved.order_by("-changed_at", "-pk")
    ]


def _closed(user: User, since: datetime) -> list[dict[str, Any]]:
    """Tickets of theirs that somebody else, or the evidence, has closed."""
    closed = Ticket.objects.resolved().filter(owner=user, resolved_at__gt=since)
    return [
        {"text": f"Closed: {one.title}", "url": reverse("exceptions:ticket", args=[one.pk])}
        for one in closed.exclude(resolved_by=user).order_by("-resolved_at", "-pk")
    ]


def _about(proposal: Proposal, words: str) -> dict[str, Any]:
    return {
        "text": f"{words}: {proposal}",
        "url": reverse("proposals:proposal", args=[proposal.pk]),
    }
