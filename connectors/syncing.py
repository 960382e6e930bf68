"""Reading page by page: each page is fetched, taken in and written down as one step.

1. A sync is claimed for the length of a page: one statement, committed at once.
2. The page is fetched, with nothing locked.
3. What it holds and how far it was read are kept together, if the claim still holds: whoever was
   killed, cancelled or overtaken in between has read for nothing, and the next one reads it again.
"""

import time
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from connectors import backoff, delivery, finds, health, registry, snapshots, sync_troubles
from connectors.base import Trouble
from connectors.models import Sync, SyncCursor
from connectors.polls import Asked, Mode, Page
from meshline import instant
from meshline.audit.actors import part
from meshline.vault import VaultError
from proposals.tiers import Tier

LOOKER = part("syncs", "Looking through the other systems")
# The last call of a page begins within it, and has so long: a job is stopped after thirty.
PAGE_SECONDS, CALL_SECONDS = 8.0, 10.0
CRASHES_MOST = 3
# After a failed try. The clock asks anew in a few minutes anyway; what people ask for tries longer.
_WAITS = backoff.waits_of(Tier.MINUTES)
SHORT, LONG = _WAITS[:4], _WAITS[:7]

# What may be read now. An open breaker lets one through every 30 s: with nothing to carry, nobody
# else would find out that the other side answers again.
_DUE = """
    FROM connectors_sync s
    JOIN connectors_connection c ON c.id = s.connection_id AND c.status = 'active'
        AND (c.breaker = 'closed' OR c.next_probe_at <= clock_timestamp())
    WHERE s.state IN ('queued', 'running') AND s.next_attempt_at <= clock_timestamp()
      AND (s.lease_until IS NULL OR s.lease_until < clock_timestamp())
      AND (s.state = 'running' OR NOT EXISTS (
          SELECT 1 FROM connectors_sync r
          WHERE r.connection_id = s.connection_id AND r.kind = s.kind AND r.state = 'running'
      ))
      -- One page at a time: however slow they all are, one worker waits for them and no more.
      AND NOT EXISTS (
          SELECT 1 FROM connectors_sync r
          WHERE r.state = 'running' AND r.lease_until > clock_timestamp()
      )
"""
_CLAIM = f"""
WITH due AS MATERIALIZED (
    SELECT s.id, c.id AS connection {_DUE}
    ORDER BY s.next_attempt_at, s.id LIMIT 1 FOR UPDATE OF s SKIP LOCKED
), probe AS (
    UPDATE connectors_connection SET next_probe_at = clock_timestamp() + %(probe)s
    FROM due WHERE connectors_connection.id = due.connection AND breaker = 'open'
)
UPDATE connectors_sync s SET
    state = 'running', started_at = coalesce(started_at, clock_timestamp()),
    lease_owner = %(lease)s, lease_until = clock_timestamp() + %(seconds)s * interval '1 second',
    crashes = crashes + (lease_until IS NOT NULL)::int
FROM due WHERE s.id = due.id
RETURNING s.id
"""


class Overtaken(Exception):
    """Somebody else reads on, or nobody is to: nothing of this page is kept."""


def something_is_due() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT 1 {_DUE})")
        return bool(cursor.fetchone()[0])


def read_next() -> bool:
    """Read the next page of whatever is due; False when nothing is."""
    sync = claim()
    if sync is None:
        return False
    if sync.crashes >= CRASHES_MOST:
        why = f"Whoever read its next page died over it, {sync.crashes} times."
        _end(sync, Sync.State.FAILED, why, at=instant.now())
        return True
    try:
        page = fetch(sync)
    except Trouble as trouble:
        _note_trouble(sync, trouble, at=instant.now())
    except VaultError as error:
        _end(sync, Sync.State.FAILED, str(error), at=instant.now())
    else:
        _keep(sync, page)
    return True


def claim() -> Sync | None:
    """Take the next that is due; None when there is none, or somebody was faster."""
    facts: dict[str, Any] = {
        "lease": uuid.uuid4(), "seconds": settings.LEASE_SECONDS, "probe": health.PROBE_EVERY,
    }  # fmt: skip
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_CLAIM, facts)
            found = cursor.fetchone()
    except IntegrityError:
        # Two of one kind were queued, and each taken by one of us: one of them runs.
        return None
    return Sync.objects.select_related("connection").get(pk=found[0]) if found else None


def fetch(sync: Sync) -> Page:
    """Ask the other system for the next page. Raises Trouble."""
    there = sync.connection
    system = registry.system(there.system)
    poll = system.poll(sync.kind, sync.mode)
    if poll is None:
        raise Trouble(f"{system.name} has no {sync.kind}.", failure="unknown", permanent=True)
    ends_at = time.monotonic() + PAGE_SECONDS
    client = delivery.client_of(system, there, at=instant.now(), deadline=CALL_SECONDS)
    client.caller.ends_at = ends_at + CALL_SECONDS
    asked = Asked(sync.since, sync.until, sync.place, ends_at, system.told(there.options))
    try:
        return poll.page(client, asked)
    except Trouble as trouble:
        trouble.credential = client.caller.credential
        raise


def _keep(sync: Sync, page: Page) -> None:
    at = instant.now()
    try:
        with transaction.atomic():
            held = _held(sync)
            _take_in(held, page, at)
            _write_down(held, page, at)
    except Overtaken:
        return
    if page.is_last:
        health.note_page(sync.connection, at=at)
    else:
        health.note_success(sync.connection.slug, at=at)


def _held(sync: Sync) -> Sync:
    """The row, locked, if it is still ours."""
    rows = Sync.objects.select_for_update(of=("self",)).select_related("connection")
    held = rows.filter(
        pk=sync.pk, lease_owner=sync.lease_owner, state=Sync.State.RUNNING
    ).first()  # fmt: skip
    if held is None:
        raise Overtaken
    return held


def _take_in(sync: Sync, page: Page, at: datetime) -> None:
    if sync.mode == Mode.FULL:
        snapshots.keep(sync, page.finds)
        return
    kept = finds.take(sync, page.finds, at=at)
    sync.brought += kept.brought
    sync.known += kept.known


def _write_down(sync: Sync, page: Page, at: datetime) -> None:
    """How far it was read; after the last page, that everything was."""
    sync.pages, sync.records = sync.pages + 1, sync.records + len(page.finds)
    sync.place, sync.failures, sync.crashes, sync.error = page.place, 0, 0, ""
    sync.note = page.note or sync.note
    sync.newest = max(filter(None, (sync.newest, page.newest)), default=None)
    sync.next_attempt_at = at + timedelta(seconds=page.breather)
    sync.lease_owner = sync.lease_until = None
    if page.is_last:
        sync.state, sync.finished_at, sync.complete = Sync.State.DONE, at, True
        sync_troubles.settle(sync, at=at)
        snapshots.finish(sync)
    sync.save()
    _move_cursor(sync, page, at)


def _move_cursor(sync: Sync, page: Page, at: datetime) -> None:
    """On by what was read to its end, and never back."""
    cursor = SyncCursor.objects.filter(connection=sync.connection, kind=sync.kind).first()
    if cursor is None:
        return
    cursor.quota = page.quota
    if sync.complete and sync.mode == Mode.INCREMENTAL:
        cursor.looked_at = at
        cursor.at = max(filter(None, (cursor.at, sync.newest)))
        cursor.seen = page.place.get("seen", {})
    cursor.save(update_fields=["quota", "looked_at", "at", "seen"])


def _note_trouble(sync: Sync, trouble: Trouble, *, at: datetime) -> None:
    """Wait as asked, try again by the table, or give up."""
    if trouble.credentials and trouble.credential is not None:
        _wait(sync, str(trouble), timedelta(0), at=at)
        slug, credential = sync.connection.slug, trouble.credential
        health.credentials_refused(slug, str(trouble), credential=credential, at=at)
        return
    if trouble.permanent or trouble.credentials:
        _end(sync, Sync.State.FAILED, str(trouble), failure=trouble.failure, at=at)
        return
    asked_for = min(timedelta(seconds=trouble.retry_after or 0), backoff.LONGEST_RETRY_AFTER)
    if trouble.status == backoff.TOO_MANY:
        # It says nothing of this page: it waits, however often.
        _wait(sync, str(trouble), max(asked_for, SHORT[0]), at=at)
        return
    there, why = sync.connection, str(trouble)
    health.note_page(there, failure=trouble.failure, sentence=why, at=at)
    waits = SHORT if sync.asked_by_id is None and sync.mode == Mode.INCREMENTAL else LONG
    if waits is SHORT and there.slug in health.down():
        # Held, not failed: that it does not answer is told once, whatever is looked through.
        _wait(sync, why, health.PROBE_EVERY, at=at)
        return
    if sync.failures >= len(waits):
        _end(sync, Sync.State.FAILED, str(trouble), failure=trouble.failure, at=at)
        return
    _wait(sync, str(trouble), max(asked_for, waits[sync.failures]), at=at, failures=1)


def _wait(sync: Sync, why: str, wait: timedelta, *, at: datetime, failures: int = 0) -> None:
    _fenced(
        sync, error=why, next_attempt_at=at + wait, failures=sync.failures + failures, crashes=0
    )


@transaction.atomic
def _end(sync: Sync, state: str, why: str, *, at: datetime, failure: str = "") -> None:
    if _fenced(sync, state=state, error=why, finished_at=at):
        sync_troubles.tell(sync, why, failure=failure, by=LOOKER, at=at)


def _fenced(sync: Sync, **changes: Any) -> bool:
    """Change the row if it is still ours, and let go of it."""
    held = Sync.objects.filter(
        pk=sync.pk, lease_owner=sync.lease_owner, state=Sync.State.RUNNING
    )  # fmt: skip
    return bool(held.update(lease_owner=None, lease_until=None, **changes))
