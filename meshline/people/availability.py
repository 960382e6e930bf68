"""Who can be given work right now."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models import Q

from meshline.people import duty, roll
from meshline.people.duty import Duty
from meshline.people.models import Absence, OnCallShift, SpanQuerySet, Team, User
from meshline.people.permissions import TABLE, Permission, Role
from meshline.people.roll import Roll

_RANK = {layer: rank for rank, layer in enumerate(OnCallShift.Layer.values)}


def is_available(user: User | None, *, at: datetime) -> bool:
    """Can be given work, and is not away at that moment."""
    return user is not None and User.objects.who_work().present(at).filter(pk=user.pk).exists()


def gone(who: str) -> Q:
    """Rows whose `who` is nobody any more who can be given work."""
    return Q(**{f"{who}__is_active": False}) | Q(**{f"{who}__role": Role.VIEWER})


def roll_at(at: datetime, *, may: Permission | None = None) -> Roll:
    """Who is out at that moment, and who stands in for whom, in one query; for work that takes a
    permission, who `may` do it."""
    rows = Absence.objects.covering(at).select_related("user", "stand_in__team").order_by("pk")
    return Roll(rows, at=at, roles=TABLE[may] if may else None)


def on_call(team: Team, *, at: datetime) -> User | None:
    """Who of the team is on call at that moment: of the first in line who is there, or stood in
    for."""
    return on_call_in([team], at=at).get(team.pk)


def on_call_in(teams: Iterable[Team], *, at: datetime, roll: Roll | None = None) -> dict[int, User]:
    """The same for several teams, asked at once; a team with nobody on call is not in it."""
    shifts = _with_people(OnCallShift.objects.filter(team__in=teams).covering(at))
    duties: dict[int, list[Duty]] = {}
    for one in shifts:
        duties.setdefault(one.team_id, []).extend(_kept(one))
    if not duties:
        return {}
    roll = roll or roll_at(at)
    found = {pk: duty.on_call(theirs, roll, at=at) for pk, theirs in duties.items()}
    return {pk: user for pk, user in found.items() if user is not None}


def second_on_call(team: Team, *, at: datetime, may: Permission) -> User | None:
    """Who is second in line for the team at that moment and may do the work, or stands in."""
    second = OnCallShift.objects.filter(team=team, layer=OnCallShift.Layer.SECONDARY)
    return duty.on_call(duties_of(second.covering(at)), roll_at(at, may=may), at=at)


def someone_in(team: Team, *, at: datetime) -> User | None:
    """The team's person for now: on call, or its lead, or its longest-standing member present."""
    return someone_in_each([team], at=at, roll=roll_at(at)).get(team.pk)


def someone_in_each(teams: Iterable[Team], *, at: datetime, roll: Roll) -> dict[int, User]:
    """The same for several teams, asked at once, for the work that the roll is about; a team in
    which nobody is there for it is not in it."""
    teams = list(teams)
    found = on_call_in(teams, at=at, roll=roll)
    for team in teams:
        if team.pk not in found and team.lead and roll.is_present(team.lead):
            found[team.pk] = team.lead
    if left := [team.pk for team in teams if team.pk not in found]:
        members = User.objects.who_work().present(at).filter(team__in=left)
        if roll.roles is not None:
            members = members.filter(role__in=roll.roles)
        first = members.order_by("team_id", "pk").distinct("team_id")
        found |= {member.team_id: member for member in first}
    return found


def stand_in_for(user: User, *, at: datetime, may: Permission | None = None) -> User | None:
    """Who has this person's work at that moment: themselves, or a chain of stand-ins."""
    return roll_at(at, may=may).stand_in_for(user)


def back_at(people: Iterable[int], *, at: datetime) -> dict[int, datetime]:
    """When each of these people, by number, is here again; who is not out is not in it."""
    theirs: dict[int, list[Absence]] = {}
    for row in Absence.objects.filter(user__in=set(people)).not_over(at):
        theirs.setdefault(row.user_id, []).append(row)
    ends = {pk: roll.back_at(rows, at) for pk, rows in theirs.items()}
    return {pk: end for pk, end in ends.items() if end > at}


def duties_of(shifts: SpanQuerySet) -> Iterator[Duty]:
    """These shifts as they are kept: split where somebody takes another's place."""
    for one in _with_people(shifts):
        yield from _kept(one)


def _with_people(shifts: SpanQuerySet) -> SpanQuerySet:
    return shifts.select_related("user").prefetch_related("overrides__user")


def _kept(one: OnCallShift) -> Iterator[Duty]:
    whole = Duty(one.user, one.starts_at, one.ends_at, _RANK[one.layer])
    return duty.split(whole, one.overrides.all())
