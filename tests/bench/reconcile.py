"""Reconciliation: proposals against a CRM's and a billing tool's snapshot, with differences planted
in them, beside one full outer join over the same tables, written by hand.

RECONCILE_ROWS says how many proposals: 100,000 by itself.
"""

import os
import resource
import time

from django.db import connection, transaction

from connectors.models import Snapshot
from meshline import instant
from reconciliation import comparing, running
from reconciliation.models import Divergence, Run
from tests import factories
from tests.bench import reconcile_rows
from tests.bench.report import Ratio
from tests.bench.rig import Rig

ROWS = int(os.environ.get("RECONCILE_ROWS", "100000"))
TIMES = 3


def run(bed: Rig) -> list[Ratio]:
    """A tenth of them first, for the memory; then all, each kind beside its own join."""
    factories.hubspot()
    factories.stripe(credential="rk_test_nothing")
    few = _measured(ROWS // 10)
    held = _peak()
    many = _measured(ROWS)
    print(f"reconcile: peak memory {held:,.0f} MB at {ROWS // 10:,}, {_peak():,.0f} MB at {ROWS:,}")
    memory = Ratio("reconcile: peak memory ÷ at a tenth", _peak(), held, "MB", at_most=1.2)
    print(f"reconcile: a tenth of it {few['deals'][0]:.2f} s and {few['invoices'][0]:.2f} s")
    return [
        *(
            Ratio(f"reconcile: {ROWS:,} {kind} ÷ a join by hand", ours, limit, "s", at_most=1.5)
            for kind, (ours, limit) in many.items()
        ),
        memory,
    ]


def _measured(count: int) -> dict[str, tuple[float, float]]:
    reconcile_rows.empty()
    made = reconcile_rows.fill(count, at=instant.now())
    return {kind: _both(kind, made[kind], count) for kind in made}


def _both(kind: str, snapshot: Snapshot, count: int) -> tuple[float, float]:
    """Seconds of a run and of the join, the better of a few each, in turn."""
    ours, by_hand = [], []
    for _ in range(TIMES):
        ours.append(_run(kind, snapshot, count))
        by_hand.append(_join(kind, snapshot, count))
    return min(ours), min(by_hand)


def _run(kind: str, snapshot: Snapshot, count: int) -> float:
    """A run from its first batch until everything it found is reported, and exactly that is."""
    Divergence.objects.filter(kind=kind).update(state="gone", gone_at=instant.now())
    at = instant.now()
    run = Run.objects.create(
        connection=snapshot.connection, kind=kind, asked_at=at, next_step_at=at, started_at=at,
        state=Run.State.COMPARING, snapshot_id=snapshot.pk, read_at=snapshot.begun_at,
    )  # fmt: skip
    started = time.perf_counter()
    while running.step_next():
        pass
    took = time.perf_counter() - started
    run.refresh_from_db()
    found, expected = sum(run.counts.values()), reconcile_rows.planted(count, kind)
    assert run.state == Run.State.DONE, run.why
    assert (found, run.sightings.count()) == (expected, expected), run.counts
    return took


def _join(kind: str, snapshot: Snapshot, count: int) -> float:
    """The same differences as one statement into a table of its own."""
    started = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', %s, true)", [comparing._MEMORY])
        cursor.execute(f"CREATE TEMP TABLE by_hand ON COMMIT DROP AS {_BY_HAND[kind]}",
                       {"snapshot": snapshot.pk})  # fmt: skip
        cursor.execute("SELECT count(*) FROM by_hand")
        found = cursor.fetchone()[0]
    took = time.perf_counter() - started
    assert found == reconcile_rows.planted(count, kind), found
    return took


_KEY = "r.fields ->> 'proposal'"
_BY_HAND = {
    "deals": f"""
        WITH beside AS (
            SELECT p.*, r.*
            FROM (
                SELECT p.id, p.title, p.amount, p.currency, p.state, p.changed_at, p.source,
                    p.external_id, u.email AS owner_email,
                    CASE WHEN p.state IN ('closed-won', 'closed-lost') THEN p.state ELSE 'open' END
                        AS closed
                FROM proposals_proposal p JOIN people_user u ON u.id = p.owner_id
            ) p FULL OUTER JOIN (
                SELECT {_KEY} AS key, count(*) OVER (PARTITION BY {_KEY}) AS n,
                    row_number() OVER (PARTITION BY {_KEY}) AS place,
                    r.fields ->> 'title' AS its_title, r.fields ->> 'state' AS its_state,
                    lower(r.fields ->> 'owner_email') AS its_owner,
                    CASE lower(r.fields ->> 'stage') WHEN 'closedwon' THEN 'closed-won'
                        WHEN 'closedlost' THEN 'closed-lost' ELSE 'open' END AS its_closed,
                    r.amount_minor AS its_minor, r.currency AS its_currency, r.fields
                FROM connectors_snapshotrow r WHERE r.snapshot_id = %(snapshot)s
            ) r ON r.key = p.source || ':' || p.external_id
        )
        SELECT id, key, 'missing-there' AS sort, '' AS field, '' AS ours, '' AS theirs
        FROM beside WHERE key IS NULL
        UNION ALL SELECT id, key, 'missing-here', '', '', '' FROM beside WHERE id IS NULL
        UNION ALL SELECT id, key, 'duplicate', '', '', n::text FROM beside WHERE n > 1 AND place = 1
            AND id IS NOT NULL
        UNION ALL SELECT id, key,
            CASE WHEN (fields ->> 'changed_at')::timestamptz < changed_at THEN 'stale'
                ELSE 'different' END, f.field, f.ours, f.theirs
        FROM beside CROSS JOIN LATERAL (VALUES
            ('title', title, its_title), ('state', state, its_state),
            ('stage', closed, its_closed), ('owner_email', lower(owner_email), its_owner),
            ('amount', trunc(amount * 100) || ' ' || currency, its_minor || ' ' || its_currency)
        ) f (field, ours, theirs)
        WHERE id IS NOT NULL AND n = 1 AND f.ours IS DISTINCT FROM f.theirs
    """,
    "invoices": f"""
        WITH beside AS (
            SELECT p.*, r.* FROM proposals_proposal p FULL OUTER JOIN (
                SELECT {_KEY} AS key, sum(r.amount_minor) AS its_minor,
                    min(r.currency) AS its_currency, count(DISTINCT r.currency) AS currencies,
                    min(r.fields ->> 'contact_email') AS its_contact,
                    CASE WHEN count(*) = 1 THEN min(r.fields ->> 'state') END AS its_state
                FROM connectors_snapshotrow r WHERE r.snapshot_id = %(snapshot)s
                  AND r.fields ->> 'state' NOT IN ('void', 'draft') GROUP BY 1
            ) r ON r.key = p.source || ':' || p.external_id
        )
        SELECT id, key, 'missing-there' AS sort, '' AS field, '' AS ours, '' AS theirs
        FROM beside WHERE key IS NULL
        UNION ALL SELECT id, key, 'missing-here', '', '', '' FROM beside WHERE id IS NULL
        UNION ALL SELECT id, key, 'different', f.field, f.ours, f.theirs
        FROM beside CROSS JOIN LATERAL (VALUES
            ('amount', trunc(amount * 100) || ' ' || currency, its_minor || ' ' || its_currency),
            ('invoiced', trunc(invoiced * 100) || ' ' || invoiced_currency,
             its_minor || ' ' || its_currency),
            ('contact_email', lower(contact_email), lower(its_contact)),
            ('invoice_status', invoice_status, coalesce(its_state, invoice_status))
        ) f (field, ours, theirs)
        WHERE id IS NOT NULL AND key IS NOT NULL AND f.ours IS DISTINCT FROM f.theirs
    """,
}


def _peak() -> float:
    """The most that this process ever held, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
