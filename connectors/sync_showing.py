"""How a connection is looked through, as its page shows it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from connectors import registry, syncs
from connectors.models import Connection, Snapshot, Sync, SyncCursor
from connectors.polls import Mode
from meshline import masking
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, refusal_for, scope
from meshline.web import words

_SHOWN = 6


@dataclass(frozen=True)
class Reading:
    """One kind of record: up to where it was looked through, when it is next, what is kept."""

    kind: str
    cursor: SyncCursor | None
    next_at: datetime | None
    snapshot: Snapshot | None
    is_due: bool = False


@dataclass(frozen=True)
class Run:
    """One sync, with its error as far as this person may read it."""

    sync: Sync
    error: str

    @property
    def waits(self) -> bool:
        """Whether it is to be tried again after a no."""
        return self.sync.is_open and bool(self.sync.error)

    @property
    def share(self) -> int | None:
        """How much of its span is read, in percent; None where nobody can say."""
        began, ends, here = self.sync.since, self.sync.until, self.sync.newest
        if began is None or here is None or not self.sync.is_open or ends <= began:
            return None
        return round(100 * max(0.0, min(1.0, (here - began) / (ends - began))))


def of(there: Connection, *, by: User, at: datetime) -> dict[str, Any]:
    """Everything the part shows; empty for a system that cannot be looked through."""
    system = registry.system(there.system)
    if not system.polls:
        return {}
    every = syncs.interval(there, system)
    runs = _runs(there, by)
    return {
        "readings": _readings(there, every, at),
        "runs": runs,
        "is_open": any(run.sync.is_open for run in runs),
        "every": every,
        "every_words": words.span(every),
        "overlap_words": words.span(syncs.OVERLAP),
        "refusals": {
            "sync": refusal_for(by, Permission.SYNC_CONNECTION) or syncs.refusal(there, at=at),
            "cancel": refusal_for(by, Permission.SYNC_CONNECTION),
        },
        "has_snapshots": any(Mode.FULL in poll.modes for poll in system.polls),
    }


def asked(made: list[Sync], what: str) -> str:
    """What is done now that somebody asked: as the rows have it, not as it was asked for."""
    backfills = [one.since for one in made if one.mode == Mode.BACKFILL and one.since]
    if backfills:
        what += f" from {timezone.localtime(max(backfills)):%-d %B %Y} on"
    if not any(one.state == Sync.State.RUNNING for one in made):
        return f"{what}."
    begun = min(one.asked_at for one in made)
    return f"{what}, and was already: it was asked for at {timezone.localtime(begun):%H:%M}."


def _readings(there: Connection, every: timedelta, at: datetime) -> list[Reading]:
    cursors = {one.kind: one for one in SyncCursor.objects.filter(connection=there)}
    is_polled = bool(every) and not syncs.refusal(there, at=at)
    found = []
    for poll in registry.system(there.system).polls:
        cursor = cursors.get(poll.kind)
        by_the_clock = is_polled and Mode.INCREMENTAL in poll.modes
        next_at = cursor.next_at if cursor and by_the_clock else None
        kept = Snapshot.objects.filter(connection=there, kind=poll.kind, complete=True)
        newest = kept.select_related("sync").order_by("-pk").first()
        is_due = next_at is not None and next_at <= at
        found.append(Reading(poll.kind, cursor, next_at, newest, is_due))
    return found


def _runs(there: Connection, by: User) -> list[Run]:
    """The open ones and the last of those that ended."""
    masked = scope(by, Permission.SEE_PAYLOADS) in (None, Scope.MASKED)
    found = there.syncs.select_related("asked_by")
    ended = found.exclude(state__in=[Sync.State.QUEUED, Sync.State.RUNNING])
    rows = [*found.open().order_by("-pk"), *ended.order_by("-pk")[:_SHOWN]]
    return [Run(one, masking.words(one.error) if masked else one.error) for one in rows]
