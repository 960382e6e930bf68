"""Concluding a run: what it found becomes divergences, and what it finds no more is gone.

Only a run that read everything, and compared it to the end, says so. Of a record that it did not
cover, it says nothing either way.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet

from meshline.audit import trail
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from proposals.states import CLOSED
from reconciliation import comparing, missed, runs
from reconciliation.kinds import KINDS
from reconciliation.models import Divergence, Finding, Run, Sort

# More of ours than that are not gone at once without somebody having said so.
MOST_GONE = 0.2
# So few may be.
FEW_GONE = 2
State = Run.State


def conclude(run: Run, *, at: datetime) -> None:
    """The last batch was compared: report, or ask first where too much is gone."""
    gone, known = newly_gone(run)
    if asks(gone, known):
        run.state, run.lease_owner, run.lease_until = State.ASKS, None, None
        run.why = (
            f"{gone:,} of {known:,} records known to be in {run.connection.name} are not "
            "there any more. Somebody says first whether they are really gone; until then nothing "
            "is reported."
        )
        run.save()
        return
    report(run, at=at)


def newly_gone(run: Run) -> tuple[int, int]:
    """How many are gone that nobody knew to be, and of how many that were there till now."""
    mine = Divergence.objects.unsettled().filter(connection=run.connection_id, kind=run.kind)
    reported = mine.filter(sort=Sort.MISSING_THERE, proposal=OuterRef("proposal"))
    gone = Finding.objects.filter(run=run, sort=Sort.MISSING_THERE)
    known_gone = gone.filter(Exists(reported)).count()
    return run.gone - known_gone, run.known - known_gone


def asks(gone: int, known: int) -> bool:
    """Whether so many at once are more likely a mistake than so."""
    return gone > FEW_GONE and gone > known * MOST_GONE


@transaction.atomic
def confirm(*, run_id: int, reason: str, by: User, at: datetime) -> Run:
    """They are really gone: report what was found. Raises RunError."""
    permissions.check(by, Permission.ACCEPT_DIVERGENCE)
    # In their order, so that two answers at once wait for each other.
    asking = list(_asking(Run.objects.get(pk=run_id)))
    run = runs.locked(run_id)
    if run.state != State.ASKS:
        raise runs.RunError(f"It asks nothing: it is {run.get_state_display().lower()}.")
    if not reason.strip():
        raise runs.RunError("Say how you know that they are really gone.")
    run.ended_by = by.name
    run.why = f"{by.name} said that they are really gone: {reason.strip()}"[:2000]
    report(run, at=at)
    for other in asking:
        _answer_too(other, run, at)
    trail.record(
        "run.confirmed", subject=run, by=by, at=at, why=reason.strip()[:2000],
        after={"connection": run.connection.slug, "kind": run.kind, "gone": run.gone},
    )  # fmt: skip
    return run


def report(run: Run, *, at: datetime) -> None:
    """What was found is so, what was not found any more is over; and the run is done."""
    run.counts, run.delta = _counts(run), _delta(run)
    run.state, run.finished_at = State.DONE, at
    run.lease_owner = run.lease_until = None
    run.save()
    _run(_KEEP, run, at)
    _run(_SEEN, run, at)
    _run(_CLOSE, run, at)
    run.findings.all().delete()
    missed.settle(run, at=at)
    for other in _asking(run).filter(pk__lt=run.pk):
        why = f"Run {run.pk} came later and says how it stands."
        runs.end(other, State.INCONCLUSIVE, why, at=at)


def _asking(run: Run) -> QuerySet[Run]:
    """The runs of its kind that ask, locked."""
    rows = Run.objects.filter(connection=run.connection_id, kind=run.kind, state=State.ASKS)
    locked = rows.select_for_update(of=("self",), no_key=True).select_related("connection")
    return locked.order_by("pk")


def _answer_too(other: Run, run: Run, at: datetime) -> None:
    """A later one that asks of nothing else has its answer."""
    if other.pk > run.pk and not asks(*newly_gone(other)):
        other.ended_by, other.why = run.ended_by, f"What is gone was confirmed with run {run.pk}."
        report(other, at=at)


def _counts(run: Run) -> dict[str, int]:
    counts: dict[str, int] = {}
    for sort in Finding.objects.filter(run=run).values_list("sort", flat=True).iterator():
        counts[sort] = counts.get(sort, 0) + 1
    return counts


def _delta(run: Run) -> dict[str, int]:
    """By how much both sides are apart, by currency, in minor units; each record once a field."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT currency, sum(at_risk)::bigint FROM reconciliation_finding"
            " WHERE run_id = %s AND at_risk IS NOT NULL GROUP BY 1 ORDER BY 1",
            [run.pk],
        )
        return dict(cursor.fetchall())


# What is found again is the same divergence; what was accepted only until now is open again.
_KEEP = """
INSERT INTO reconciliation_divergence (
    connection_id, kind, record, proposal_id, external_id, sort, field, ours, theirs, ours_raw,
    theirs_raw, at_risk, currency, severity, cause, first_run_id, last_run_id, first_at, last_at,
    state, why, accepted_why, fixed_to, is_asked, stood, is_told
)
SELECT %(connection)s, %(kind)s,
    CASE WHEN proposal_id IS NULL THEN %(one)s || ':' || external_id
        ELSE 'proposal:' || proposal_id END,
    proposal_id, external_id, sort, field, ours, theirs, ours_raw, theirs_raw, at_risk, currency,
    severity, cause, %(run)s, %(run)s, %(at)s, %(at)s, 'open', '', '', '', false,
    '{}', false
FROM reconciliation_finding WHERE run_id = %(run)s ORDER BY id
ON CONFLICT (connection_id, kind, record, sort, field) WHERE NOT state = 'gone' DO UPDATE SET
    external_id = excluded.external_id, ours = excluded.ours, theirs = excluded.theirs,
    ours_raw = excluded.ours_raw, theirs_raw = excluded.theirs_raw, at_risk = excluded.at_risk,
    currency = excluded.currency, severity = excluded.severity, cause = excluded.cause,
    last_run_id = excluded.last_run_id, last_at = excluded.last_at,
    state = CASE WHEN reconciliation_divergence.state = 'accepted'
            AND reconciliation_divergence.accepted_until <= excluded.last_at THEN 'open'
        WHEN reconciliation_divergence.state = 'fixing'
            AND reconciliation_divergence.fixed_at < %(read)s AND NOT EXISTS (
                SELECT FROM proposals_outcome w WHERE w.id = reconciliation_divergence.outcome_id
                  AND w.state IN ('due', 'leased', 'held')
            ) THEN 'open'
        ELSE reconciliation_divergence.state END
"""
_SEEN = """
INSERT INTO reconciliation_sighting (run_id, divergence_id)
SELECT %(run)s, id FROM reconciliation_divergence WHERE last_run_id = %(run)s
"""
# Covered is a record of ours that was compared, and one of theirs that is gone, or known here now.
_CLOSE = """
UPDATE reconciliation_divergence d SET state = 'gone', gone_at = %(at)s,
    why = CASE WHEN state = 'fixing' THEN 'Proven: both sides are equal.'
        ELSE 'It was not found any more.' END
WHERE d.connection_id = %(connection)s AND d.kind = %(kind)s AND d.state <> 'gone'
  AND d.last_run_id <> %(run)s
  AND CASE WHEN d.proposal_id IS NOT NULL THEN EXISTS (
        SELECT FROM proposals_proposal p WHERE p.id = d.proposal_id AND p.changed_at <= %(read)s
          AND (%(since)s::timestamptz IS NULL OR p.changed_at >= %(since)s
               OR p.state <> ALL(%(closed)s))
          AND NOT EXISTS (
              SELECT FROM proposals_outcome w WHERE w.proposal_id = p.id
                AND w.connection = %(slug)s AND w.delivered_at >= %(read)s
          )
    ) ELSE EXISTS (SELECT FROM connectors_snapshot s WHERE s.id = %(snapshot)s) AND (
        %(since)s::timestamptz IS NULL OR NOT EXISTS (
            SELECT FROM connectors_snapshotrow r
            WHERE r.snapshot_id = %(snapshot)s AND r.external_id = d.external_id
        ) OR EXISTS ({known})
    ) END
"""
_KNOWN = """
    SELECT FROM connectors_snapshotrow r JOIN proposals_proposal p
      ON p.source = {source} AND p.external_id = {document}
    WHERE r.snapshot_id = %(snapshot)s AND r.external_id = d.external_id
"""


def _run(statement: str, run: Run, at: datetime) -> None:
    kind = KINDS[run.kind]
    known = _KNOWN.format(source=kind.source, document=kind.document)
    with connection.cursor() as cursor:
        cursor.execute(statement.replace("{known}", known), _facts(run, at))


def _facts(run: Run, at: datetime) -> Mapping[str, Any]:
    since = run.asked_at - comparing.RECENT if run.scope == Run.Scope.RECENT else None
    return {
        "run": run.pk, "connection": run.connection_id, "kind": run.kind, "at": at,
        "one": KINDS[run.kind].one, "read": run.read_at, "since": since,
        "closed": list(map(str, CLOSED)), "snapshot": run.snapshot_id,
        "slug": run.connection.slug,
    }  # fmt: skip


def open_ones(run: Run) -> int:
    """How many of its kind are not settled."""
    mine = Divergence.objects.unsettled().filter(connection=run.connection_id, kind=run.kind)
    return mine.count()
