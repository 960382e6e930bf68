"""Which calendar counts for whom."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice

from meshline.people.models import Team
from meshline.policy import business_time, public_holidays
from meshline.policy.business_time import Hours
from meshline.policy.models import BusinessCalendar


def hours_of(team: Team | None) -> Hours:
    """The team's working hours, or the company's where it has none of its own."""
    calendars = BusinessCalendar.objects.prefetch_related("holidays")
    own = calendars.filter(team=team).first() if team else None
    calendar = own or calendars.get(is_default=True)
    return hours(calendar)


def hours_of_each(teams: Iterable[Team | None]) -> dict[int | None, Hours]:
    """The working hours of several teams by their ids, the calendars read once."""
    rows = BusinessCalendar.objects.prefetch_related("holidays")
    by_team: dict[int | None, BusinessCalendar] = {row.team_id: row for row in rows if row.team_id}
    company = next(row for row in rows if row.is_default)
    wanted = {team.pk if team else None for team in teams}
    return {pk: hours(by_team.get(pk, company)) for pk in wanted}


def hours(calendar: BusinessCalendar) -> Hours:
    """A calendar's facts: its windows, its own days off and its country's public holidays."""
    own = frozenset(holiday.day for holiday in calendar.holidays.all())
    return Hours(
        zone=calendar.zone,
        windows=tuple(
            (day, _time(opens), _time(closes)) for day, opens, closes in calendar.windows
        ),
        holidays=own | public_holidays.all_days(calendar.country, calendar.region),
    )


def due(start: datetime, *, within: int, team: Team | None) -> datetime:
    """`within` business minutes after `start`, in the team's working hours (UTC)."""
    return business_time.add(start, within, hours_of(team))


def passed(start: datetime, end: datetime, *, team: Team | None) -> timedelta:
    """How much of the team's working time lies between two instants."""
    return business_time.between(start, end, hours_of(team))


@dataclass(frozen=True)
class DayOff:
    """A day on which nobody works, by the names it goes by."""

    day: date
    name: str
    is_public: bool


def days_off(calendar: BusinessCalendar, year: int) -> list[DayOff]:
    """A year's days off, in order; a day that is both public and the calendar's own is one."""
    public = public_holidays.of_year(calendar.country, calendar.region, year)
    names: dict[date, list[str]] = defaultdict(list)
    for holiday in calendar.holidays.all():
        if holiday.day.year == year:
            names[holiday.day].append(holiday.name)
    for day, name in public.items():
        if name not in names[day]:
            names[day].append(name)
    return [DayOff(day, " · ".join(said), day in public) for day, said in sorted(names.items())]


def next_days_off(calendar: BusinessCalendar, after: date, most: int = 5) -> list[DayOff]:
    """The days off from `after` on: this year's, the next one's, and own ones far ahead."""
    own = {holiday.day.year for holiday in calendar.holidays.all() if holiday.day >= after}
    years = sorted({after.year, after.year + 1, *own})
    coming = (off for year in years for off in days_off(calendar, year) if off.day >= after)
    return list(islice(coming, most))


def _time(text: str) -> time:
    return time.max if text == "24:00" else time.fromisoformat(text)
