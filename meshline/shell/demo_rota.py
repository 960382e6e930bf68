"""The demo's rota of the coming weeks, with one gap to find, and one planned absence."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from meshline.audit.actors import SETUP
from meshline.people.models import OnCallShift, Team, User
from meshline.rota import absences, overrides, shifts

_OPENS, _CLOSES = time(9), time(17)


@dataclass(frozen=True)
class _Turn:
    """Somebody's shift: in which week from now, from which weekday to which (0 is Monday)."""

    email: str
    week: int
    first: int = 0
    last: int = 4


# In the third week nobody has Wednesday.
TURNS = [
    _Turn("olivia@example.com", 0),
    _Turn("rosa@example.com", 1),
    _Turn("olivia@example.com", 2, last=1),
    _Turn("olivia@example.com", 2, first=3),
    _Turn("rosa@example.com", 3),
    _Turn("olivia@example.com", 4),
]
NOTE = "The partner portal answers slowly since noon; its retries come through by themselves."


def make(*, zone: str, at: datetime) -> None:
    """RevOps on call in turns, a colleague in between, and somebody of Sales out in two weeks."""
    team, here = Team.objects.get(slug="revops"), ZoneInfo(zone)
    for turn in TURNS:
        starts_at, ends_at = _span(turn, here, at)
        if ends_at > at:
            shifts.add(
                team=team, user=User.objects.get(email=turn.email), by=SETUP, at=at,
                starts_at=max(starts_at, at), ends_at=ends_at,
            )  # fmt: skip
    _hand_over(at)
    _take_over(_moment(_day(at, here, 1, 3), time(13), here), at)
    out = _day(at, here, 2, 0)
    absences.plan(
        user=User.objects.get(email="ines@example.com"),
        stand_in=User.objects.get(email="remy@example.com"), note="Two weeks by the sea",
        starts_at=_moment(out, _OPENS, here),
        ends_at=_moment(out + timedelta(days=14), _OPENS, here), by=SETUP, at=at,
    )  # fmt: skip


def _span(turn: _Turn, zone: ZoneInfo, at: datetime) -> tuple[datetime, datetime]:
    first, last = (_day(at, zone, turn.week, weekday) for weekday in (turn.first, turn.last))
    return _moment(first, _OPENS, zone), _moment(last, _CLOSES, zone)


def _day(at: datetime, zone: ZoneInfo, week: int, weekday: int) -> date:
    today = at.astimezone(zone).date()
    return today + timedelta(weeks=week, days=weekday - today.weekday())


def _moment(day: date, hour: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, hour, zone).astimezone(UTC)


def _hand_over(at: datetime) -> None:
    """Whoever is on call now has left a note, if it is a working day."""
    for shift in OnCallShift.objects.covering(at).select_related("user"):
        shifts.leave_note(shift_id=shift.pk, note=NOTE, by=shift.user, at=at)


def _take_over(starts_at: datetime, at: datetime) -> None:
    """Olivia has an afternoon of Rosa's week."""
    for shift in OnCallShift.objects.covering(starts_at):
        overrides.add(
            shift_id=shift.pk, user=User.objects.get(email="olivia@example.com"),
            starts_at=starts_at, ends_at=starts_at + timedelta(hours=4), by=SETUP, at=at,
        )  # fmt: skip
