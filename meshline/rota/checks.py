"""What every change of the rota asks: whose shift it is, in which times, and whether they can."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from meshline.audit.actors import Someone
from meshline.people import permissions
from meshline.people.models import Absence, OnCallShift, Team, User
from meshline.people.permissions import Permission, Role
from meshline.policy import ticket_work
from meshline.policy.operating_model import Facts, ModelError, Stale
from meshline.rota import wording

# Four weeks by the calendar; when the clocks change, that is an hour or so longer.
LONGEST = timedelta(weeks=4, hours=2)
# Farther ahead is a slip of the finger.
FARTHEST = timedelta(days=366)
GONE = "Somebody removed this shift meanwhile."
OVER = "This shift is over; it stays as it was."


@dataclass
class _Of:
    """A shift before the table of rights: whose it is, and in which team's rota."""

    pk: Any
    team_id: int | None
    role: str = ""
    is_active: bool = True


def refusal(by: Any, team_id: int, *people: User) -> str:
    """Why not, regarding a shift of this team; empty when it may be for one of these people."""
    reasons = [
        permissions.refusal_for(by, Permission.KEEP_ROTA, owner=_Of(one.pk, team_id))
        for one in people
    ]
    return "" if "" in reasons else reasons[0]


def check_may(by: Someone, team_id: int, *people: User) -> None:
    """Raise NotAllowed unless `by` may change a shift of one of these people."""
    if reason := refusal(by, team_id, *people):
        raise permissions.NotAllowed(reason)


def locked(shift_id: int) -> OnCallShift:
    """A shift behind the lock of its team: one change of a rota at a time."""
    found = OnCallShift.objects.filter(pk=shift_id).first()
    if found is None:
        raise ModelError(GONE)
    Team.objects.select_for_update().get(pk=found.team_id)
    rows = OnCallShift.objects.select_for_update(of=("self",)).select_related("team", "user")
    again = rows.filter(pk=shift_id).first()
    if again is None:
        raise ModelError(GONE)
    return again


def check_seen(seen: Facts | None, now: Facts) -> None:
    if seen is not None and seen != now:
        raise Stale(seen, now)


def check_times(starts_at: datetime, ends_at: datetime, *, at: datetime) -> None:
    """Times somebody can still be on call in."""
    if ends_at <= starts_at:
        raise ModelError("It ends after it begins; choose a later end.", "ends_at")
    if ends_at - starts_at > LONGEST:
        raise ModelError("A shift is at most 4 weeks long.", "ends_at")
    if starts_at < at.replace(second=0, microsecond=0):
        raise ModelError("This lies in the past; choose a later start.", "starts_at")
    if starts_at - at > FARTHEST:
        raise ModelError("This is more than a year ahead.", "starts_at")


def check_person(user: User, team: Team, starts_at: datetime, ends_at: datetime) -> None:
    """Somebody who is here then, and can be called for what goes to this team."""
    if not user.is_active:
        raise ModelError(f"{user.name} is not active here any more; choose somebody else.", "user")
    if user.role == Role.VIEWER:
        raise ModelError(f"{user.name} is a viewer, who cannot be given work.", "user")
    why = ticket_work.why_not(user)
    if why and ticket_work.goes_to(team, since=starts_at):
        raise ModelError(f"{why}, where {team.name} has tickets; choose somebody else.", "user")
    out = Absence.objects.filter(user=user).between(starts_at, ends_at).order_by("starts_at")
    if absence := out.first():
        when = wording.span(absence.starts_at, absence.ends_at)
        raise ModelError(f"{user.name} is out {when}; choose somebody else.", "user")


def facts(shift: OnCallShift) -> Facts:
    """A shift for the trail, and for who looks whether it is still as they saw it."""
    return {
        "team": shift.team.slug, "person": shift.user.name, "layer": shift.layer,
        "starts": wording.fact(shift.starts_at), "ends": wording.fact(shift.ends_at),
    }  # fmt: skip
