"""How far here and there were apart on each of the last thirty days."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from meshline.money import minor_units, worded
from meshline.policy.models import Company
from reconciliation import apart
from reconciliation.models import Run

DAYS = 30
LEAST = 3


@dataclass
class Day:
    """What the last conclusive run of each kind found that day; nothing where there was none."""

    day: date
    found: int = 0
    # Of how many records, here or there, these runs say something.
    whole: int = 0
    apart: int = 0
    runs: list[Run] = field(default_factory=list)
    delta: dict[str, int] = field(default_factory=dict)
    # In percent of the highest of the days; what is there at all is to be seen.
    bar: int = 0

    @property
    def top(self) -> int:
        """Where its bar begins, from above."""
        return 100 - self.bar

    @property
    def most(self) -> Run | None:
        """The run that found most of it."""
        return max(self.runs, key=lambda run: sum(run.counts.values()), default=None)

    @property
    def percent(self) -> Decimal | None:
        return apart.percent(self.apart, self.whole)

    @property
    def money(self) -> str:
        return in_words(self.delta)


def in_words(delta: dict[str, int]) -> str:
    """Amounts by currency, as people write them."""
    known = [(units, name) for name, units in sorted(delta.items()) if len(name) == 3]
    return ", ".join(
        worded(Decimal(units).scaleb(-minor_units(name)), name) for units, name in known
    )


def of(*, at: datetime, connection: int | None = None) -> list[Day]:
    """The last days, the newest first; by the company's zone."""
    zone = ZoneInfo(Company.objects.values_list("zone", flat=True).get())
    today = at.astimezone(zone).date()
    days = {today - timedelta(days=back): Day(today - timedelta(days=back)) for back in range(DAYS)}
    rows = (
        Run.objects.conclusive()
        .select_related("connection")
        .filter(finished_at__gte=at - timedelta(days=DAYS + 1))
    )
    if connection is not None:
        rows = rows.filter(connection=connection)
    latest = {(_day(run, zone), run.connection_id, run.kind): run for run in rows.order_by("pk")}
    for (day, *_), run in latest.items():
        if day in days:
            _add(days[day], run)
    return _drawn(list(days.values()))


def _day(run: Run, zone: ZoneInfo) -> date:
    """The day at its start."""
    return run.day or run.asked_at.astimezone(zone).date()


def _add(day: Day, run: Run) -> None:
    day.found += sum(run.counts.values())
    day.whole += run.whole
    day.apart += run.apart
    day.runs.append(run)
    for currency, units in run.delta.items():
        day.delta[currency] = day.delta.get(currency, 0) + units


def _drawn(days: list[Day]) -> list[Day]:
    highest = max((one.found for one in days), default=0)
    for one in days:
        one.bar = max(LEAST, round(100 * one.found / highest)) if one.found else 0
    return days
