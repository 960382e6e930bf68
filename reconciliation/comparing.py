"""Comparing: our proposals against a snapshot of theirs, in the database, batch by batch.

1. A batch is a span of keys of one source, with about SIZE records on either side: both sides are
   read by their index, whatever else there is.
2. One statement joins both sides of it fully, and writes down what differs as the run's findings.
   What it does not find costs nothing but the look.
3. Where the next batch begins is the last key of this one: whoever was killed in between has done
   nothing, for findings and place are written together.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from meshline.policy.models import SourceOfTruth
from meshline.policy.tolerance import Tolerance
from proposals.authority import RECORD
from proposals.states import CLOSED
from reconciliation import sides
from reconciliation.kinds import As, Field, Kind

# So many records of either side are compared at a time, in seconds. Keys are as good as random, so
# each record is in a block of its own: ten small batches would read all blocks ten times.
SIZE = 500_000
# What changed longer ago is over, unless it is open.
RECENT = timedelta(days=30)
# What does not fit is sorted and joined on disk: a batch takes no more, however large it is.
_MEMORY = "64MB"


@dataclass(frozen=True)
class Place:
    """Where the next batch begins: behind this key of this source; None before the first one."""

    source: str | None = None
    document: str | None = None

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Place":
        return cls(kept.get("source"), kept.get("document"))

    def keep(self) -> dict[str, Any]:
        return {"source": self.source, "document": self.document}


@dataclass(frozen=True)
class Asked:
    """What is compared with what: a kind of record of one connection, as it stood at `begun`."""

    run: int
    kind: Kind
    connection: int
    slug: str
    snapshot: int
    begun: datetime
    # Only what changed since then, or is open; None: all.
    since: datetime | None
    tolerances: Mapping[str, Tolerance]
    # What each stage of a deal says: won, lost or open; of others nothing is known.
    stages: Mapping[str, str] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "run": self.run, "kind": self.kind.name, "connection": self.connection,
            "slug": self.slug, "snapshot": self.snapshot, "begun": self.begun,
            "since": self.since, "closed": list(map(str, CLOSED)),
            "stages": json.dumps(dict(self.stages)),
        }  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """How many were compared, how many of ours are known over there, how many differ at all."""

    compared: int = 0
    known: int = 0
    gone: int = 0
    apart: int = 0


def tolerances() -> dict[str, Tolerance]:
    """What is agreed to pass as equal, by the line of the authority table."""
    rows = SourceOfTruth.objects.filter(record_kind=RECORD)
    return {row.field: row.tolerance for row in rows}


# --- Batch by batch ------------------------------------------------------------------------------
def compare_next(asked: Asked, place: Place) -> tuple[Batch, Place | None]:
    """Compare the next span; what came of it, and where to go on (None: that was the last)."""
    source = place.source if place.document is not None else _next_source(asked, place.source)
    if source is None:
        return Batch(), None
    end = _end_of_span(asked, source, place.document)
    found = _compare(asked, source, place.document, end)
    return found, Place(source, end)


def _next_source(asked: Asked, after: str | None) -> str | None:
    """The next that brought proposals, or is named over there."""
    if not asked.kind.names_ours:
        return asked.slug if after is None else None
    facts = {**asked.facts, "after": after or ""}
    beyond = "true" if after is None else "{} > %(after)s"
    return _one(
        f"""
        SELECT least(
            (SELECT p.source FROM proposals_proposal p
             WHERE NOT p.is_synthetic AND {beyond.format("p.source")} ORDER BY p.source LIMIT 1),
            (SELECT {asked.kind.source} FROM connectors_snapshotrow r
             WHERE r.snapshot_id = %(snapshot)s AND {asked.kind.named}
               AND {beyond.format(asked.kind.source)}
             ORDER BY r.snapshot_id, {asked.kind.source} LIMIT 1)
        )
        """,
        facts,
    )


def _end_of_span(asked: Asked, source: str, after: str | None) -> str | None:
    """The last key of a span with about SIZE of either side; None: to the end of the source.

    Ours are counted by their index alone. Theirs that name a proposal of ours are about as many in
    the same span, and to count them takes a look at each row: only behind the last of ours, where
    nothing else says how many there are.
    """
    kind, facts = asked.kind, {**asked.facts, "source": source, "lo": after, "size": SIZE}
    ours = f"""
        SELECT p.external_id FROM proposals_proposal p
        WHERE p.source = %(source)s AND {_span("p.external_id", after, None)}
        ORDER BY p.external_id OFFSET %(size)s - 1 LIMIT 1
    """
    if kind.names_ours and (end := _one(ours, facts)) is not None:
        return end
    # Which comes first, the database says: by the order in which it keeps them.
    return _one(
        f"""
        SELECT least(({ours}), (
            SELECT {kind.document} FROM connectors_snapshotrow r
            WHERE {_in_source(kind)} AND {_span(kind.document, after, None)}
            ORDER BY {kind.document} OFFSET %(size)s - 1 LIMIT 1
        ))
        """,
        facts,
    )


def _compare(asked: Asked, source: str, after: str | None, end: str | None) -> Batch:
    facts = {**asked.facts, "source": source, "lo": after, "hi": end}
    statement = _statement(asked, after, end)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', %s, true)", [_MEMORY])
        cursor.execute(statement, facts)
        return Batch(*cursor.fetchone())


def _one(statement: str, facts: Mapping[str, Any]) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, dict(facts))
        row = cursor.fetchone()
    return row[0] if row else None


# --- The statement -------------------------------------------------------------------------------
def _span(column: str, after: str | None, end: str | None) -> str:
    bounds = [
        f"{column} > %(lo)s" if after is not None else "true",
        f"{column} <= %(hi)s" if end is not None else "true",
    ]
    return " AND ".join(bounds)


def _in_source(kind: Kind) -> str:
    named = f"r.snapshot_id = %(snapshot)s AND {kind.named}"
    return f"{named} AND {kind.source} = %(source)s" if kind.names_ours else named


def _statement(asked: Asked, after: str | None, end: str | None) -> str:
    """Both sides of a span, joined fully; what differs written down, and everything counted."""
    kind = asked.kind
    all_sides = [
        sides.sides(one, asked.tolerances.get(one.agreed, sides.EXACT), adds_up=kind.adds_up)
        for one in kind.fields
    ]
    same = " AND ".join(one.is_same for one in all_sides)
    return f"""
    WITH {_linked(kind, after, end)} ours AS MATERIALIZED ({_ours(asked, after, end)}),
    theirs AS ({_theirs(kind, after, end)}),
    apart AS MATERIALIZED (
        SELECT {_columns("o", kind)}, {_columns("t", kind)}
        FROM ours o FULL OUTER JOIN theirs t ON o.key = t.key
        WHERE o.key IS NULL OR (o.covered AND (t.key IS NULL OR t.n <> 1 OR NOT ({same})))
    ),
    found AS ({_found(asked, all_sides)}),
    put AS (
        INSERT INTO reconciliation_finding (
            run_id, proposal_id, external_id, sort, field, ours, theirs, ours_raw, theirs_raw,
            at_risk, currency, severity, cause
        )
        SELECT %(run)s, proposal, left(coalesce(pk, ''), 200), sort, field,
            left(coalesce(ours, ''), 500), left(coalesce(theirs, ''), 500),
            left(coalesce(ours_raw, ''), 2000), left(coalesce(theirs_raw, ''), 2000),
            at_risk, coalesce(risk_currency, ''), severity, left(cause, 120)
        FROM found f WHERE proposal IS NULL OR NOT {_WRITTEN_SINCE}
        RETURNING proposal_id, external_id, sort
    ), ended AS (
        SELECT count(DISTINCT coalesce(proposal_id::text, 'there:' || external_id)) AS apart,
            count(*) FILTER (WHERE sort = 'missing-there') AS gone
        FROM put
    )
    SELECT (SELECT count(*) FROM ours WHERE covered) - unmatched,
        (SELECT count(*) FROM ours WHERE covered) - unmatched + gone, gone, apart
    FROM ended, (
        SELECT count(*) AS unmatched FROM apart WHERE o_key IS NOT NULL AND coalesce(t_n, 0) = 0
    ) nobody
    """


# Read before it was written: the snapshot does not say how it stands since.
_WRITTEN_SINCE = """EXISTS (
    SELECT FROM proposals_outcome w WHERE w.proposal_id = f.proposal AND w.connection = %(slug)s
      AND w.delivered_at >= %(begun)s
)"""


def _ours(asked: Asked, after: str | None, end: str | None) -> str:
    columns = ", ".join(sides.our_columns(asked.kind))
    recent = "AND (p.changed_at >= %(since)s OR p.state <> ALL(%(closed)s))" if asked.since else ""
    return f"""
        SELECT p.id, p.external_id AS key, p.changed_at, p.state, p.invoice_status,
            p.changed_at <= %(begun)s {recent} AS covered, {columns}
        FROM proposals_proposal p {asked.kind.beside}
        WHERE p.source = %(source)s AND NOT p.is_synthetic
            AND {_span("p.external_id", after, end)}
    """


def _theirs(kind: Kind, after: str | None, end: str | None) -> str:
    where = f"{_in_source(kind)} AND {_span(kind.document, after, end)}"
    columns = ", ".join(sides.their_columns(kind))
    if kind.adds_up:
        rows = _rows(kind, lambda document: _span(document, after, end))
        return f"""
            SELECT r.document AS key, 1::bigint AS n, min(r.external_id) AS pk,
                1::bigint AS place, NULL::jsonb AS fields, {columns}
            FROM ({rows}) r WHERE {kind.counts} GROUP BY 1
        """
    if not kind.names_ours:
        number, place = "1::bigint", "1::bigint"
    else:
        number = f"count(*) OVER (PARTITION BY {kind.document})"
        place = f"row_number() OVER (PARTITION BY {kind.document})"
    return f"""
        SELECT {kind.document} AS key, {number} AS n, r.external_id AS pk, {place} AS place,
            r.fields, {columns}
        FROM connectors_snapshotrow r WHERE {where}
    """


def _rows(kind: Kind, which: Callable[[str], str]) -> str:
    """Theirs that belong to our documents: by the name they bear, or as they were linked."""
    return f"""
        SELECT {_TOLD}, {kind.document} AS document FROM connectors_snapshotrow r
        WHERE {_in_source(kind)} AND {which(kind.document)}
        UNION ALL
        SELECT {_TOLD}, r.document FROM linked r WHERE {which("r.document")}
    """


_TOLD = "r.external_id, r.fields, r.currency, r.amount_minor"


def one_by_one(kind: Kind, chosen: str) -> str:
    """These columns of theirs (`r`) that belong to the document `%(document)s`, as a statement."""
    return f"""
        WITH {_linked(kind, None, None)} its AS ({_rows(kind, "{} = %(document)s".format)})
        SELECT {chosen} FROM its r ORDER BY r.external_id LIMIT %(most)s
    """


def _linked(kind: Kind, after: str | None, end: str | None) -> str:
    """Of theirs that bear no name of ours those that the crosswalk knows all the same: what a
    person linked is as much ours as what we made."""
    if not kind.adds_up:
        return ""
    return f"""linked AS MATERIALIZED (
        SELECT {_TOLD}, p.external_id AS document
        FROM connectors_snapshotrow r
        JOIN connectors_recordlink l ON l.connection_id = %(connection)s
          AND l.kind = '{kind.one}' AND l.external_id = r.external_id
        JOIN proposals_proposal p ON p.id = {_OF_RECORD}
        WHERE r.snapshot_id = %(snapshot)s AND {kind.named} AND {kind.source} = ''
          AND p.source = %(source)s AND NOT p.is_synthetic AND {_span("p.external_id", after, end)}
    ),"""


_OF_RECORD = """CASE WHEN l.record ~ '^proposal:[0-9]{1,18}$'
    THEN split_part(l.record, ':', 2)::bigint END"""


def _names(side: str, kind: Kind) -> list[str]:
    if side == "o":
        own = ["id", "key", "changed_at", "state", "invoice_status"]
        money = ["o_{}", "ou_{}", "oc_{}"]
    else:
        own, money = ["key", "n", "pk", "place", "fields"], ["t_{}", "tu_{}", "tc_{}"]
    named = [
        shape.format(one.name)
        for one in kind.fields
        for shape in (money if one.how is As.MONEY else money[:1])
    ]
    return [*own, *named]


def _columns(side: str, kind: Kind) -> str:
    return ", ".join(f"{side}.{name} AS {side}_{name}" for name in _names(side, kind))


def _side(side: str, kind: Kind) -> str:
    """One side of what is apart, under the names it had before they were joined."""
    return ", ".join(f"{side}_{name} AS {name}" for name in _names(side, kind))


_CHANGED = r"""(CASE WHEN t.fields ->> 'changed_at' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d'
    THEN (t.fields ->> 'changed_at')::timestamptz END)"""


def _found(asked: Asked, all_sides: list[sides.Sides]) -> str:
    """What is apart, one row a finding: different, several, missing there, missing here."""
    kind = asked.kind
    both = f"""FROM apart a
        CROSS JOIN LATERAL (SELECT {_side("o", kind)}) o
        CROSS JOIN LATERAL (SELECT {_side("t", kind)}) t"""
    values = ", ".join(_value(one, kind) for one in all_sides)
    money = sides.sides(kind.money, adds_up=kind.adds_up)
    grave = "high" if kind.is_money else "normal"
    raw = _their_raw(kind.money, kind)
    return f"""
        SELECT o.id AS proposal, t.pk, v.field,
            CASE WHEN {_CHANGED} < o.changed_at THEN 'stale' ELSE 'different' END AS sort,
            v.ours, v.theirs, v.ours_raw, v.theirs_raw, v.at_risk, v.risk_currency, v.severity,
            v.cause
        {both} CROSS JOIN LATERAL (VALUES {values}) AS v (
            field, is_same, ours, theirs, ours_raw, theirs_raw, at_risk, risk_currency, severity,
            cause
        )
        WHERE o.id IS NOT NULL AND t.n = 1 AND NOT v.is_same
        UNION ALL
        SELECT o.id, string_agg(t.pk, ', ' ORDER BY t.pk), '', 'duplicate', '1',
            count(*)::text, max(o.key), string_agg(t.pk, ', ' ORDER BY t.pk), NULL, '', 'normal',
            'several over there'
        {both} WHERE o.id IS NOT NULL AND t.n > 1 GROUP BY o.id
        UNION ALL
        SELECT o.id, '', '', 'missing-there', {money.ours}, '', o.o_{kind.money.name}::text, '',
            trunc(o.ou_{kind.money.name})::bigint, o.oc_{kind.money.name}, '{grave}',
            'not over there'
        {both} WHERE o.id IS NOT NULL AND coalesce(t.n, 0) = 0 AND {kind.expected}
            AND NOT {_UNDER_ANOTHER_NAME}
        UNION ALL
        SELECT NULL, t.pk, '', 'missing-here', '', {money.theirs}, '', {raw},
            trunc(t.tu_{kind.money.name})::bigint, t.tc_{kind.money.name}, '{grave}',
            'not here'
        {both} WHERE o.id IS NULL AND t.n > 0 {_recent_there(asked)} {_named_there(kind)}
            AND NOT EXISTS ({_LINKED})
        UNION ALL
        SELECT l.id, t.pk, 'proposal', 'different', l.key, {_NAMES}, l.key, {_NAMES},
            NULL, '', 'normal', 'it names another proposal, or none'
        {both} CROSS JOIN LATERAL ({_LINKED}) l WHERE o.id IS NULL AND t.n > 0
    """


def _their_raw(field: Field, kind: Kind) -> str:
    """As they wrote it; of several that add up, each."""
    if field.written:
        return field.written
    if not (kind.adds_up and field.how is As.MONEY):
        return f"t.t_{field.name}"
    return f"""(
        SELECT string_agg(concat_ws(' ', r.fields ->> 'amount', r.currency), ' + '
            ORDER BY r.external_id)
        FROM ({_rows(kind, "{} = t.key".format)}) r WHERE {kind.counts}
    )"""


def _value(one: sides.Sides, kind: Kind) -> str:
    name, is_money = one.field.name, one.field.how is As.MONEY
    raw = (
        f"concat_ws(' ', o.o_{name}::text, nullif(o.oc_{name}, ''))"
        if is_money
        else f"o.o_{name}::text"
    )
    graver = "normal" if one.field.how is As.STATE else "low"
    severity = "high" if is_money else graver
    theirs = _their_raw(one.field, kind)
    return f"""('{name}', {one.is_same}, {one.ours}, {one.theirs}, {raw}, {theirs},
        {one.at_risk}, {one.currency}, '{severity}', {one.cause})"""


# It is there, but names another proposal or none: that is what differs, and it is not missing.
_UNDER_ANOTHER_NAME = """EXISTS (
    SELECT FROM connectors_recordlink l JOIN connectors_snapshotrow s
      ON s.snapshot_id = %(snapshot)s AND s.external_id = l.external_id
    WHERE l.connection_id = %(connection)s AND l.record = 'proposal:' || o.id AND l.kind = 'deal'
)"""


_LINKED = f"""
    SELECT p.id, p.source || ':' || p.external_id AS key
    FROM connectors_recordlink l JOIN proposals_proposal p ON p.id = {_OF_RECORD}
    WHERE l.connection_id = %(connection)s AND l.kind = 'deal' AND l.external_id = t.pk
      AND %(kind)s = 'deals' AND p.changed_at <= %(begun)s
"""
_NAMES = "coalesce(t.fields ->> 'proposal', '')"


def _recent_there(asked: Asked) -> str:
    """What nobody here knows, and has not changed for long, is no news. What does not say, is."""
    if asked.since is None:
        return ""
    return f"AND coalesce({_CHANGED} >= %(since)s, true)"


def _named_there(kind: Kind) -> str:
    """Invoices that name no proposal are other business's."""
    return "AND %(source)s <> ''" if kind.adds_up else ""
