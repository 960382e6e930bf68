"""Syncs: when a connection is looked through, by the clock and for people, and when it ends."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from connectors import registry
from connectors.base import POLL_EVERY, System
from connectors.keyset import Walk
from connectors.models import Connection, Secret, Snapshot, Sync, SyncCursor
from connectors.polls import Mode, Poll
from meshline import bell
from meshline.audit import trail
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission

# Read again before the cursor each time: their clocks differ between their own servers, a search
# shows a change some time after it was made, and what was being written then bears an earlier time.
OVERLAP = timedelta(minutes=10)
# The clock leaves the latest alone: its webhook is on the way.
GRACE = timedelta(minutes=1)
# So far back a person may ask.
LONGEST = timedelta(days=366)


class SyncError(Exception):
    """Why a connection is not looked through, as a sentence."""


# --- By the clock ----------------------------------------------------------------------------
def queue_due(*, at: datetime) -> int:
    """Ask for every poll that is due; how many were asked for."""
    queued = 0
    for there, system in _polled(at):
        every = interval(there, system)
        for poll in system.polls:
            if every and Mode.INCREMENTAL in poll.modes:
                queued += _queue_if_due(there, poll, every, at)
    if queued:
        bell.ring("syncs")
    return queued


def interval(there: Connection, system: System) -> timedelta:
    """How often it is looked through; zero where it is not."""
    return timedelta(minutes=int(system.told(there.options).get(POLL_EVERY) or 0))


def cursor_of(there: Connection, kind: str, *, every: timedelta) -> SyncCursor:
    """Up to where it was looked through: at first, to when it was connected."""
    begins = {"at": there.created_at, "next_at": there.created_at + every}
    found, _ = SyncCursor.objects.get_or_create(connection=there, kind=kind, defaults=begins)
    return found


@transaction.atomic
def _queue_if_due(there: Connection, poll: Poll, every: timedelta, at: datetime) -> int:
    cursor_of(there, poll.kind, every=every)
    due = SyncCursor.objects.select_for_update(skip_locked=True)
    cursor = due.filter(connection=there, kind=poll.kind, next_at__lte=at).first()
    if cursor is None:
        return 0
    cursor.next_at = at + every
    cursor.save(update_fields=["next_at"])
    return 1 if _add(_changes(cursor, until=at - GRACE, at=at)) else 0


def _polled(at: datetime) -> Iterator[tuple[Connection, System]]:
    """The active connections that may be called and can be looked through."""
    with_key = Secret.objects.credentials().live(at=at).values("connection")
    for there in Connection.objects.active().filter(pk__in=with_key).order_by("pk"):
        system = registry.system(there.system)
        if system.polls:
            yield there, system


# --- For people ------------------------------------------------------------------------------
@transaction.atomic
def look_now(*, slug: str, by: User, at: datetime) -> list[Sync]:
    """Look through what changed, at once. One that is queued already is only hurried."""
    there, system = _asked(slug, by, at)
    every = interval(there, system)
    cursors = [
        cursor_of(there, poll.kind, every=every)
        for poll in system.polls
        if Mode.INCREMENTAL in poll.modes
    ]
    made = [_ask(_changes(cursor, until=at, at=at), by) for cursor in cursors]
    trail.record("connection.sync-asked", subject=there, by=by, at=at, after={"reads": "changes"})
    bell.ring("syncs")
    return made


@transaction.atomic
def backfill(*, slug: str, since: datetime, by: User, at: datetime) -> list[Sync]:
    """Look through everything that changed since a day, also what was looked through before."""
    there, system = _asked(slug, by, at)
    if not at - LONGEST <= since < at:
        raise SyncError(f"Choose a day that is past, at most {LONGEST.days} days ago.")
    polls = [poll for poll in system.polls if Mode.BACKFILL in poll.modes]
    for poll in polls:
        cursor_of(there, poll.kind, every=interval(there, system))
    made = [_ask(_begun(there, poll.kind, Mode.BACKFILL, since, at, at), by) for poll in polls]
    trail.record(
        "connection.sync-asked", subject=there, by=by, at=at,
        after={"reads": "backfill", "since": since},
    )  # fmt: skip
    bell.ring("syncs")
    return made


@transaction.atomic
def snapshot(*, slug: str, by: User | None, at: datetime) -> list[Sync]:
    """Read everything there is, to be compared with; `by` nobody is the clock."""
    there, system = _asked(slug, by, at)
    polls = [poll for poll in system.polls if Mode.FULL in poll.modes]
    made = [_ask(_begun(there, poll.kind, Mode.FULL, None, at, at), by) for poll in polls]
    if by is not None:
        after = {"reads": "everything"}
        trail.record("connection.sync-asked", subject=there, by=by, at=at, after=after)
    bell.ring("syncs")
    return made


@transaction.atomic
def cancel(*, sync_id: int, by: User, at: datetime) -> Sync:
    """Stop it: what the page in hand holds is not kept, what was kept before stays."""
    permissions.check(by, Permission.SYNC_CONNECTION)
    found = Sync.objects.select_for_update(of=("self",)).select_related("connection").get(
        pk=sync_id
    )  # fmt: skip
    if not found.is_open:
        raise SyncError(f"It is {found.get_state_display().lower()} already.")
    found.state, found.finished_at, found.ended_by = Sync.State.CANCELLED, at, by.name
    found.lease_owner = found.lease_until = None
    found.save()
    trail.record(
        "connection.sync-cancelled", subject=found.connection, by=by, at=at,
        after={"reads": found.kind, "mode": found.mode, "pages": found.pages},
    )  # fmt: skip
    return found


def refusal(there: Connection, *, at: datetime) -> str:
    """Why it cannot be looked through now, whoever asks; empty when it can."""
    system = registry.system(there.system)
    if not system.polls:
        return f"{system.name} cannot be looked through."
    if not has_credential(there, at=at):
        return f"{there.name} has no credential yet; an admin enters it on this page."
    if not there.is_active:
        return f"{there.name} is {there.status}; let it run again first."
    return ""


def has_credential(there: Connection, *, at: datetime) -> bool:
    """Whether it was told anything to call with."""
    return Secret.objects.filter(connection=there).credentials().live(at=at).exists()


def _asked(slug: str, by: User | None, at: datetime) -> tuple[Connection, System]:
    if by is not None:
        permissions.check(by, Permission.SYNC_CONNECTION)
    # But not its key: who writes a row that points at it need not wait for this one, which may have
    # to wait for them.
    there = Connection.objects.select_for_update(no_key=True).get(slug=slug)
    if why_not := refusal(there, at=at):
        raise SyncError(why_not)
    return there, registry.system(there.system)


def _ask(asked: Sync, by: User | None) -> Sync:
    """Write it down. One of its kind that waits is hurried, and reads as far back as asked; one
    that runs holds this one, or stands in its way."""
    asked.asked_by = by
    same = {"connection": asked.connection, "kind": asked.kind, "mode": asked.mode}
    while not _add(asked):
        # It may begin or end between the looks: then there is room for this one.
        open_one = Sync.objects.open().filter(**same).first()
        if open_one and (_hurried(open_one, asked) or _holds(open_one, asked)):
            return open_one
    return asked


def _hurried(waiting: Sync, asked: Sync) -> bool:
    """It has not begun: it reads all that both were asked for, at once."""
    spans = [one.since for one in (waiting, asked) if one.since is not None]
    since = min(spans, default=None)
    rows = Sync.objects.filter(pk=waiting.pk, state=Sync.State.QUEUED)
    changes = {"since": since, "until": asked.until, "next_attempt_at": asked.asked_at}
    if not rows.update(**changes):
        return False
    waiting.refresh_from_db()
    return True


def _holds(running: Sync, asked: Sync) -> bool:
    """Whether what it reads is all that was asked for. Raises SyncError where it is not."""
    running.refresh_from_db()
    if running.state != Sync.State.RUNNING:
        return False
    if asked.since is not None and running.since is not None and asked.since < running.since:
        raise SyncError(
            f"The {running.kind} are looked through from {_day(running.since)} on just now, since "
            f"{timezone.localtime(running.asked_at):%H:%M}. "
            "Wait until that is done, or cancel it, and ask again."
        )
    return True


def _day(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%-d %B %Y}"


def _changes(cursor: SyncCursor, *, until: datetime, at: datetime) -> Sync:
    """What changed since the cursor, and a while before it, but for what was read of that."""
    since = cursor.at - OVERLAP
    sync = _begun(cursor.connection, cursor.kind, Mode.INCREMENTAL, since, until, at)
    if cursor.seen:
        sync.place = Walk(since, seen=cursor.seen).place
    return sync


def _begun(
    there: Connection, kind: str, mode: Mode, since: datetime | None, until: datetime, at: datetime
) -> Sync:
    return Sync(
        connection=there, kind=kind, mode=mode, since=since, until=until, asked_at=at,
        next_attempt_at=at,
    )  # fmt: skip


def _add(sync: Sync) -> bool:
    """Write it down, unless one of its kind and mode is open: the database sees to that."""
    try:
        with transaction.atomic():
            sync.save(force_insert=True)
            if sync.mode == Mode.FULL:
                Snapshot.objects.create(
                    connection=sync.connection, kind=sync.kind, sync=sync, begun_at=sync.asked_at
                )
    except IntegrityError:
        return False
    return True
