"""Carrying a run on, step by step: each is claimed under a lease, and written down as a whole.

1. A run is claimed for the length of a step: one statement, committed at once.
2. First it waits for a snapshot that was begun after it was asked for, and asks for one.
3. Then it compares batch by batch; findings and place are written together, if the claim still
   holds: whoever was killed, cancelled or overtaken in between has compared for nothing.
4. With the last batch it concludes: only now anybody hears of what was found.
"""

import time
import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from connectors import snapshots, syncs
from connectors.models import Connection, Snapshot, SnapshotRow, Sync
from connectors.syncs import SyncError
from meshline import instant
from reconciliation import comparing, concluding, runs, stages
from reconciliation.comparing import Asked, Place
from reconciliation.kinds import KINDS
from reconciliation.models import Run

# A step begins no other batch after so long: a job is stopped after thirty seconds.
STEP_SECONDS = 8.0
CRASHES_MOST = 3
# How soon one looks again whether theirs is read.
LOOK_AGAIN = timedelta(seconds=2)
State = Run.State

_DUE = """
    FROM reconciliation_run r
    WHERE r.state IN ('queued', 'reading', 'comparing')
      AND r.next_step_at <= clock_timestamp()
      AND (r.lease_until IS NULL OR r.lease_until < clock_timestamp())
"""
_CLAIM = f"""
WITH due AS MATERIALIZED (
    SELECT r.id {_DUE} ORDER BY r.next_step_at, r.id LIMIT 1 FOR UPDATE OF r SKIP LOCKED
)
UPDATE reconciliation_run r SET
    started_at = coalesce(started_at, clock_timestamp()),
    lease_owner = %(lease)s, lease_until = clock_timestamp() + %(seconds)s * interval '1 second',
    crashes = crashes + (lease_until IS NOT NULL)::int
FROM due WHERE r.id = due.id
RETURNING r.id
"""


class Overtaken(Exception):
    """Somebody else carries it on, or nobody is to: nothing of this step is kept."""


def something_is_due() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT 1 {_DUE})")
        return bool(cursor.fetchone()[0])


def step_next() -> bool:
    """Carry on whatever is due by one step; False when nothing is."""
    run = claim()
    if run is None:
        return False
    with suppress(Overtaken):
        _step(run)
    return True


def claim() -> Run | None:
    """Take the next that is due; None when there is none, or somebody was faster."""
    facts: dict[str, Any] = {"lease": uuid.uuid4(), "seconds": settings.LEASE_SECONDS}
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, facts)
        found = cursor.fetchone()
    return Run.objects.select_related("connection").get(pk=found[0]) if found else None


def _step(run: Run) -> None:
    if run.crashes >= CRASHES_MOST:
        why = f"Whoever carried it on died over it, {run.crashes} times."
        _end(run, why)
    elif run.state == State.COMPARING:
        _compare(run)
    else:
        _read(run)


# --- Theirs is read first --------------------------------------------------------------------
@transaction.atomic
def _read(run: Run) -> None:
    """Wait for a snapshot that was begun after the run was asked for."""
    run, at = _held(run), instant.now()
    if why := _disabled(run):
        runs.end(run, State.INCONCLUSIVE, why, at=at)
        return
    found = snapshots.newest_complete(run.connection_id, run.kind)
    if found is not None and found.begun_at >= run.asked_at:
        _begin(run, found, at)
        return
    sync = Sync.objects.filter(pk=run.sync_id or 0).first()
    if sync is None or (not sync.is_open and sync.asked_at < run.asked_at):
        sync = _ask_for_snapshot(run, at)
    if sync is None:
        return
    if not sync.is_open and not sync.complete:
        runs.end(run, State.INCONCLUSIVE, _why_incomplete(run, sync), at=at)
        return
    run.sync_id, run.state, run.next_step_at = sync.pk, State.READING, at + LOOK_AGAIN
    _let_go(run)


def _ask_for_snapshot(run: Run, at: datetime) -> Sync | None:
    """The sync that reads it; where it cannot be read, that ends the run."""
    try:
        asked = syncs.snapshot(slug=run.connection.slug, by=None, at=at)
    except SyncError as error:
        runs.end(run, State.INCONCLUSIVE, str(error), at=at)
        return None
    mine = next((sync for sync in asked if sync.kind == run.kind), None)
    if mine is None:
        why = f"{run.connection.name} lets nobody read all of its {run.kind}."
        runs.end(run, State.INCONCLUSIVE, why, at=at)
    return mine


def _why_incomplete(run: Run, sync: Sync) -> str:
    their = f"The {run.kind} of {run.connection.name} were not read to the end"
    nothing = "so it says nothing of what is missing."
    if sync.state == Sync.State.CANCELLED:
        return f"{their}: {sync.ended_by} cancelled that, {nothing}"
    return f"{their}, {nothing} {sync.error}".strip()


def _begin(run: Run, found: Snapshot, at: datetime) -> None:
    run.state, run.snapshot_id, run.read_at = State.COMPARING, found.pk, found.begun_at
    run.there = SnapshotRow.objects.filter(snapshot=found).count()
    run.next_step_at = at
    _let_go(run)


# --- Then it is compared ---------------------------------------------------------------------
def _compare(run: Run) -> None:
    """Batch by batch, for the length of a step."""
    until = time.monotonic() + STEP_SECONDS
    while compare_batch(run):
        if time.monotonic() > until:
            Run.objects.filter(pk=run.pk, lease_owner=run.lease_owner).update(
                lease_owner=None, lease_until=None, crashes=0
            )
            return


@transaction.atomic
def compare_batch(claimed: Run) -> bool:
    """Compare the next span under this claim; False once the run is over."""
    run, at = _held(claimed), instant.now()
    if why := _why_not(run):
        runs.end(run, State.INCONCLUSIVE, why, at=at)
        return False
    batch, place = comparing.compare_next(asked_of(run), Place.read(run.place))
    run.compared += batch.compared
    run.known += batch.known
    run.gone += batch.gone
    run.apart += batch.apart
    if place is None:
        concluding.conclude(run, at=at)
        return False
    run.place, run.batches = place.keep(), run.batches + 1
    # The claim goes on with every batch that is written down.
    run.lease_until = at + timedelta(seconds=settings.LEASE_SECONDS)
    run.save()
    return True


def asked_of(run: Run) -> Asked:
    """What the run compares with what."""
    assert run.snapshot_id is not None
    assert run.read_at is not None
    recent = run.scope == Run.Scope.RECENT
    return Asked(
        run=run.pk, kind=KINDS[run.kind], connection=run.connection_id,
        slug=run.connection.slug, snapshot=run.snapshot_id, begun=run.read_at,
        since=run.asked_at - comparing.RECENT if recent else None,
        tolerances=comparing.tolerances(), stages=stages.of(run.connection),
    )  # fmt: skip


def _why_not(run: Run) -> str:
    """Why it cannot go on, as a sentence; what it compares with stays until the batch is over."""
    if why := _disabled(run):
        return why
    kept = Snapshot.objects.select_for_update(no_key=True).filter(pk=run.snapshot_id or 0)
    if not kept.exists():
        return "What it was comparing with was replaced by something newer meanwhile."
    return ""


# --- Underneath ------------------------------------------------------------------------------
def _disabled(run: Run) -> str:
    there = run.connection
    if there.status != Connection.Status.DISABLED:
        return ""
    return f"{there.name} was disabled meanwhile, so nothing is said of its {run.kind}."


def _held(run: Run) -> Run:
    """The row, locked, if it is still ours."""
    rows = Run.objects.select_for_update(of=("self",), no_key=True).select_related("connection")
    held = rows.filter(pk=run.pk, lease_owner=run.lease_owner, state__in=Run.OPEN).first()
    if held is None:
        raise Overtaken
    return held


def _let_go(run: Run) -> None:
    run.lease_owner = run.lease_until = None
    run.crashes = 0
    run.save()


@transaction.atomic
def _end(run: Run, why: str) -> None:
    runs.end(_held(run), State.INCONCLUSIVE, why, at=instant.now())
