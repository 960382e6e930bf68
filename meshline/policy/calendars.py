"""Which calendar counts for whom."""

from datetime import datetime, time

from meshline.people.models import Team
from meshline.policy import business_time
from meshline.policy.business_time import Hours
from meshline.policy.models import BusinessCalendar


def hours_of(team: Team | None) -> Hours:
    """The team's working hours, or the company's where it has none of its own."""
    calendars = BusinessCalendar.objects.prefetch_related("holidays")
    own = calendars.filter(team=team).first() if team else None
    calendar = own or calendars.get(is_default=True)
    return Hours(
        zone=calendar.zone,
        windows=tuple(
            (day, _time(opens), _time(closes)) for day, opens, closes in calendar.windows
        ),
        holidays=frozenset(holiday.day for holiday in calendar.holidays.all()),
    )


def due(start: datetime, *, within: int, team: Team | None) -> datetime:
    """`within` business minutes after `start`, in the team's working hours (UTC)."""
    return business_time.add(start, within, hours_of(team))


def _time(text: str) -> time:
    return time.max if text == "24:00" else time.fromisoformat(text)
