"""Absences are planned, moved, ended and cancelled here; who has the work, rooms above look for."""

from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse

from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.audit.trail import Personal
from meshline.notices import kinds, notices
from meshline.people import permissions
from meshline.people.models import Absence, User
from meshline.people.permissions import Permission, Role, Scope
from meshline.policy.operating_model import Facts, ModelError
from meshline.rota import checks, wording

LONGEST = timedelta(days=366)
FARTHEST = timedelta(days=731)
NOTE_LENGTH = 300
OVER = "This absence is over; it stays as it was."


@transaction.atomic
def plan(
    *, user: User, ends_at: datetime, by: Someone, at: datetime, starts_at: datetime | None = None,
    stand_in: User | None = None, note: str = "",
) -> Absence:  # fmt: skip
    """Somebody is out, from now on where no start is given. Raises ModelError with the field.

    Two at once are as good as one that lasts as long as both.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    permissions.check(by, Permission.PLAN_ABSENCE, owner=user)
    if not user.is_active:
        raise ModelError(f"{user.name} is not active here any more.")
    starts_at = _start(starts_at, at)
    _check(user, starts_at, ends_at, stand_in, note, at)
    same = {"starts_at": starts_at, "ends_at": ends_at, "stand_in": stand_in}
    if user.absences.filter(**same).exists():
        raise ModelError("This absence is planned already.", "starts_at")
    made = Absence.objects.create(user=user, note=note, **same)
    trail.record("absence.planned", subject=made, by=by, at=at, after=_told(made))
    _tell(made, by, at, "planned")
    return made


@transaction.atomic
def change(
    *, absence_id: int, starts_at: datetime, ends_at: datetime, stand_in: User | None, note: str,
    by: Someone, at: datetime, seen: Facts | None = None,
) -> Absence:  # fmt: skip
    """Move, shorten or extend it, or name another stand-in; one that has begun keeps its start.

    Raises ModelError with the field, Stale when it is not as it was `seen` any more.
    """
    absence = _locked(absence_id, by)
    before, told, had = facts(absence), _told(absence), absence.stand_in
    was = (absence.starts_at, absence.ends_at)
    checks.check_seen(seen, before)
    _refuse_over(absence, at)
    if absence.starts_at <= at:
        if starts_at != absence.starts_at:
            raise ModelError("It has begun; its start stays.", "starts_at")
        if ends_at <= at:
            raise ModelError("Choose an end that is still ahead, or end it now.", "ends_at")
    else:
        starts_at = _start(starts_at, at)
    _check(absence.user, starts_at, ends_at, stand_in, note, at)
    absence.starts_at, absence.ends_at = starts_at, ends_at
    absence.stand_in, absence.note = stand_in, note
    absence.save()
    if facts(absence) != before:
        after = _told(absence)
        trail.record("absence.changed", subject=absence, by=by, at=at, before=told, after=after)
        occasion = f"changed-{at.isoformat()}"
        _tell(absence, by, at, occasion)
        if had and had != stand_in:
            words = f"You no longer stand in for {absence.user.name}, who is out"
            words = f"{words} {wording.span(*was, had)}."
            _say(had, words, absence, by, at, f"{occasion}-off")
    return absence


@transaction.atomic
def end(*, absence_id: int, by: Someone, at: datetime) -> None:
    """They are back earlier: what is open of their work goes back to them."""
    absence = _locked(absence_id, by)
    _refuse_over(absence, at)
    if absence.starts_at > at:
        raise ModelError("It has not begun; cancel it instead.")
    if absence.starts_at == at:
        _cancel(absence, by, at)
        return
    before = _told(absence)
    absence.ends_at = at
    absence.save(update_fields=["ends_at"])
    trail.record(
        "absence.ended", subject=absence, by=by, at=at, before=before, after=_told(absence)
    )
    name = absence.user.name
    words = f"{name} is here again: you no longer stand in for them."
    _say(absence.stand_in, words, absence, by, at, "ended")
    words = f"You are out no longer, as {_name_of(by)} ended your absence."
    _say(absence.user, words, absence, by, at, "ended")


@transaction.atomic
def cancel(*, absence_id: int, by: Someone, at: datetime) -> None:
    """It does not take place; nothing has been handed over yet."""
    absence = _locked(absence_id, by)
    if absence.starts_at <= at:
        raise ModelError(OVER if absence.ends_at <= at else "It has begun; end it instead.")
    _cancel(absence, by, at)


def refusal(by: User, user: User) -> str:
    """Why this person may not plan for that one; empty when they may."""
    return permissions.refusal_for(by, Permission.PLAN_ABSENCE, owner=user)


def facts(absence: Absence) -> Facts:
    """An absence for who looks whether it is still as they saw it."""
    return {
        "from": wording.fact(absence.starts_at), "to": wording.fact(absence.ends_at),
        "stand-in": absence.stand_in.name if absence.stand_in else "", "note": absence.note,
    }  # fmt: skip


def why_not_stand_in(user: User, stand_in: User) -> str:
    """Why somebody cannot have this person's work; empty when they can."""
    if stand_in.pk == user.pk:
        return "Choose somebody else: nobody stands in for themselves."
    if not stand_in.is_active:
        return f"{stand_in.name} is not active here any more; choose somebody else."
    if stand_in.role == Role.VIEWER:
        return f"{stand_in.name} is a viewer, who cannot be given work."
    if _works(user, Permission.WORK_QUEUE) and not _works(stand_in, Permission.WORK_QUEUE):
        return f"{stand_in.name} may not work the queue, where {user.name} has tickets."
    if _works(user, Permission.SEE_PROPOSALS) and not _works(stand_in, Permission.SEE_PROPOSALS):
        return f"{stand_in.name} may not follow up the proposals that {user.name} has."
    return ""


def _works(user: User, permission: Permission) -> bool:
    return permissions.scope(user, permission) not in (None, Scope.MASKED)


def _locked(absence_id: int, by: Someone) -> Absence:
    rows = Absence.objects.select_for_update(of=("self",)).select_related("user", "stand_in")
    absence = rows.filter(pk=absence_id).first()
    if absence is None:
        raise ModelError("Somebody cancelled this absence meanwhile.")
    permissions.check(by, Permission.PLAN_ABSENCE, owner=absence.user)
    return absence


def _start(starts_at: datetime | None, at: datetime) -> datetime:
    """The minute that is running counts as now: the hand-over is due from its start on."""
    if starts_at is None or at.replace(second=0, microsecond=0) <= starts_at <= at:
        return at
    if starts_at < at:
        raise ModelError("This lies in the past; leave it empty for from now on.", "starts_at")
    return starts_at


def _check(
    user: User, starts_at: datetime, ends_at: datetime, stand_in: User | None, note: str,
    at: datetime,
) -> None:  # fmt: skip
    if ends_at <= starts_at:
        raise ModelError("It ends after it begins; choose a later end.", "ends_at")
    if ends_at - starts_at > LONGEST:
        raise ModelError("An absence is at most a year long.", "ends_at")
    if starts_at - at > FARTHEST:
        raise ModelError("This is more than two years ahead.", "starts_at")
    if stand_in and (reason := why_not_stand_in(user, stand_in)):
        raise ModelError(reason, "stand_in")
    if len(note) > NOTE_LENGTH:
        raise ModelError(f"Keep it under {NOTE_LENGTH} characters.", "note")


def _refuse_over(absence: Absence, at: datetime) -> None:
    if absence.ends_at <= at:
        raise ModelError(OVER)


def _cancel(absence: Absence, by: Someone, at: datetime) -> None:
    trail.record("absence.cancelled", subject=absence, by=by, at=at, before=_told(absence))
    _tell(absence, by, at, "cancelled", is_off=True)
    absence.delete()


def _told(absence: Absence) -> Facts:
    """The same for the trail, where why somebody is out is for nobody's eyes but theirs."""
    person = f"person:{absence.user_id}"
    said = facts(absence)
    note = {"note": Personal(person, said.pop("note"))} if absence.note else {}
    return {"person": absence.user.name, **said, **note}


def _tell(absence: Absence, by: Someone, at: datetime, occasion: str, is_off: bool = False) -> None:
    """The stand-in, and the person themselves where somebody else planned it."""
    for user in filter(None, (absence.user, absence.stand_in)):
        when = wording.span(absence.starts_at, absence.ends_at, user)
        who = "You are" if user == absence.user else f"{absence.user.name} is"
        words = f"You stand in for {absence.user.name}, who is out {when}."
        if user == absence.user:
            words = f"You are out {when}, as {_name_of(by)} planned."
        if is_off:
            words = f"{who} not out {when} after all."
        _say(user, words, absence, by, at, occasion)


def _say(
    user: User | None, words: str, absence: Absence, by: Someone, at: datetime, occasion: str
) -> None:
    """Who did it themselves knows already."""
    if user is None or by == user:
        return
    key, url = f"absence:{absence.pk}:{user.pk}:{occasion}", reverse("absences:absences")
    notices.tell(user, words, key=key, at=at, url=url, kind=kinds.ABSENCE)


def _name_of(by: Someone) -> str:
    return by.actor_label.partition(" (")[0]
