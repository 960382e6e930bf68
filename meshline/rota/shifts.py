"""Shifts: somebody is put on call, at other times, no longer, in another's place, or hands over."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.urls import reverse

from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.notices import kinds, notices
from meshline.people.models import OnCallShift, Team, User
from meshline.policy.operating_model import Facts, ModelError
from meshline.rota import checks, overrides, wording
from meshline.rota.checks import OVER, facts

Layer = OnCallShift.Layer
MOST_WEEKS = 26
NOTE_LENGTH = 4000
# A hand-over note is worth something to the next one, not to history.
NOTED_WITHIN = timedelta(days=7)


@transaction.atomic
def add(
    *, team: Team, user: User, starts_at: datetime, ends_at: datetime, by: Someone, at: datetime,
    layer: str = Layer.PRIMARY, weeks: int = 1, zone: str = "UTC",
) -> list[OnCallShift]:  # fmt: skip
    """Put somebody on call; with `weeks`, so often in all, at the same local times of `zone`.

    All of them or none. Raises ModelError with the field it is about.
    """
    checks.check_may(by, team.pk, user)
    if not 1 <= weeks <= MOST_WEEKS:
        raise ModelError(f"Repeat it for 1 to {MOST_WEEKS} weeks.", "weeks")
    Team.objects.select_for_update().get(pk=team.pk)
    spans = list(_weekly(starts_at, ends_at, weeks, ZoneInfo(zone)))
    made = [_put(team, user, layer, *span, at=at, many=weeks > 1) for span in spans]
    trail.record_all(
        trail.line("shift.added", subject=one, by=by, at=at, after=facts(one)) for one in made
    )
    _tell_added(made, by, at)
    return made


@transaction.atomic
def change(
    *, shift_id: int, user: User, layer: str, starts_at: datetime, ends_at: datetime,
    by: Someone, at: datetime, seen: Facts | None = None,
) -> OnCallShift:  # fmt: skip
    """Give a shift other times or another person; of one that has begun only the end.

    A stretch of it that its new person would take over from themselves ends with that.

    Raises ModelError with the field, Stale when it is not as it was `seen` any more.
    """
    shift = checks.locked(shift_id)
    checks.check_may(by, shift.team_id, shift.user)
    checks.check_may(by, shift.team_id, user)
    before, had = facts(shift), shift.user
    was = wording.span(shift.starts_at, shift.ends_at, had)
    checks.check_seen(seen, before)
    _refuse_over(shift, at)
    if shift.starts_at <= at:
        _check_begun(shift, user, layer, starts_at, ends_at, at)
    else:
        checks.check_times(starts_at, ends_at, at=at)
    checks.check_person(user, shift.team, max(starts_at, at), ends_at)
    _check_free(shift.team, layer, starts_at, ends_at, but=shift.pk)
    overrides.end_own(shift, user, by=by, at=at)
    _check_overrides(shift, starts_at, ends_at)
    shift.user, shift.layer = user, layer
    shift.starts_at, shift.ends_at = starts_at, ends_at
    shift.save(update_fields=["user", "layer", "starts_at", "ends_at"])
    if facts(shift) != before:
        trail.record(
            "shift.changed", subject=shift, by=by, at=at, before=before, after=facts(shift)
        )
        when = wording.span(starts_at, ends_at, user)
        _tell(
            user, f"Your shift for {shift.team} is changed: you are on call {when}.", shift, by, at
        )
        if had != user:
            _tell(had, f"Your shift for {shift.team} {was} is {user.name}'s now.", shift, by, at)
    return shift


@transaction.atomic
def remove(*, shift_id: int, by: Someone, at: datetime, seen: Facts | None = None) -> None:
    """Take a shift away; one that has begun ends now, so that it stays true who was on call."""
    shift = checks.locked(shift_id)
    checks.check_may(by, shift.team_id, shift.user)
    before = facts(shift)
    checks.check_seen(seen, before)
    _refuse_over(shift, at)
    overrides.end_all(shift, by=by, at=at)
    if shift.starts_at < at:
        shift.ends_at = at
        shift.save(update_fields=["ends_at"])
        trail.record("shift.ended", subject=shift, by=by, at=at, before=before, after=facts(shift))
    else:
        trail.record("shift.removed", subject=shift, by=by, at=at, before=before)
    when = wording.span(shift.starts_at, shift.ends_at, shift.user)
    words = "ends now" if shift.starts_at < at else "is taken off the rota"
    _tell(shift.user, f"Your shift for {shift.team} {when} {words}.", shift, by, at)
    if shift.starts_at >= at:
        shift.delete()


@transaction.atomic
def swap(
    *, shift_id: int, other_id: int, by: Someone, at: datetime, seen: dict[str, Facts] | None = None
) -> tuple[OnCallShift, OnCallShift]:
    """Two people exchange two shifts of one team, both still ahead.

    A stretch of it that its new person would take over from themselves ends with that. Whose one
    of the two is, may; the other one is told. Raises ModelError, Stale.
    """
    one = checks.locked(shift_id)
    if not OnCallShift.objects.filter(pk=other_id, team=one.team_id).exists():
        raise ModelError("Choose a shift of the same team.", "other")
    other = checks.locked(other_id)
    checks.check_may(by, one.team_id, one.user, other.user)
    before = [facts(one), facts(other)]
    for shift, now in zip((one, other), before, strict=True):
        checks.check_seen((seen or {}).get(str(shift.pk), now), now)
    if one.user_id == other.user_id:
        raise ModelError(f"Both are {one.user.name}'s; choose somebody else's shift.", "other")
    for shift in (one, other):
        if shift.starts_at <= at:
            raise ModelError("It has begun: put somebody else in for what is left of it.", "other")
    _check_swapped(other.user, one)
    _check_swapped(one.user, other)
    overrides.end_own(one, other.user, by=by, at=at)
    overrides.end_own(other, one.user, by=by, at=at)
    one.user, other.user = other.user, one.user
    for shift, was in zip((one, other), before, strict=True):
        shift.save(update_fields=["user"])
        trail.record("shift.swapped", subject=shift, by=by, at=at, before=was, after=facts(shift))
    _tell_swapped(one, other, by, at)
    return one, other


@transaction.atomic
def leave_note(
    *, shift_id: int, note: str, by: Someone, at: datetime, seen: Facts | None = None
) -> OnCallShift:
    """What the next one on call should know; nothing takes it away. The next one is told."""
    shift = checks.locked(shift_id)
    had = [one.user for one in shift.overrides.filter(starts_at__lte=at).select_related("user")]
    checks.check_may(by, shift.team_id, shift.user, *had)
    before = noted(shift)
    checks.check_seen(seen, before)
    if shift.starts_at > at:
        raise ModelError("This shift has not begun; there is nothing to hand over yet.", "note")
    if shift.ends_at < at - NOTED_WITHIN:
        raise ModelError("This shift ended over a week ago; its note stays as it was.", "note")
    note = note.strip()
    if len(note) > NOTE_LENGTH:
        raise ModelError(f"Keep it under {NOTE_LENGTH:,} characters.", "note")
    if note == shift.handover_note:
        return shift
    shift.handover_note = note
    shift.handover_by, shift.handover_at = (
        (by, at) if isinstance(by, User) and note else (None, None)
    )
    shift.save(update_fields=["handover_note", "handover_by", "handover_at"])
    trail.record(
        "shift.handed-over", subject=shift, by=by, at=at, before=before, after=noted(shift)
    )
    if note and (following := next_of(shift)):
        said = f"Hand-over for {shift.team} from {shift.user.name}: {note}"
        _tell(following.user, said, following, by, at)
    return shift


def noted(shift: OnCallShift) -> Facts:
    return {"note": shift.handover_note}


def next_of(shift: OnCallShift) -> OnCallShift | None:
    """Who takes over: the next shift of the same team in the same line."""
    rows = OnCallShift.objects.filter(team=shift.team_id, layer=shift.layer)
    later = rows.filter(starts_at__gte=shift.ends_at).select_related("user", "team")
    return later.order_by("starts_at").first()


# --- What cannot be ------------------------------------------------------------------------------
def _put(
    team: Team, user: User, layer: str, starts_at: datetime, ends_at: datetime, *, at: datetime,
    many: bool,
) -> OnCallShift:  # fmt: skip
    try:
        checks.check_times(starts_at, ends_at, at=at)
        checks.check_person(user, team, starts_at, ends_at)
        _check_free(team, layer, starts_at, ends_at)
    except ModelError as error:
        which = f"{wording.moment(starts_at)}: " if many else ""
        raise ModelError(f"{which}{error}", error.field) from None
    return OnCallShift.objects.create(
        team=team, user=user, layer=layer, starts_at=starts_at, ends_at=ends_at
    )


def _check_free(
    team: Team, layer: str, starts_at: datetime, ends_at: datetime, but: int | None = None
) -> None:
    if layer not in Layer.values:
        raise ModelError("There is no such line; choose primary or secondary.", "layer")
    rows = OnCallShift.objects.filter(team=team, layer=layer).between(starts_at, ends_at)
    if taken := rows.exclude(pk=but).select_related("user").order_by("starts_at").first():
        when = wording.span(taken.starts_at, taken.ends_at)
        raise ModelError(f"{taken.user.name} is on call then already, {when}.", "starts_at")


def _refuse_over(shift: OnCallShift, at: datetime) -> None:
    if shift.ends_at <= at:
        raise ModelError(OVER)


def _check_begun(
    shift: OnCallShift, user: User, layer: str, starts_at: datetime, ends_at: datetime, at: datetime
) -> None:
    """Who has been on call, and since when, stays true."""
    if starts_at != shift.starts_at:
        raise ModelError("It has begun; its start stays.", "starts_at")
    if user != shift.user:
        raise ModelError("It has begun: put somebody else in for what is left of it.", "user")
    if layer != shift.layer:
        raise ModelError("It has begun; its line stays.", "layer")
    if ends_at <= at:
        raise ModelError("Choose an end that is still ahead, or end it now.", "ends_at")
    if ends_at - starts_at > checks.LONGEST:
        raise ModelError("A shift is at most 4 weeks long.", "ends_at")


def _check_overrides(shift: OnCallShift, starts_at: datetime, ends_at: datetime) -> None:
    for one in shift.overrides.select_related("user"):
        if one.starts_at < starts_at or one.ends_at > ends_at:
            when = wording.span(one.starts_at, one.ends_at)
            field = "starts_at" if one.starts_at < starts_at else "ends_at"
            raise ModelError(f"{one.user.name} takes over {when}; remove that first.", field)


def _check_swapped(user: User, shift: OnCallShift) -> None:
    try:
        checks.check_person(user, shift.team, shift.starts_at, shift.ends_at)
    except ModelError as error:
        raise ModelError(str(error), "other") from None


def _weekly(
    starts_at: datetime, ends_at: datetime, weeks: int, zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    """The same local times week by week, whatever the clocks do in between."""
    yield starts_at, ends_at
    for number in range(1, weeks):
        yield _later(starts_at, number, zone), _later(ends_at, number, zone)


def _later(moment: datetime, weeks: int, zone: ZoneInfo) -> datetime:
    return (moment.astimezone(zone) + timedelta(weeks=weeks)).astimezone(UTC)


# --- Who is told ---------------------------------------------------------------------------------
def _tell_added(made: list[OnCallShift], by: Someone, at: datetime) -> None:
    first = made[0]
    when = wording.span(first.starts_at, first.ends_at, first.user)
    again = f", and every week for {len(made)} weeks" if len(made) > 1 else ""
    _tell(first.user, f"You are on call for {first.team} {when}{again}.", first, by, at)


def _tell_swapped(one: OnCallShift, other: OnCallShift, by: Someone, at: datetime) -> None:
    for mine, was in ((one, other), (other, one)):
        now, before = (wording.moment(shift.starts_at, mine.user) for shift in (mine, was))
        words = f"Your shift of {before} is swapped: you are on call from {now} for {mine.team}."
        _tell(mine.user, words, mine, by, at)


def _tell(user: User, words: str, shift: OnCallShift, by: Someone, at: datetime) -> None:
    """Who did it themselves knows already."""
    if by == user:
        return
    url = f"{reverse('rota:rota')}?team={shift.team.slug}"
    key = f"shift:{shift.pk}:{user.pk}:{at.isoformat()}"
    notices.tell(user, words, key=key, at=at, url=url, kind=kinds.ABSENCE)
