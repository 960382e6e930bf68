"""Events counted by the hour: made anew hour by hour, and read for any whole hours in little time.

What is read is the same as if the events themselves were counted; `rollups-true` checks that.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import CharField, Count, F, FloatField, Q, QuerySet, Sum, Value
from django.db.models.functions import Cast, Coalesce, TruncDay, TruncHour

from reconciliation.histograms import Histogram
from reconciliation.models import Passage, Rollup
from reconciliation.numbers.number import CUTS, Number
from reconciliation.numbers.table import NUMBERS

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_COLUMNS = "(number, cut, grain, at, team, key, bucket, n, total)"
_DAYS = f"""
    INSERT INTO reconciliation_rollup {_COLUMNS}
    SELECT number, cut, 'day', date_trunc('day', at, 'UTC'), team, key, bucket, sum(n), sum(total)
    FROM reconciliation_rollup
    WHERE grain = 'hour' AND date_trunc('day', at, 'UTC') = ANY(%s)
        AND at >= %s AND at < %s
    GROUP BY 1, 2, 4, 5, 6, 7
"""


@dataclass(frozen=True)
class Within:
    """Whole hours, and one team's events or everybody's."""

    since: datetime
    until: datetime
    team: int | None = None

    @property
    def length(self) -> timedelta:
        return self.until - self.since

    @property
    def before(self) -> "Within":
        """As much time right before it."""
        return Within(self.since - self.length, self.since, self.team)


# --- To make ---------------------------------------------------------------------------------
def refresh(hours: Collection[datetime]) -> None:
    """Count these hours anew, and the days they are of."""
    if not hours:
        return
    days = sorted({hour.replace(hour=0) for hour in hours})
    Rollup.objects.filter(Q(grain="hour", at__in=hours) | Q(grain="day", at__in=days)).delete()
    _count(_spans(hours))
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, [days, days[0], days[-1] + DAY])


def refresh_all() -> None:
    """Count everything anew."""
    Rollup.objects.all().delete()
    _count(Q())
    hours = Rollup.objects.filter(grain="hour").order_by()
    days = list(hours.values_list(TruncDay("at", tzinfo=UTC), flat=True).distinct())
    if days:
        with connection.cursor() as cursor:
            cursor.execute(_DAYS, [days, min(days), max(days) + DAY])


def _count(of: Q) -> None:
    with connection.cursor() as cursor:
        for number in NUMBERS.values():
            for cut in number.cuts:
                chosen, given = counted(number, cut, of).query.sql_with_params()
                cursor.execute(
                    f"INSERT INTO reconciliation_rollup {_COLUMNS} SELECT %s, %s, 'hour', "
                    f"hour, of_team, cut_key, step, n, sum FROM ({chosen}) counted",
                    [number.name, cut, *given],
                )


def counted(number: Number, cut: str, of: Q) -> QuerySet:
    """A number's events by hour, team, key and bucket: what a rollup holds, from the events."""
    column = CUTS[cut]
    key = Cast(F(column), CharField()) if column else Value("", output_field=CharField())
    rows = Passage.objects.filter(of).filter(number.of).order_by()
    return (
        rows.annotate(
            hour=TruncHour("began_at", tzinfo=UTC), of_team=Coalesce("team_id", 0), cut_key=key,
            step=number.bucket,
        )
        .values("hour", "of_team", "cut_key", "step")
        .annotate(
            n=Count("pk"), sum=Coalesce(Sum(Cast(number.measured, FloatField())), 0.0)
        )
    )  # fmt: skip


def _spans(hours: Iterable[datetime]) -> Q:
    """Events of these hours; those that lie side by side are one stretch."""
    found = Q(pk__in=[])
    for first, last in _stretches(sorted(hours)):
        found |= Q(began_at__gte=first, began_at__lt=last + HOUR)
    return found


def _stretches(hours: list[datetime]) -> Iterator[tuple[datetime, datetime]]:
    first = last = hours[0]
    for hour in hours[1:]:
        if hour - last > HOUR:
            yield first, last
            first = hour
        last = hour
    yield first, last


# --- To read ---------------------------------------------------------------------------------
Read = dict[str, dict[str, Histogram]]


def read(numbers: Iterable[Number], within: Within, cut: str = "all") -> Read:
    """By number and key; a number without any event has no key."""
    found: Read = defaultdict(lambda: defaultdict(Histogram))
    asked = "SELECT number, key, bucket, sum(n), sum(total) FROM {rows} GROUP BY 1, 2, 3"
    columns = ("number", "key", "bucket", "n", "total")
    for number, key, bucket, n, total in _told(asked, _pieces(numbers, within, cut), *columns):
        found[number][key].add(bucket, n, total)
    return {name: dict(keys) for name, keys in found.items()}


def series(number: Number, within: Within, *, by_hour: bool) -> dict[datetime, Histogram]:
    """One number hour by hour or day by day (of UTC), where there is anything of it."""
    # An hour's buckets in one row: a thousand rows of their own take longer to fetch than to find.
    step = "at" if by_hour else "date_trunc('day', at, 'UTC')"
    asked = f"SELECT {step}, array_agg(bucket), array_agg(n), sum(total) FROM {{rows}} GROUP BY 1"
    pieces = _pieces([number], within, "all", by_hour=by_hour)
    found = {}
    for at, buckets, counts, total in _told(asked, pieces, "at", "bucket", "n", "total"):
        found[at] = Histogram(total=total)
        for bucket, n in zip(buckets, counts, strict=True):
            found[at].add(bucket, n, 0.0)
    return found


def _told(asked: str, pieces: list[QuerySet], *columns: str) -> list[tuple[Any, ...]]:
    """What is asked of these pieces together. Each is read by itself along the index: of one
    condition for all of them PostgreSQL would read every hour there is, and leave most out."""
    if not pieces:
        return []
    told = [piece.values(*columns).query.sql_with_params() for piece in pieces]
    rows = " UNION ALL ".join(f"({sql})" for sql, _ in told)
    with connection.cursor() as cursor:
        given = [one for _, params in told for one in params]
        cursor.execute(asked.format(rows=f"({rows}) rows"), given)
        return cursor.fetchall()


def _pieces(
    numbers: Iterable[Number], within: Within, cut: str, *, by_hour: bool = False
) -> list[QuerySet]:
    """Rows that cover these hours once: whole days where they are whole, and hours at both ends."""
    names = [number.name for number in numbers]
    rows = Rollup.objects.filter(number__in=names, cut=cut).order_by()
    if within.team is not None:
        rows = rows.filter(team=within.team)
    return [rows.filter(piece) for piece in _covers(within, by_hour=by_hour)] if names else []


def _covers(within: Within, *, by_hour: bool) -> Iterator[Q]:
    first, last = _next_day(within.since), day_of(within.until)
    if by_hour or first >= last:
        yield _hours(within.since, within.until)
        return
    yield Q(grain="day", at__gte=first, at__lt=last)
    for since, until in ((within.since, first), (last, within.until)):
        if since < until:
            yield _hours(since, until)


def _hours(since: datetime, until: datetime) -> Q:
    return Q(grain="hour", at__gte=since, at__lt=until)


def day_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _next_day(moment: datetime) -> datetime:
    day = day_of(moment)
    return day if day == moment else day + DAY
