"""Runs: when a connection is compared with us, by the clock and for people, and when that ends."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction

from connectors import syncs
from connectors.models import Connection
from meshline import bell
from meshline.audit import trail
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy.models import Company
from reconciliation import kinds, missed
from reconciliation.kinds import Kind
from reconciliation.models import Run

BELL = "runs"
# The clock asks within a minute; later than that after its hour, it had been down.
MISSED_AFTER = timedelta(hours=1)
LONGEST_REASON = 300
State, Scope = Run.State, Run.Scope


class RunError(Exception):
    """Why nothing is compared, as a sentence."""


# --- By the clock ----------------------------------------------------------------------------
def queue_due(*, at: datetime) -> int:
    """Ask for the day's runs once their hour has come; how many were asked for."""
    company = Company.objects.get()
    day = at.astimezone(ZoneInfo(company.zone)).date()
    due = due_at(day, hour=company.reconciles_at, zone=company.zone)
    # An hour that was agreed when it was past already counts from then on.
    due = max(filter(None, (due, company.reconciles_since)))
    if due > at:
        return 0
    asked = [_ask_for_day(there, kind, day, due, at) for there, kind in _compared(due, at)]
    if any(asked):
        bell.ring(BELL)
    return sum(asked)


def due_at(day: date, *, hour: time, zone: str) -> datetime:
    """The moment of that hour of that day. On the day that has it twice, the first one; on the day
    that leaves it out, as long after midnight as on every other."""
    return datetime.combine(day, hour, ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))


def _compared(due: datetime, at: datetime) -> Iterator[tuple[Connection, Kind]]:
    """What there was to compare with at that hour, and was not disabled since."""
    there_then = Connection.objects.exclude(status=Connection.Status.DISABLED)
    for there in there_then.filter(created_at__lt=due).order_by("pk"):
        if syncs.has_credential(there, at=at):
            yield from ((there, kind) for kind in kinds.of_system(there.system))


@transaction.atomic
def _ask_for_day(there: Connection, kind: Kind, day: date, due: datetime, at: datetime) -> bool:
    mine = Run.objects.filter(connection=there, kind=kind.name)
    if mine.filter(day=day).exists():
        return False
    # One that somebody asked for just now is the day's as well: two at once are one.
    if mine.open().filter(day=None).update(day=day):
        return False
    last = mine.filter(day__lt=day).order_by("-day").first()
    skipped = last is not None and last.day is not None and last.day < day - timedelta(days=1)
    was_missed = at - due > MISSED_AFTER or skipped
    run = Run(connection=there, kind=kind.name, day=day, asked_at=at, was_missed=was_missed)
    if not _add(run):
        return False
    if was_missed:
        missed.tell(run, due=due, last=last, at=at)
    return True


# --- For people ------------------------------------------------------------------------------
@transaction.atomic
def ask(
    *, slug: str, kind: str = "", scope: str = Scope.RECENT, by: User | None, at: datetime
) -> list[Run]:
    """Compare a connection now, every kind of its records or one. One that is open already is the
    same; `by` nobody is the command line."""
    if by is not None:
        permissions.check(by, Permission.RUN_RECONCILIATION)
    there = Connection.objects.select_for_update(no_key=True).get(slug=slug)
    if why_not := refusal(there, at=at):
        raise RunError(why_not)
    asked = [one for one in kinds.of_system(there.system) if kind in ("", one.name)]
    if not asked:
        raise RunError(f"{there.name} has no {kind} to compare.")
    made = [_ask(there, one, scope, by, at) for one in asked]
    bell.ring(BELL)
    return made


def refusal(there: Connection, *, at: datetime) -> str:
    """Why it cannot be compared now, whoever asks; empty when it can."""
    if not kinds.of_system(there.system):
        return f"{there.name} holds nothing that is compared."
    return syncs.refusal(there, at=at)


def comparable() -> list[Connection]:
    """The connections that hold something to compare."""
    systems = {kind.system for kind in kinds.KINDS.values()}
    return list(Connection.objects.filter(system__in=systems).order_by("name", "pk"))


@transaction.atomic
def cancel(*, run_id: int, by: User, at: datetime) -> Run:
    """Stop it: nothing it found so far is reported, and nothing closes."""
    permissions.check(by, Permission.RUN_RECONCILIATION)
    run = locked(run_id)
    if not run.is_open and run.state != State.ASKS:
        raise RunError(f"It is {run.get_state_display().lower()} already.")
    end(run, State.CANCELLED, "", at=at, by=by)
    trail.record(
        "run.cancelled", subject=run, by=by, at=at,
        after={"connection": run.connection.slug, "kind": run.kind, "compared": run.compared},
    )  # fmt: skip
    return run


def locked(run_id: int) -> Run:
    rows = Run.objects.select_for_update(of=("self",), no_key=True).select_related("connection")
    return rows.get(pk=run_id)


def end(run: Run, state: str, why: str, *, at: datetime, by: User | None = None) -> None:
    """It is over without a word on the records; what it found so far goes."""
    run.findings.all().delete()
    run.state, run.why, run.finished_at = state, why, at
    run.ended_by = by.name if by else ""
    run.lease_owner = run.lease_until = None
    run.save()


def _ask(there: Connection, kind: Kind, scope: str, by: User | None, at: datetime) -> Run:
    run = Run(connection=there, kind=kind.name, scope=scope, asked_by=by, asked_at=at)
    while not _add(run):
        # It may end between the two looks: then there is room for this one.
        open_one = Run.objects.open().filter(connection=there, kind=kind.name).first()
        if open_one is not None:
            return open_one
    after = {"connection": there.slug, "kind": kind.name, "scope": scope}
    if by is not None:
        trail.record("run.asked", subject=run, by=by, at=at, after=after)
    return run


def _add(run: Run) -> bool:
    """Write it down, unless one of its day or an open one is there: the database sees to that."""
    run.next_step_at = run.asked_at
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError:
        return False
    return True
