"""Do the dashboards count what there is?"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import Q, Sum

from reconciliation import rollups, stamps
from reconciliation.checks.check import Check, Failing, Finding
from reconciliation.models import Passage, Rollup
from reconciliation.numbers.number import Number
from reconciliation.numbers.table import NUMBERS

BACK = timedelta(days=7)
# What changed a moment ago is counted by the next round.
LATELY = timedelta(minutes=5)


def look(at: datetime) -> Finding:
    """Each hour of the last 7 days by each number, and those that differ from their events."""
    first = rollups.day_of(at - BACK)
    of = Q(began_at__gte=first)
    missing = list(_missing(first, at))
    failing = [one for number in NUMBERS.values() for one in _wrong(number, of, first)]
    hours = Rollup.objects.filter(grain="hour", at__gte=first).values("at").distinct().count()
    return Finding.of(hours * len(NUMBERS) + len(missing), [*missing, *failing])


def _missing(first: datetime, at: datetime) -> Iterator[Failing]:
    """Events that led to something and are not counted, and those that are and did not."""
    until = at - LATELY
    raw = _raw(first, until)
    kept = Passage.objects.within(first, until).filter(signal__received_at__lt=until)
    for signal in sorted(raw.symmetric_difference(kept.values_list("signal", flat=True))):
        why = "It is not counted." if signal in raw else "It is counted, and is no event any more."
        yield Failing(f"signal:{signal}", f"Event {signal}", why)


def _raw(first: datetime, until: datetime) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(stamps.SIGNALS, {"since": first, "until": until})
        return {pk for (pk,) in cursor.fetchall()}


def _wrong(number: Number, of: Q, first: datetime) -> Iterator[Failing]:
    counted = {
        (row["hour"], row["of_team"], row["step"]): row["n"]
        for row in rollups.counted(number, "all", of)
    }
    for cut in number.cuts:
        told = _told(number, cut, "hour", first)
        yield from _differences(number, counted, told, f"by hour and {cut}")
    days: dict[tuple, int] = {}
    for (hour, team, step), n in counted.items():
        day = (hour.astimezone(UTC).replace(hour=0), team, step)
        days[day] = days.get(day, 0) + n
    yield from _differences(number, days, _told(number, "all", "day", first), "by day")


def _told(number: Number, cut: str, grain: str, first: datetime) -> dict[tuple, int]:
    rows = Rollup.objects.filter(number=number.name, cut=cut, grain=grain, at__gte=first)
    summed = rows.order_by().values_list("at", "team", "bucket").annotate(Sum("n"))
    return {(at, team, bucket): n for at, team, bucket, n in summed}


def _differences(
    number: Number, counted: dict[tuple, int], told: dict[tuple, int], how: str
) -> Iterator[Failing]:
    for place in sorted({*counted, *told}):
        true, said = counted.get(place, 0), told.get(place, 0)
        if true != said:
            at = f"{place[0]:%Y-%m-%d %H:%M}"
            ref = f"rollup:{number.name}:{how}:{at}:{place[1]}:{place[2]}"
            yield Failing(ref, f"{number.label}, {at}", f"{said} are told {how}, and {true} are.")


CHECK = Check(
    "rollups-true", "Dashboards true",
    "What the dashboards count is what there is.",
    "Every number of every hour of the last 7 days, counted anew from its events, and every event "
    "of them looked for; failing are those that differ.",
    timedelta(hours=1), look,
    "Run manage.py rebuild_rollups; if it comes back, its events change past the trail.",
)  # fmt: skip
