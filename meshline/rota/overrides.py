"""Overrides: somebody else has a stretch of a shift."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.urls import reverse

from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.notices import kinds, notices
from meshline.people.models import OnCallShift, ShiftOverride, User
from meshline.policy.operating_model import Facts, ModelError
from meshline.rota import checks, wording


@transaction.atomic
def add(
    *, shift_id: int, user: User, starts_at: datetime, ends_at: datetime, by: Someone, at: datetime
) -> ShiftOverride:
    """Somebody else is on call for a stretch; they have it while it lasts.

    Whose shift it is may, and who takes it on. Raises ModelError with the field it is about.
    """
    shift = checks.locked(shift_id)
    checks.check_may(by, shift.team_id, shift.user, user)
    if shift.ends_at <= at:
        raise ModelError(checks.OVER)
    checks.check_times(starts_at, ends_at, at=at)
    _check_inside(shift, starts_at, ends_at)
    if user == shift.user:
        raise ModelError(f"It is {user.name}'s shift already; choose somebody else.", "user")
    checks.check_person(user, shift.team, starts_at, ends_at)
    _check_free(shift, starts_at, ends_at)
    made = shift.overrides.create(user=user, starts_at=starts_at, ends_at=ends_at)
    trail.record("shift.overridden", subject=shift, by=by, at=at, after=facts(made))
    _tell(made, shift, by, at, told=(made.user, shift.user))
    return made


@transaction.atomic
def remove(*, override_id: int, by: Someone, at: datetime) -> OnCallShift:
    """The shift is its own person's again; of a stretch that has begun, from now on."""
    found = ShiftOverride.objects.filter(pk=override_id).first()
    if found is None:
        raise ModelError("Somebody removed this meanwhile.")
    shift = checks.locked(found.shift_id)
    one = shift.overrides.select_related("user").filter(pk=override_id).first()
    if one is None:
        raise ModelError("Somebody removed this meanwhile.")
    checks.check_may(by, shift.team_id, shift.user, one.user)
    if one.ends_at <= at:
        raise ModelError("This is over; it stays as it was.")
    _end(one, shift, by, at, told=(one.user, shift.user))
    return shift


def end_all(shift: OnCallShift, *, by: Someone, at: datetime) -> None:
    """The shift ends, and what of it is in others' hands with it: they are told."""
    for one in shift.overrides.not_over(at).select_related("user").order_by("starts_at"):
        _end(one, shift, by, at, told=(one.user,))


def end_own(shift: OnCallShift, user: User, *, by: Someone, at: datetime) -> int:
    """The shift becomes this person's: nobody takes over from themselves. How many ended."""
    theirs = list(shift.overrides.not_over(at).filter(user=user).select_related("user"))
    for one in theirs:
        _end(one, shift, by, at, told=(user,))
    return len(theirs)


def facts(one: ShiftOverride) -> Facts:
    return {
        "instead": one.user.name,
        "from": wording.fact(one.starts_at), "to": wording.fact(one.ends_at),
    }  # fmt: skip


def _end(
    one: ShiftOverride, shift: OnCallShift, by: Someone, at: datetime, *, told: Iterable[User]
) -> None:
    _tell(one, shift, by, at, told=told, is_off=True)
    before = facts(one)
    if one.starts_at < at:
        one.ends_at = at
        one.save(update_fields=["ends_at"])
    else:
        one.delete()
    after = facts(one) if one.pk else {}
    trail.record("shift.override-ended", subject=shift, by=by, at=at, before=before, after=after)


def _check_inside(shift: OnCallShift, starts_at: datetime, ends_at: datetime) -> None:
    when = wording.span(shift.starts_at, shift.ends_at)
    if starts_at < shift.starts_at:
        raise ModelError(f"The shift is {when}; begin within it.", "starts_at")
    if ends_at > shift.ends_at:
        raise ModelError(f"The shift is {when}; end within it.", "ends_at")


def _check_free(shift: OnCallShift, starts_at: datetime, ends_at: datetime) -> None:
    others = shift.overrides.between(starts_at, ends_at)
    if taken := others.select_related("user").order_by("starts_at").first():
        when = wording.span(taken.starts_at, taken.ends_at)
        raise ModelError(f"{taken.user.name} takes over {when} already.", "starts_at")


def _tell(
    one: ShiftOverride, shift: OnCallShift, by: Someone, at: datetime, *, told: Iterable[User],
    is_off: bool = False,
) -> None:  # fmt: skip
    """Who takes over, and for whom; but not who did it."""
    url, occasion = f"{reverse('rota:rota')}?team={shift.team.slug}", ":off" if is_off else ""
    for user in told:
        if by == user:
            continue
        words = f"{_deed(one, shift, user, is_off)} on call for {shift.team}"
        when = wording.span(one.starts_at, one.ends_at, user)
        key = f"override:{one.pk}:{user.pk}{occasion}"
        notices.tell(user, f"{words} {when}.", key=key, at=at, url=url, kind=kinds.ABSENCE)


def _deed(one: ShiftOverride, shift: OnCallShift, reader: User, is_off: bool) -> str:
    if reader == one.user:
        return f"You {'no longer take' if is_off else 'take'} over for {shift.user.name}"
    return f"{one.user.name} {'no longer takes' if is_off else 'takes'} over"
