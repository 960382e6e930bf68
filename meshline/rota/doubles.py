"""Somebody who is on call for two teams at once: it can be meant, so it is said and not refused."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

from meshline.people import availability
from meshline.people.duty import Duty
from meshline.people.models import OnCallShift, Team, User
from meshline.rota import wording


@dataclass(frozen=True)
class Double:
    """A stretch in which somebody is on call for both teams."""

    user: User
    teams: tuple[Team, Team]
    starts_at: datetime
    ends_at: datetime


def between(start: datetime, end: datetime) -> list[Double]:
    """All of them that share a moment with this span, the earliest first."""
    by_person: dict[int, list[tuple[Team, Duty]]] = defaultdict(list)
    on_call = Team.objects.filter(shifts__in=OnCallShift.objects.between(start, end))
    for team in on_call.distinct().order_by("name", "pk"):
        for duty in availability.duties_of(team.shifts.between(start, end)):
            if duty.starts_at < end and duty.ends_at > start:
                by_person[duty.user.pk].append((team, duty))
    found = [one for duties in by_person.values() for one in _at_once(duties)]
    return sorted(found, key=lambda one: (one.starts_at, one.user.pk))


def said(user: User, team: Team, spans: Iterable[tuple[datetime, datetime]]) -> str:
    """That somebody is on call for another team as well in one of these spans, as a sentence."""
    for start, end in spans:
        for one in between(start, end):
            if one.user == user and team in one.teams:
                other = next(each for each in one.teams if each != team)
                when = wording.span(one.starts_at, one.ends_at)
                return f"{user.name} is on call for {other} then as well, {when}."
    return ""


def _at_once(duties: list[tuple[Team, Duty]]) -> list[Double]:
    return [
        Double(
            one.user, (team, other_team), max(one.starts_at, other.starts_at),
            min(one.ends_at, other.ends_at),
        )
        for (team, one), (other_team, other) in combinations(duties, 2)
        if team != other_team and one.starts_at < other.ends_at and other.starts_at < one.ends_at
    ]  # fmt: skip
