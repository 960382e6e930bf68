"""The rota as its pages show it: who is on call, the weeks ahead, the gaps and who has them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from meshline import masking
from meshline.people import availability, duty
from meshline.people.duty import Duty, Watch
from meshline.people.models import Absence, OnCallShift, Team, User
from meshline.people.permissions import Permission, Scope, scope
from meshline.people.roll import Roll, why_gone
from meshline.policy import business_time, calendars, raci, spans
from meshline.policy.models import BusinessCalendar, Company
from meshline.policy.raci import Answerable
from meshline.rota import absences, coverage
from meshline.rota.coverage import Gap

# So far ahead people look.
AHEAD = timedelta(weeks=4)
# A note of a shift is shown for so long after it.
NOTE_SHOWN = timedelta(days=7)


# --- Gaps ----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class GapRow:
    """One gap of a day: when, why, who gets the work then, and where it is closed."""

    words: str
    why: str
    to: User
    to_why: str
    url: str


@dataclass(frozen=True)
class Day:
    """A day with gaps, in the reader's zone."""

    day: date
    gaps: list[GapRow]
    length: str


class Coverage:
    """One team's next four weeks."""

    def __init__(self, team: Team, away: list[Absence], *, at: datetime) -> None:
        self.team, self.at = team, at
        self._away, self._end = away, at + AHEAD
        shifts = OnCallShift.objects.filter(team=team).between(at, self._end)
        duties = list(availability.duties_of(shifts))
        self.keeps_rota = bool(duties)
        self.watches = duty.watches(duties, away, start=at, end=self._end)

    @cached_property
    def calendar(self) -> BusinessCalendar:
        rows = BusinessCalendar.objects.prefetch_related("holidays")
        return rows.filter(team=self.team).first() or rows.get(is_default=True)

    @cached_property
    def windows(self) -> list[coverage.Span]:
        hours = calendars.hours(self.calendar)
        return coverage.joined(business_time.windows(self.at, self._end, hours))

    @cached_property
    def gaps(self) -> list[Gap]:
        return coverage.gaps(self.windows, self.watches)

    @property
    def uncovered(self) -> str:
        return length(sum((gap.length for gap in self.gaps), timedelta()))

    @property
    def in_all(self) -> str:
        return length(coverage.total(self.windows))

    @property
    def summary(self) -> str:
        """Such as "2 gaps, 5 h"."""
        if not self.keeps_rota:
            return "No rota"
        number = len(self.gaps)
        words = f"{number} gap" if number == 1 else f"{number} gaps"
        return f"{words}, {self.uncovered}" if number else "No gap"

    @property
    def now(self) -> Watch:
        return self.watches[0]

    @property
    def next(self) -> Watch | None:
        """Who follows: the next stretch in which it is somebody else."""
        others = (one for one in self.watches[1:] if one.user and one.user != self.now.user)
        return next(others, None)

    @property
    def backup(self) -> tuple[User, str]:
        """Who has new work while nobody is on call, as things are now."""
        return self._backup(self.at)

    @property
    def days(self) -> Iterator[Day]:
        by_day: dict[date, list[Gap]] = {}
        for gap in self.gaps:
            by_day.setdefault(timezone.localtime(gap.starts_at).date(), []).append(gap)
        for day, gaps in by_day.items():
            whole = sum((gap.length for gap in gaps), timedelta())
            yield Day(day, [self._row(gap) for gap in gaps], length(whole))

    def _row(self, gap: Gap) -> GapRow:
        starts, ends = timezone.localtime(gap.starts_at), timezone.localtime(gap.ends_at)
        to, why = self._backup(gap.starts_at)
        asked = {"team": self.team.slug, "starts": f"{starts:%Y-%m-%dT%H:%M}",
                 "ends": f"{ends:%Y-%m-%dT%H:%M}"}  # fmt: skip
        url = f"{reverse('rota:add-shift')}?{urlencode(asked, safe=':')}"
        return GapRow(f"{starts:%H:%M}–{ends:%H:%M}", _why(gap.meant), to, why, url)

    def _backup(self, at: datetime) -> tuple[User, str]:
        roll = Roll(self._away, at=at)
        if self.team.lead and roll.is_present(self.team.lead):
            return self.team.lead, "who leads the team"
        for member in self._members:
            if roll.is_present(member):
                return member, "of the team"
        named = raci.fallback(at=at)
        there = "nobody of the team is here" if self._members else "nobody is in the team"
        return named.user, self._as_fallback(named, f"because {there}")

    def _as_fallback(self, found: Answerable, because: str) -> str:
        if found.stands_in_for:
            return f"who stands in for {found.stands_in_for.name}, the fallback owner, {because}"
        if found.user.pk == self._fallback_owner:
            return f"the fallback owner, {because}"
        return f"{because} and no fallback owner is present"

    @cached_property
    def _fallback_owner(self) -> int | None:
        return Company.objects.values_list("fallback_owner", flat=True).first()

    @cached_property
    def _members(self) -> list[User]:
        return list(self.team.members.active().order_by("pk"))


def coverages(teams: Iterable[Team], *, at: datetime) -> list[Coverage]:
    away = ahead(at)
    return [Coverage(team, away, at=at) for team in teams]


def ahead(at: datetime) -> list[Absence]:
    """Everybody's absences of the next weeks, also those that began before."""
    rows = Absence.objects.between(at, at + AHEAD).select_related("user", "stand_in")
    return list(rows.order_by("starts_at", "pk"))


def length(span: timedelta) -> str:
    """Such as "4 h" or "1 h 30 min"."""
    return spans.words(round(span.total_seconds() / 60))


def _why(meant: tuple[User, ...]) -> str:
    if not meant:
        return "Nobody is on call"
    how = [
        f"{one.name} is out" if one.can_be_given_work else f"{one.name} {why_gone(one)}"
        for one in meant
    ]
    return f"{' and '.join(how)}, and nobody stands in"


# --- The weeks -----------------------------------------------------------------------------------
@dataclass(frozen=True)
class ShiftRow:
    """A shift ahead, with who has it for a stretch, and where somebody is out."""

    shift: OnCallShift
    overrides: list[Any]
    out: list[Absence]
    is_now: bool


@dataclass(frozen=True)
class Week:
    first: date
    last: date
    label: str
    rows: list[ShiftRow]


def weeks(team: Team, away: list[Absence], *, at: datetime) -> list[Week]:
    """The next four weeks from Monday on, in the reader's zone; a shift stands where it begins."""
    today = timezone.localtime(at).date()
    monday = today - timedelta(days=today.weekday())
    found = [_week(monday + timedelta(weeks=number), number) for number in range(4)]
    rows = OnCallShift.objects.filter(team=team).not_over(at).select_related("user", "team")
    for shift in rows.prefetch_related("overrides__user").order_by("starts_at", "layer"):
        begins = max(timezone.localtime(shift.starts_at).date(), monday)
        number = (begins - monday).days // 7
        if number < len(found):
            found[number].rows.append(_shift_row(shift, away, at))
    return found


def notes(team: Team, reader: User, *, at: datetime) -> list[tuple[OnCallShift, str]]:
    """What those who were on call before left for those who are now, as the reader may read it."""
    rows = OnCallShift.objects.filter(team=team, starts_at__lte=at, ends_at__gt=at - NOTE_SHOWN)
    left = rows.exclude(handover_note="").select_related("user", "handover_by")
    return [(shift, note_of(shift, reader)) for shift in left.order_by("-ends_at")[:2]]


def note_of(shift: OnCallShift, reader: User) -> str:
    """A hand-over note; it may name customers, as the tickets do that it is about."""
    is_theirs = scope(reader, Permission.SEE_QUEUE) is Scope.ALL or reader.team_id == shift.team_id
    return shift.handover_note if is_theirs else masking.words(shift.handover_note)


def out_of(team: Team, away: list[Absence]) -> list[Absence]:
    return [one for one in away if one.user.team_id == team.pk]


def _week(first: date, number: int) -> Week:
    label = {0: "This week", 1: "Next week"}.get(number, f"In {number} weeks")
    return Week(first, first + timedelta(days=6), label, [])


def _shift_row(shift: OnCallShift, away: list[Absence], at: datetime) -> ShiftRow:
    overrides = [one for one in shift.overrides.all() if one.ends_at > at]
    return ShiftRow(
        shift=shift,
        overrides=sorted(overrides, key=lambda one: one.starts_at),
        out=[one for one in away if one.user_id == shift.user_id and _share(one, shift)],
        is_now=shift.starts_at <= at < shift.ends_at,
    )


def _share(one: Any, other: Any) -> bool:
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at


# --- Absences ------------------------------------------------------------------------------------
def work_of(absence: Absence, away: list[Absence], *, at: datetime) -> list[Watch]:
    """Who has somebody's work over an absence, stretch by stretch."""
    start = max(absence.starts_at, at)
    if start >= absence.ends_at:
        return []
    whole = [Duty(absence.user, absence.starts_at, absence.ends_at)]
    return duty.watches(whole, away, start=start, end=absence.ends_at)


def rows_of(rows: Any, reader: User, *, at: datetime) -> list[dict[str, Any]]:
    """Absences as one person sees them: the note is for who plans them, too."""
    rows = list(rows)
    ends = max((one.ends_at for one in rows), default=at)
    everybody = Absence.objects.between(at, max(ends, at)).select_related("user", "stand_in")
    known = list(everybody.order_by("pk"))
    return [_row(one, reader, known, at) for one in rows]


def _row(one: Absence, reader: User, known: list[Absence], at: datetime) -> dict[str, Any]:
    reason = absences.refusal(reader, one.user)
    return {
        "absence": one,
        "is_now": one.starts_at <= at < one.ends_at,
        "is_over": one.ends_at <= at,
        "work": work_of(one, known, at=at),
        "note": "" if reason else one.note,
        "refusal": reason,
    }
