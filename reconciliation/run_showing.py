"""Runs and what is open per connection, as their pages show them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Max, QuerySet
from django.urls import reverse

from connectors.models import Connection, Sync
from meshline import masking
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, refusal_for, scope
from reconciliation import runs, trend
from reconciliation.kinds import KINDS
from reconciliation.models import Divergence, Run, Sort


@dataclass(frozen=True)
class Number:
    """A number, and where exactly its rows are; empty where there are none."""

    label: str
    number: int
    url: str = ""


@dataclass(frozen=True)
class Seen:
    """A run before one person's eyes."""

    run: Run
    why: str
    delta: str

    @property
    def kind(self) -> str:
        return KINDS[self.run.kind].many if self.run.kind in KINDS else self.run.kind

    @property
    def share(self) -> int | None:
        """How much of theirs is compared, in percent; None where nobody can say."""
        if self.run.state != Run.State.COMPARING or not self.run.there:
            return None
        return min(99, round(100 * self.run.compared / self.run.there))

    @property
    def found(self) -> int:
        return sum(self.run.counts.values())

    @property
    def counts(self) -> list[Number]:
        """How many of each sort, each with exactly its rows as far as they are still this run's."""
        return [
            Number(label, self.run.counts.get(sort, 0), _rows(run=self.run.pk, sort=sort))
            for sort, label in Sort.choices
        ]


@dataclass(frozen=True)
class Last:
    """The newest run of a kind; where that says nothing, the last one beside it that did."""

    seen: Seen
    good: Run | None


@dataclass(frozen=True)
class Uncompared:
    """A connection of which no run said anything yet: the one on its way, or why none can start."""

    connection: Connection
    run: Run | None
    refusal: str


@dataclass(frozen=True)
class Waiting:
    """What an open run reads theirs by; where it waits, why, since when, and when it goes on."""

    sync: Sync | None
    why: str = ""
    until: datetime | None = None
    since: datetime | None = None


@dataclass
class Standing:
    """A connection: what is open there, when it was compared last, and whether it can be now."""

    connection: Connection
    last: list[Last] = field(default_factory=list)
    open_by_severity: dict[str, int] = field(default_factory=dict)
    accepted: int = 0
    refusal: str = ""

    @property
    def numbers(self) -> list[Number]:
        slug = self.connection.slug
        return [
            Number(name, number, _rows(connection=slug, severity=name, state="open"))
            for name in ("high", "normal", "low")
            if (number := self.open_by_severity.get(name, 0))
        ]

    @property
    def kept(self) -> Number:
        url = _rows(connection=self.connection.slug, state="accepted")
        return Number("accepted", self.accepted, url)


def seen(run: Run, by: User) -> Seen:
    is_masked = scope(by, Permission.SEE_RUNS) is not Scope.ALL
    why = masking.words(run.why) if is_masked else run.why
    delta = trend.in_words(run.delta)
    return Seen(run, why, masking.MASK if is_masked and delta else delta)


def standings(by: User, *, at: datetime) -> list[Standing]:
    """Every connection that holds something to compare, with what is open there."""
    not_theirs = refusal_for(by, Permission.RUN_RECONCILIATION)
    found = {
        there.pk: Standing(there, refusal=not_theirs or runs.refusal(there, at=at))
        for there in runs.comparable()
    }
    good = {(run.connection_id, run.kind): run for run in _newest(Run.objects.conclusive())}
    for run in _newest(Run.objects.all()):
        before = good.get((run.connection_id, run.kind))
        last = Last(seen(run, by), before if before and before.pk != run.pk else None)
        found[run.connection_id].last.append(last)
    _count(found, by)
    return list(found.values())


def uncompared(by: User, *, at: datetime) -> list[Uncompared]:
    """Connections that hold something to compare and were never compared to the end."""
    not_theirs = refusal_for(by, Permission.RUN_RECONCILIATION)
    over = set(Run.objects.conclusive().order_by().values_list("connection", flat=True).distinct())
    never = [there for there in runs.comparable() if there.pk not in over]
    on_their_way = Run.objects.open().filter(connection__in=never).order_by("-pk")
    going = {run.connection_id: run for run in on_their_way}
    return [
        Uncompared(there, going.get(there.pk), not_theirs or runs.refusal(there, at=at))
        for there in never
    ]


def _newest(rows: QuerySet[Run]) -> QuerySet[Run]:
    """The newest of these of each kind."""
    newest = rows.order_by().values("connection", "kind").annotate(last=Max("pk")).values("last")
    return Run.objects.filter(pk__in=newest).select_related("connection").order_by("kind")


def _count(found: dict[int, Standing], by: User) -> None:
    mine = Divergence.objects.visible_to(by).unsettled()
    for row in mine.values("connection", "severity", "state").annotate(n=Count("pk")):
        standing = found[row["connection"]]
        if row["state"] == Divergence.State.ACCEPTED:
            standing.accepted += row["n"]
        elif row["state"] == Divergence.State.OPEN:
            severities = standing.open_by_severity
            severities[row["severity"]] = severities.get(row["severity"], 0) + row["n"]


def waits(found: Iterable[Run], by: User, *, at: datetime) -> dict[int, Waiting]:
    """What each of these waits for, by its id; those that go on or are over wait for nothing."""
    mine = [run for run in found if run.state in (Run.State.QUEUED, Run.State.READING)]
    if not mine:
        return {}
    syncs = Sync.objects.in_bulk([run.sync_id for run in mine if run.sync_id])
    others = Sync.objects.filter(state=Sync.State.RUNNING).select_related("connection")
    going = list(others.order_by("started_at", "pk"))
    is_masked = scope(by, Permission.SEE_RUNS) is not Scope.ALL
    return {
        run.pk: _waiting(run, syncs.get(run.sync_id or 0), going, is_masked, at) for run in mine
    }


def _waiting(
    run: Run, sync: Sync | None, going: list[Sync], is_masked: bool, at: datetime
) -> Waiting:
    there = run.connection
    if sync is None:
        is_taken = run.lease_until is not None and run.lease_until > at
        return Waiting(None, "" if is_taken else "No worker took it up yet.", since=run.asked_at)
    error = masking.words(sync.error) if is_masked else sync.error
    if not there.is_active:
        why = f"{there.name} is {there.status}: {there.status_why}".rstrip(": ")
        return Waiting(sync, why, since=run.asked_at)
    if there.breaker == Connection.Breaker.OPEN:
        why = f"{there.name} does not answer; it is asked every 30 s. {error}".strip()
        until = max(filter(None, (sync.next_attempt_at, there.next_probe_at)))
        since = max(filter(None, (run.asked_at, there.breaker_opened_at)))
        return Waiting(sync, why, until, since=since)
    if error:
        return Waiting(sync, error, sync.next_attempt_at)
    if sync.state == Sync.State.QUEUED:
        return _behind(sync, going, at)
    return Waiting(sync)


def _behind(sync: Sync, going: list[Sync], at: datetime) -> Waiting:
    """It was not begun: what is read before it."""
    for one in going:
        what = f"the {one.kind} of {one.connection.name}"
        if (one.connection_id, one.kind) == (sync.connection_id, sync.kind):
            why = f"It goes on after another look through {what}."
            return Waiting(sync, why, since=sync.asked_at)
        if one.lease_until is not None and one.lease_until > at:
            why = f"A page of {what} is read first; one is read at a time."
            return Waiting(sync, why, since=sync.asked_at)
    if sync.next_attempt_at > at:
        return Waiting(sync, "It is read a little later.", sync.next_attempt_at)
    return Waiting(sync, "No worker took it up yet.", since=sync.asked_at)


def refusals(run: Run, by: User) -> dict[str, str]:
    """Why not, for what may be done with a run; empty: go ahead."""
    return {
        "cancel": refusal_for(by, Permission.RUN_RECONCILIATION),
        "confirm": refusal_for(by, Permission.ACCEPT_DIVERGENCE),
    }


def _rows(**asked: Any) -> str:
    return f"{reverse('reconciliation:divergences')}?{urlencode(asked)}"
