"""Overrides: somebody else has a stretch of a shift."""

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
    checks.check_person(user, starts_at, ends_at)
    _check_free(shift, starts_at, ends_at)
    made = shift.overrides.create(user=user, starts_at=starts_at, ends_at=ends_at)
    trail.record("shift.overridden", subject=shift, by=by, at=at, after=facts(made))
    _tell(made, shift, by, at)
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
    before = facts(one)
    if one.starts_at < at:
        one.ends_at = at
        one.save(update_fields=["ends_at"])
    else:
        one.delete()
    after = facts(one) if one.pk else {}
    trail.record("shift.override-ended", subject=shift, by=by, at=at, before=before, after=after)
    return shift


def facts(one: ShiftOverride) -> Facts:
    return {
        "instead": one.user.name,
        "from": wording.fact(one.starts_at), "to": wording.fact(one.ends_at),
    }  # fmt: skip


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


def _tell(made: ShiftOverride, shift: OnCallShift, by: Someone, at: datetime) -> None:
    """Both of them, but for who did it."""
    url = f"{reverse('rota:rota')}?team={shift.team.slug}"
    for user in (made.user, shift.user):
        if by == user:
            continue
        when = wording.span(made.starts_at, made.ends_at, user)
        is_theirs = user == made.user
        who = (
            f"You take over for {shift.user.name}" if is_theirs else f"{made.user.name} takes over"
        )
        words = f"{who} on call for {shift.team} {when}."
        notices.tell(
            user, words, key=f"override:{made.pk}:{user.pk}", at=at, url=url, kind=kinds.ABSENCE
        )
