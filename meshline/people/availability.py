"""Who can be given work right now."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from meshline.people import duty, roll
from meshline.people.duty import Duty
from meshline.people.models import Absence, OnCallShift, SpanQuerySet, Team, User
from meshline.people.roll import Roll

_RANK = {layer: rank for rank, layer in enumerate(OnCallShift.Layer.values)}


def is_available(user: User | None, *, at: datetime) -> bool:
    """Active, and not away at that moment."""
    return user is not None and User.objects.present(at).filter(pk=user.pk).exists()


def roll_at(at: datetime) -> Roll:
    """Who is out at that moment, and who stands in for whom, in one query."""
    rows = Absence.objects.covering(at).select_related("user", "stand_in__team").order_by("pk")
    return Roll(rows, at=at)


def on_call(team: Team, *, at: datetime) -> User | None:
    """Who of the team is on call at that moment: of the first in line who is there, or stood in
    for."""
    duties = list(duties_of(OnCallShift.objects.filter(team=team).covering(at)))
    return duty.on_call(duties, roll_at(at), at=at) if duties else None


def someone_in(team: Team, *, at: datetime) -> User | None:
    """The team's person for now: on call, or its lead, or its longest-standing member present."""
    if user := on_call(team, at=at):
        return user
    if is_available(team.lead, at=at):
        return team.lead
    return User.objects.present(at).filter(team=team).order_by("pk").first()


def stand_in_for(user: User, *, at: datetime) -> User | None:
    """Who has this person's work at that moment: themselves, or a chain of stand-ins."""
    return roll_at(at).stand_in_for(user)


def back_at(people: Iterable[int], *, at: datetime) -> dict[int, datetime]:
    """When each of these people, by number, is here again; who is not out is not in it."""
    theirs: dict[int, list[Absence]] = {}
    for row in Absence.objects.filter(user__in=set(people)).not_over(at):
        theirs.setdefault(row.user_id, []).append(row)
    ends = {pk: roll.back_at(rows, at) for pk, rows in theirs.items()}
    return {pk: end for pk, end in ends.items() if end > at}


def duties_of(shifts: SpanQuerySet) -> Iterator[Duty]:
    """These shifts as they are kept: split where somebody takes another's place."""
    for one in shifts.select_related("user").prefetch_related("overrides__user"):
        whole = Duty(one.user, one.starts_at, one.ends_at, _RANK[one.layer])
        yield from duty.split(whole, one.overrides.all())
