"""The outbox: outcomes are claimed under a lease, carried from above, and acknowledged here.

1. `claim` takes the next due outcome and commits at once; the lease is on the row.
2. Whoever carries it comes back with what happened; only the holder of the lease is believed.
3. A lease that lapses is taken by the next claim and counted as a crash.

Whoever locks more than one row locks proposals first, then outcomes, each by their ids.
"""

import uuid
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from exceptions import troubles
from meshline import bell, bulk, prepared
from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.audit.models import TrailLine
from proposals import lateness, tiers
from proposals.contracts import promising
from proposals.lateness import CARRIER
from proposals.models import Outcome, Proposal
from proposals.models.outcome import OPEN, State
from proposals.tiers import Tier

CLAIMED_TOO_OFTEN = 3

_PROVEN = [
    "state", "proven_at", "delivered_at", "external_id", "last_error", "failure", "crashes",
    "lease_owner", "lease_until",
]  # fmt: skip


class LeaseLost(Exception):
    """Somebody else has the outcome by now: whoever hears this stops."""


# What may be carried now. Serial per proposal and connection: an earlier one that still waits holds
# the later ones back; a delivered one only waits for its proof and holds nobody.
CLAIMABLE = """
    o.state IN ('due', 'leased', 'delivered')
    AND o.next_attempt_at <= clock_timestamp()
    AND (o.state <> 'leased' OR o.lease_until < clock_timestamp())
    AND o.connection = ANY(%(connections)s)
    AND (NOT o.on_hold OR o.delivered_at IS NOT NULL)
    AND NOT EXISTS (
        SELECT 1 FROM proposals_outcome e
        WHERE e.proposal_id = o.proposal_id AND e.connection = o.connection
          AND e.id < o.id AND e.state IN ('due', 'leased', 'held') AND e.delivered_at IS NULL
    )
"""
_CLAIM = f"""
WITH next AS MATERIALIZED (
    SELECT o.id, o.first_tried_at IS NOT NULL AS was_tried
    FROM proposals_outcome o WHERE {CLAIMABLE} AND o.tier_rank <= %(slowest)s
    ORDER BY o.tier_rank, o.next_attempt_at, o.id
    LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
UPDATE proposals_outcome claimed SET
    state = 'leased', lease_owner = %(lease)s,
    lease_until = clock_timestamp() + %(seconds)s * interval '1 second',
    crashes = crashes + (state = 'leased')::int,
    attempts = attempts + (delivered_at IS NULL)::int,
    first_tried_at = coalesce(first_tried_at, clock_timestamp())
FROM next WHERE claimed.id = next.id
RETURNING claimed.*, next.was_tried
"""


def claim(
    connections: Collection[str], *, lease_seconds: int, slowest: Tier = Tier.DAILY
) -> Outcome | None:
    """The next due outcome for one of these connections, leased to the caller; None if none is.

    None of a slower tier than `slowest`.

    Runs outside any transaction, so that the claim is there for others before the call goes out.
    """
    claimed = claim_all(connections, lease_seconds=lease_seconds, most=1, slowest=slowest)
    return claimed[0] if claimed else None


def claim_all(
    connections: Collection[str], *, lease_seconds: int, most: int, slowest: Tier = Tier.DAILY
) -> list[Outcome]:
    """Up to `most` due outcomes for these connections, under one lease, in their order."""
    lease = uuid.uuid4()
    facts: dict[str, Any] = {
        "lease": lease,
        "seconds": lease_seconds,
        "connections": list(connections),
        "most": most,
        "slowest": tiers.RANK[slowest],
    }
    # As the claim itself left them: read again, a row might show another's lease, which whoever was
    # stopped after the claim would take for their own.
    return sorted(Outcome.objects.raw(_CLAIM, facts), key=_in_order)


def again(outcomes: Collection[Outcome]) -> list[Outcome]:
    """The same outcomes as they stand in the database, if the lease on them is still ours."""
    leases = {outcome.lease_owner for outcome in outcomes}
    ids = [outcome.pk for outcome in outcomes]
    held = Outcome.everything.filter(pk__in=ids, lease_owner__in=leases, state=State.LEASED)
    tried = {outcome.pk for outcome in outcomes if outcome.was_tried}
    for outcome in held:
        outcome.was_tried = outcome.pk in tried
    return sorted(held, key=_in_order)


def something_is_due(connections: Collection[str]) -> bool:
    """Whether `claim` would find something for one of these connections."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT 1 FROM proposals_outcome o WHERE {CLAIMABLE})",
            {"connections": list(connections)},
        )
        return bool(cursor.fetchone()[0])


def free_lapsed(*, after: float) -> int:
    """Take lapsed leases off their outcomes `after` so many seconds; how many there were.

    The next claim would do it by itself; but behind an open breaker, a pause or a long queue it may
    be long in coming. Whoever held the lease hears that it is lost, as always.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE proposals_outcome SET
                state = CASE WHEN delivered_at IS NOT NULL THEN 'delivered'
                    WHEN on_hold THEN 'held' ELSE 'due' END,
                lease_owner = NULL, lease_until = NULL, crashes = crashes + 1
            WHERE state = 'leased' AND lease_until < clock_timestamp() - %s * interval '1 second'
            """,
            [after],
        )
        return cursor.rowcount


@transaction.atomic
def mark_delivered(
    outcome: Outcome, *, external_id: str, prove_at: datetime, because: str = "", at: datetime
) -> None:
    """The other side said yes; the proof is still to come, at `prove_at`."""
    first = outcome.delivered_at is None
    outcome.state, outcome.delivered_at = State.DELIVERED, outcome.delivered_at or at
    outcome.external_id, outcome.next_attempt_at = external_id, prove_at
    outcome.last_error = because
    _acknowledge(outcome)
    if first:
        record("outcome.delivered", outcome, CARRIER, at, after={"id there": external_id})


@transaction.atomic
def mark_proven(
    outcome: Outcome, *, external_id: str, evidence: str, at: datetime,
    also: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """Read back from the other side: it is so. Tickets that waited for it close themselves.

    `also` writes what the carrier keeps of it, in the same transaction.
    """
    outcome.state, outcome.proven_at = State.PROVEN, at
    outcome.delivered_at = outcome.delivered_at or at
    outcome.external_id, outcome.last_error, outcome.failure = external_id, "", ""
    _acknowledge(outcome)
    record("outcome.proven", outcome, CARRIER, at, after={"id there": external_id}, why=evidence)
    troubles.settle(subject=outcome.ref, because=evidence, by=CARRIER, at=at)
    if outcome.unwanted_at is not None:
        promising.undo(outcome, at=at)
    also()
    bell.ring("outbox")


@transaction.atomic
def mark_all_proven(outcomes: list[Outcome], evidence: dict[int, str], *, at: datetime) -> None:
    """As `mark_proven`, set-based: all that are still under their one lease, or LeaseLost.

    For what is carried in one transaction with its proof; `evidence` is by the outcome's id.
    """
    _hold_still(outcomes)
    held = Outcome.objects.filter(
        pk__in=[outcome.pk for outcome in outcomes],
        lease_owner=outcomes[0].lease_owner,
        state=State.LEASED,
    )
    if len(held.select_for_update().order_by("pk").values_list("pk")) != len(outcomes):
        raise LeaseLost("Some of these outcomes are somebody else's by now.")
    for outcome in outcomes:
        outcome.state, outcome.proven_at = State.PROVEN, at
        outcome.delivered_at = outcome.delivered_at or at
        outcome.last_error, outcome.failure, outcome.crashes = "", "", 0
        outcome.lease_owner = outcome.lease_until = None
    bulk.update(outcomes, _PROVEN)
    trail.record_all(
        _line(
            "outcome.proven", outcome, CARRIER, at,
            after={"id there": outcome.external_id}, why=evidence[outcome.pk],
        )
        for outcome in outcomes
    )  # fmt: skip
    _end_all(outcomes, evidence, at)
    bell.ring("outbox")


@transaction.atomic
def postpone(
    outcome: Outcome, *, until: datetime, because: str, failure: str, uses_up_try: bool,
    at: datetime,
) -> None:  # fmt: skip
    """Not this time; again at `until`. A postponed delivery that nobody wants any more ends."""
    outcome.state = State.DELIVERED if outcome.delivered_at else State.DUE
    outcome.next_attempt_at, outcome.last_error, outcome.failure = until, because, failure
    outcome.first_failed_at = outcome.first_failed_at or at
    outcome.tries += uses_up_try
    outcome.waits += 1
    _acknowledge(outcome)
    _end_if_unwanted(outcome, at)


@transaction.atomic
def give_up(
    outcome: Outcome, *, because: str, failure: str, at: datetime, kind: str = "delivery-failed",
    again: str = "",
) -> None:  # fmt: skip
    """It will not work by itself: a ticket, at once. `again` says what a retry may do, if more."""
    outcome.state, outcome.last_error, outcome.failure = State.GIVEN_UP, because, failure
    outcome.tries += 1
    _acknowledge(outcome)
    if _end_if_unwanted(outcome, at):
        return
    record("outcome.given-up", outcome, CARRIER, at, why=because)
    lateness.open_ticket(outcome, kind, because, at, again=again)


@transaction.atomic
def put_back(outcome: Outcome, *, until: datetime, because: str, at: datetime) -> None:
    """Not carried after all (the connection is held): as if it had not been claimed."""
    outcome.state = State.DELIVERED if outcome.delivered_at else State.DUE
    outcome.next_attempt_at, outcome.last_error = until, because
    outcome.attempts -= outcome.delivered_at is None
    _acknowledge(outcome)
    _end_if_unwanted(outcome, at)


@transaction.atomic
def call_off(outcome: Outcome, *, at: datetime) -> None:
    """Claimed, but no longer wanted: not carried, and what a lost try may have made is undone."""
    outcome.state = State.DUE
    _acknowledge(outcome)
    _end_if_unwanted(outcome, at)


def lock(proposals: QuerySet[Proposal], outcomes: QuerySet[Outcome]) -> None:
    """Hold these until the end of the transaction, in the order in which everybody locks them."""
    list(proposals.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    list(outcomes.select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def hurry(*, connection: str, at: datetime) -> int:
    """What waits for this connection is due now; how many they are."""
    later = Outcome.objects.filter(connection=connection, next_attempt_at__gt=at)
    bell.ring("outbox")
    return later.filter(state__in=[State.DUE, State.DELIVERED]).update(next_attempt_at=at)


@transaction.atomic
def play_role(*, role: str, slug: str, at: datetime) -> int:
    """A connection now plays `role`: what was promised while nobody did goes to it."""
    waiting = Outcome.objects.filter(target=role, connection="", state__in=OPEN)
    bell.ring("outbox")
    return waiting.update(connection=slug, next_attempt_at=at)


def record(
    what: str, outcome: Outcome, by: Someone, at: datetime, *, before: dict | None = None,
    after: dict | None = None, why: str = "",
) -> None:  # fmt: skip
    """A line of an outcome's story on the trail; a synthetic one has none."""
    if not outcome.is_synthetic:
        trail.record_all([_line(what, outcome, by, at, before=before, after=after, why=why)])


# Due again, unless its proposal came on hold while it was being carried: asked of the very row that
# is written, so that no hold slips in between.
_ACKNOWLEDGE = """
UPDATE proposals_outcome SET
    state = CASE WHEN %(state)s = 'due' AND on_hold THEN 'held' ELSE %(state)s END,
    lease_owner = NULL, lease_until = NULL, crashes = 0, next_attempt_at = %(next_attempt_at)s,
    attempts = %(attempts)s, tries = %(tries)s, waits = %(waits)s,
    first_failed_at = %(first_failed_at)s,
    delivered_at = %(delivered_at)s, proven_at = %(proven_at)s, external_id = %(external_id)s,
    last_error = %(last_error)s, failure = %(failure)s
WHERE id = %(id)s AND lease_owner = %(lease_owner)s AND state = 'leased'
RETURNING unwanted_at, unwanted_why
"""
_SAID = (
    "id", "lease_owner", "state", "next_attempt_at", "attempts", "tries", "waits",
    "first_failed_at", "delivered_at", "proven_at", "external_id", "last_error", "failure",
)  # fmt: skip


def _acknowledge(outcome: Outcome) -> None:
    """Write the carrier's word, if the lease is still theirs. Raises LeaseLost if not.

    The outcome knows then whether it is still wanted: others may have written that meanwhile.
    """
    _hold_still([outcome])
    said = {name: getattr(outcome, name) for name in _SAID}
    written = prepared.rows(_ACKNOWLEDGE, said | {"state": str(outcome.state)})
    if not written:
        raise LeaseLost(f"{outcome} is somebody else's by now.")
    outcome.unwanted_at, outcome.unwanted_why = written[0]


def _hold_still(outcomes: Iterable[Outcome]) -> None:
    """Lock the proposals of what may be taken back, so that no hold is set or lifted meanwhile.

    What takes it back is a new row: a hold that was set beside it would not see it and let it go
    out, one that was lifted would leave it waiting for ever.
    """
    ids = {outcome.proposal_id for outcome in outcomes if outcome.undo}
    if ids:
        rows = Proposal.objects.select_for_update(no_key=True).filter(pk__in=ids)
        list(rows.order_by("pk").values_list("pk"))


def _end_if_unwanted(outcome: Outcome, at: datetime) -> bool:
    """The story moved on while this was being carried: it is called off, or undone."""
    if outcome.unwanted_at is None:
        return False
    if outcome.delivered_at is None:
        Outcome.objects.filter(pk=outcome.pk).update(state=State.CANCELLED)
        record("outcome.called-off", outcome, CARRIER, at, why=outcome.unwanted_why)
        troubles.settle(subject=outcome.ref, because=outcome.unwanted_why, by=CARRIER, at=at)
    promising.undo(outcome, at=at)
    bell.ring("outbox")
    return True


def _end_all(proven: list[Outcome], evidence: dict[int, str], at: datetime) -> None:
    """Tickets that waited for these close themselves; what nobody wants any more is undone."""
    by_ref = {outcome.ref: outcome for outcome in proven}
    for ref in troubles.hanging(by_ref):
        troubles.settle(subject=ref, because=evidence[by_ref[ref].pk], by=CARRIER, at=at)
    for outcome in Outcome.objects.filter(pk__in=evidence, unwanted_at__isnull=False):
        promising.undo(outcome, at=at)


def _in_order(outcome: Outcome) -> tuple[int, datetime, int]:
    return outcome.tier_rank, outcome.next_attempt_at, outcome.pk


def _line(
    what: str, outcome: Outcome, by: Someone, at: datetime, *, before: dict | None = None,
    after: dict | None = None, why: str = "",
) -> TrailLine:  # fmt: skip
    return trail.line(
        what, subject=outcome, record=outcome.record, by=by, at=at,
        before=before, after={"outcome": outcome.kind, **(after or {})}, why=why,
        cause=f"signal:{outcome.signal_id}",
    )  # fmt: skip
