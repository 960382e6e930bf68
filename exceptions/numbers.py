"""How the queue does: what is open, how fast it is acknowledged and resolved, what comes back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Aggregate, Count, DurationField, Max, Q, Sum
from django.db.models.functions import Coalesce

from exceptions.days import Period
from exceptions.figures import Line, Number, Table, Times, Words, share
from exceptions.kinds import KINDS, NO_FAILURE
from exceptions.models import Reopening, TicketQuerySet
from exceptions.states import Status

# Days of age, both ends included, as the queue's filter counts them.
AGES: list[tuple[int, int | None]] = [(0, 0), (1, 2), (3, 6), (7, 13), (14, 29), (30, None)]
CAUSES = 10
OPEN, OPENED, ACKNOWLEDGED, RESOLVED = "Open", "Opened", "Acknowledged", "Resolved"
REOPENED, RATE, MINUTES = "Came back", "Reopen rate", "Human minutes"
_MODE_COLUMNS = (
    OPENED, ACKNOWLEDGED, f"{ACKNOWLEDGED}: median", f"{ACKNOWLEDGED}: p95",
    RESOLVED, f"{RESOLVED}: median", f"{RESOLVED}: p95", RATE, MINUTES,
)  # fmt: skip
_OPEN: Words = {"tab": "open"}
Mode = tuple[str, str]


@dataclass(frozen=True)
class Numbers:
    """One look at the queue: a line of it all, what is open, by failure mode, what recurs."""

    whole: Line
    open: list[Table]
    modes: Table
    causes: Table

    @property
    def tables(self) -> list[Table]:
        return [Table("In all", tuple(self.whole.numbers), [self.whole]), *self.open, self.modes,
                self.causes]  # fmt: skip

    @property
    def is_empty(self) -> bool:
        """There is nothing open, and nothing happened."""
        return not any(number.rows for number in self.whole.numbers.values())


class Percentile(Aggregate):
    function = "percentile_cont"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"

    def __init__(self, column: str, share: float) -> None:
        super().__init__(column, share=share, output_field=DurationField())


def of(tickets: TicketQuerySet, period: Period, *, at: datetime) -> Numbers:
    """The numbers of these tickets: as it stands now, and of what happened in the period."""
    tickets = tickets.order_by()
    ages, counted = _by_age(tickets, at), _Happened.within(tickets, period)
    return Numbers(
        whole=Line("", {**_open_ones(tickets), **counted.whole()}),
        open=[ages, _by_kind(tickets), _by_owner(tickets)],
        modes=Table("By failure mode", _MODE_COLUMNS, counted.lines()),
        causes=_causes(tickets, period),
    )


# --- What is open now ------------------------------------------------------------------------
def _open_ones(tickets: TicketQuerySet) -> dict[str, Number]:
    back = Count("pk", filter=Q(reopened__gt=0))
    found = tickets.unresolved().aggregate(all=Count("pk"), back=back)
    return {
        OPEN: Number(found["all"], found["all"], _OPEN),
        "Open, came back": Number(found["back"], found["back"], {**_OPEN, "reopened": "yes"}),
    }


def _by_age(tickets: TicketQuerySet, at: datetime) -> Table:
    bands = {str(place): Count("pk", filter=_aged(*band, at)) for place, band in enumerate(AGES)}
    found = tickets.unresolved().aggregate(**bands)
    lines = [_open_line(_age(*band), found[str(place)], **_age_words(*band))
             for place, band in enumerate(AGES)]  # fmt: skip
    return Table("Open by age", (OPEN,), lines)


def _by_kind(tickets: TicketQuerySet) -> Table:
    rows = tickets.unresolved().values_list("kind").annotate(n=Count("pk")).order_by("-n", "kind")
    return Table(
        "Open by kind", (OPEN,), [_open_line(KINDS[kind].label, n, kind=kind) for kind, n in rows]
    )


def _by_owner(tickets: TicketQuerySet) -> Table:
    """By who has them: the claimer, or the owner while nobody claimed it."""
    has = {"who": Coalesce("claimed_by", "owner"),
           "name": Coalesce("claimed_by__name", "owner__name")}  # fmt: skip
    rows = tickets.unresolved().values(**has).annotate(n=Count("pk")).order_by("-n", "name", "who")
    lines = [_open_line(row["name"], row["n"], has=row["who"]) for row in rows]
    return Table("Open by who has them", (OPEN,), lines)


def _open_line(label: str, n: int, **words: Any) -> Line:
    return Line(label, {OPEN: Number(n, n, {**_OPEN, **words})})


def _aged(first: int, last: int | None, at: datetime) -> Q:
    old_enough = Q(opened_at__lte=at - timedelta(days=first)) if first else Q()
    return (
        old_enough if last is None else old_enough & Q(opened_at__gt=at - timedelta(days=last + 1))
    )


def _age(first: int, last: int | None) -> str:
    if last is None:
        return f"{first} days or more"
    return "Less than a day" if not last else f"{first}–{last} days"


def _age_words(first: int, last: int | None) -> Words:
    return {**({"age_from": first} if first else {}), **({} if last is None else {"age_to": last})}


# --- What happened in the period -------------------------------------------------------------
@dataclass(frozen=True)
class _Happened:
    """What happened within some days, each by its failure mode, and all of it."""

    period: Period
    opened: dict[Mode, int]
    acknowledged: dict[Mode | None, dict[str, Any]]
    resolved: dict[Mode | None, dict[str, Any]]
    # Those with an answer of these days that did not last, and how many are not resolved in them.
    undone: dict[Mode | None, dict[str, Any]]

    @classmethod
    def within(cls, tickets: TicketQuerySet, period: Period) -> "_Happened":
        opened = tickets.filter(period.holds("opened_at"))
        undone = Reopening.objects.filter(period.holds("resolved_at")).values("ticket")
        is_resolved = Q(status=Status.RESOLVED) & period.holds("resolved_at")
        rows = opened.values_list("kind", "failure").annotate(n=Count("pk"))
        return cls(
            period,
            {(kind, failure): n for kind, failure, n in rows},
            _by_mode(tickets.filter(period.holds("first_acknowledged_at")),
                     **_times("acknowledged_within")),
            _by_mode(tickets.resolved().filter(period.holds("resolved_at")),
                     **_times("resolved_within"),
                     minutes=Sum("minutes_spent"), said=Count("minutes_spent")),
            _by_mode(tickets.filter(pk__in=undone), n=Count("pk"),
                     besides=Count("pk", filter=~is_resolved)),
        )  # fmt: skip

    def whole(self) -> dict[str, Number]:
        return self._numbers(None, sum(self.opened.values()))

    def lines(self) -> list[Line]:
        """Every failure mode of the period, those that opened most tickets first."""
        met = {*self.opened, *self.acknowledged, *self.resolved, *self.undone}
        modes = [(-self.opened.get(mode, 0), mode) for mode in met if mode]
        return [
            Line(KINDS[mode[0]].label, self._numbers(mode, -minus), sub=mode[1])
            for minus, mode in sorted(modes)
        ]

    def _numbers(self, mode: Mode | None, opened: int) -> dict[str, Number]:
        its = {} if mode is None else {"kind": mode[0], "failure": mode[1] or NO_FAILURE}
        acknowledged, resolved = self.acknowledged.get(mode, {}), self.resolved.get(mode, {})
        closed = {"tab": "resolved", **its, **self._days("resolved")}
        undone, said = self.undone.get(mode, {}), resolved.get("said", 0)
        answered = resolved.get("n", 0) + undone.get("besides", 0)
        return {
            OPENED: Number(opened, opened, {"tab": "all", **its, **self._days("opened")}),
            **_read(acknowledged).numbers(
                ACKNOWLEDGED, {"tab": "all", **its, **self._days("acknowledged")}
            ),
            **_read(resolved).numbers(RESOLVED, closed),
            RATE: share(
                undone.get("n", 0), answered, {"tab": "all", **its, **self._days("undone")}
            ),
            MINUTES: Number(
                resolved.get("minutes") or 0, said, {**closed, "minutes_from": 0}, "minutes"
            ),
        }

    def _days(self, what: str) -> Words:
        return {f"{what}_from": self.period.first, f"{what}_to": self.period.last}


def _times(column: str) -> dict[str, Any]:
    return {
        "n": Count("pk"), "measured": Count(column),
        "median": Percentile(column, 0.5), "p95": Percentile(column, 0.95),
    }  # fmt: skip


def _by_mode(rows: TicketQuerySet, **counted: Any) -> dict[Mode | None, dict[str, Any]]:
    """By kind and failure class; all of it under None."""
    found = rows.values("kind", "failure").annotate(**counted)
    by_mode: dict[Mode | None, dict[str, Any]] = {None: rows.aggregate(**counted)}
    return by_mode | {(row["kind"], row["failure"]): row for row in found}


def _read(row: dict[str, Any]) -> Times:
    return Times(*(row[name] for name in ("n", "measured", "median", "p95"))) if row else Times()


# --- What recurs -----------------------------------------------------------------------------
def _causes(tickets: TicketQuerySet, period: Period) -> Table:
    """Causes that opened more than one ticket in the period, or one that came back."""
    opened = tickets.filter(period.holds("opened_at"))
    back = Count("pk", filter=Q(reopened__gt=0))
    counted = opened.values("cause").annotate(n=Count("pk"), back=back, newest=Max("pk"))
    rows = counted.filter(Q(n__gt=1) | Q(back__gt=0)).order_by("-n", "-back", "-newest")
    lines = [_cause_line(row, period) for row in rows[:CAUSES]]
    return Table("Recurring causes", (OPENED, REOPENED), lines)


def _cause_line(row: dict[str, Any], period: Period) -> Line:
    words = {"tab": "all", "same_as": row["newest"], "opened_from": period.first,
             "opened_to": period.last}  # fmt: skip
    return Line(
        str(row["newest"]),
        {
            OPENED: Number(row["n"], row["n"], words),
            REOPENED: Number(row["back"], row["back"], {**words, "reopened": "yes"}),
        },
    )
