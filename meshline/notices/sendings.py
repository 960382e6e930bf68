"""What goes out to people: promised with its notice, claimed under a lease, acknowledged here.

As the outbox does it (proposals/outbox.py): the row is what counts, a claim is committed at once,
only the holder of the lease is believed, and a lease that lapses is taken by the next claim.
"""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from meshline import bell, bulk
from meshline.notices import preferences
from meshline.notices.models import Notice, Preferences, Sending, State
from meshline.people.models import User

BELL = "notices"
# So many notices at most make up one message.
MOST_IN_A_PARCEL = 50
# What could not be sent for so long is news to nobody; it stands in the app all the same.
STALE_AFTER = timedelta(days=3)
# Any number, as long as it is always the same: one claims at a time, so that what is due for one
# person at once goes as one message.
_LOCK = 0x6E6F7465

_CLAIMABLE = """
    s.state IN ('due', 'leased') AND s.next_attempt_at <= clock_timestamp()
    AND (s.state <> 'leased' OR s.lease_until < clock_timestamp())
    AND s.channel = ANY(%(channels)s)
"""
_CLAIM = f"""
WITH first AS MATERIALIZED (
    SELECT s.user_id, s.channel, s.parcel FROM notices_sending s WHERE {_CLAIMABLE}
    ORDER BY s.next_attempt_at, s.id LIMIT 1 FOR UPDATE SKIP LOCKED
), together AS MATERIALIZED (
    SELECT s.id FROM notices_sending s JOIN first f
      ON s.user_id = f.user_id AND s.channel = f.channel AND s.parcel IS NOT DISTINCT FROM f.parcel
    WHERE {_CLAIMABLE} ORDER BY s.id LIMIT %(most)s FOR UPDATE OF s SKIP LOCKED
)
UPDATE notices_sending claimed SET
    state = 'leased', lease_owner = %(lease)s, parcel = coalesce(parcel, %(lease)s),
    lease_until = clock_timestamp() + %(seconds)s * interval '1 second',
    crashes = crashes + (state = 'leased')::int, attempts = attempts + 1
FROM together WHERE claimed.id = together.id
RETURNING claimed.*
"""


class LeaseLost(Exception):
    """Somebody else has it by now: whoever hears this stops."""


def promise(notices: Sequence[Notice], *, at: datetime) -> None:
    """Put on its way what these notices' people want to hear outside, in their transaction."""
    there = {notice.user_id for notice in notices if notice.user.is_active}
    own = {one.user_id: one for one in Preferences.objects.filter(user__in=there)} if there else {}
    wanted = {
        (notice, channel)
        for notice in notices
        if notice.user_id in there
        for channel in preferences.wanted(own.get(notice.user_id), notice.kind, notice.user.role)
    }
    # Only now: most notices go nowhere, and this asks the database.
    open_ = _open_channels() if wanted else frozenset()
    made = [
        _sending(notice, channel, own.get(notice.user_id), at)
        for notice, channel in sorted(wanted, key=lambda one: (one[0].pk, one[1]))
        if channel in open_
    ]
    if made:
        bulk.insert_missing(made, by=("notice", "channel"))
        bell.ring(BELL)


def claim(channels: Collection[str], *, lease_seconds: int) -> list[Sending]:
    """What goes out next, as one message to one person over one channel; empty when nothing is due.

    What was tried together before is tried together again, and with nothing else.
    """
    if not channels:
        return []
    lease = uuid.uuid4()
    given: dict[str, Any] = {
        "channels": list(channels), "lease": lease, "seconds": lease_seconds,
        "most": MOST_IN_A_PARCEL,
    }  # fmt: skip
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        claimed = sorted(Sending.objects.raw(_CLAIM, given), key=lambda one: one.pk)
    notices = Notice.objects.select_related("user").in_bulk([one.notice_id for one in claimed])
    for one in claimed:
        one.notice = notices[one.notice_id]
    return claimed


def something_is_due(channels: Collection[str]) -> bool:
    """Whether `claim` would find something for one of these channels."""
    if not channels:
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT 1 FROM notices_sending s WHERE {_CLAIMABLE})",
            {"channels": list(channels)},
        )
        return bool(cursor.fetchone()[0])


def mark_sent(parcel: Sequence[Sending], *, external_id: str, at: datetime) -> None:
    """They are out. Raises LeaseLost, as all of the carrier's words do."""
    _acknowledge(parcel, state=State.SENT, sent_at=at, external_id=external_id[:200], why="",
                 failure="")  # fmt: skip


def postpone(
    parcel: Sequence[Sending], *, until: datetime, because: str, failure: str, at: datetime
) -> None:
    """Not this time; again at `until`, the same ones together."""
    since = parcel[0].first_failed_at or at
    _acknowledge(parcel, state=State.DUE, next_attempt_at=until, why=because[:500],
                 failure=failure, first_failed_at=since)  # fmt: skip


def hold(parcel: Sequence[Sending], *, until: datetime) -> None:
    """Quiet hours reign: as if it had not been claimed, and then together with what else waits.

    What was tried before may be out: it keeps its parcel, by which a repeat of it is known.
    """
    values = {"parcel": parcel[0].parcel if was_tried(parcel) else None}
    _acknowledge(parcel, state=State.DUE, next_attempt_at=until, was_held=True,
                 first_failed_at=None, attempts=F("attempts") - 1, crashes=F("crashes"),
                 **values)  # fmt: skip


def was_tried(parcel: Sequence[Sending]) -> bool:
    """Whether what was claimed just now had been claimed before, and maybe sent."""
    return any(one.attempts > 1 or one.crashes for one in parcel)


def give_up(parcel: Sequence[Sending], *, because: str, failure: str) -> None:
    """It will not be sent: its notice stands in the app."""
    _acknowledge(parcel, state=State.GIVEN_UP, why=because[:500], failure=failure)


def cancel(parcel: Sequence[Sending], *, because: str) -> None:
    """Nobody wants it any more."""
    _acknowledge(parcel, state=State.CANCELLED, why=because[:500])


def cancel_read(notices: QuerySet) -> None:
    """What was read in the app before it went out need not be told again."""
    waiting = Sending.objects.filter(notice__in=notices, state=State.DUE, attempts=0)
    waiting.update(state=State.CANCELLED, why="It was read in Meshline before it went out.")


def hurry(*, user: User, at: datetime) -> None:
    """Look at once at what is held for this person: their preferences have changed."""
    Sending.objects.filter(user=user, state=State.DUE, was_held=True).update(next_attempt_at=at)
    bell.ring(BELL)


def again(*, channel: str, failures_but: str, at: datetime) -> int:
    """What waits for a channel is due now, and what was given up lately is tried again, except
    where it failed by `failures_but`: how many."""
    mine = Sending.objects.filter(channel=channel, notice__at__gt=at - STALE_AFTER)
    given_up = mine.filter(state=State.GIVEN_UP).exclude(failure=failures_but)
    late = mine.filter(state=State.DUE, first_failed_at__isnull=False)
    number = late.update(next_attempt_at=at)
    number += given_up.update(
        state=State.DUE, next_attempt_at=at, attempts=0, crashes=0, first_failed_at=None
    )
    bell.ring(BELL)
    return number


def put_off(*, channel: str, until: datetime) -> None:
    """The channel does not work: nothing else goes out over it before then."""
    waiting = Sending.objects.filter(channel=channel, state=State.DUE, next_attempt_at__lt=until)
    waiting.update(next_attempt_at=until)


def free_lapsed(*, after: float) -> int:
    """Take lapsed leases off `after` so many seconds; how many there were.

    The next claim would do it by itself, but behind a pause it may be long in coming.
    """
    lapsed = Sending.objects.filter(
        state=State.LEASED, lease_until__lt=Now() - timedelta(seconds=after)
    )
    return lapsed.update(
        state=State.DUE, lease_owner=None, lease_until=None, crashes=F("crashes") + 1
    )


def drop_stale(*, at: datetime, older_than: timedelta = STALE_AFTER) -> int:
    """What could not be sent for so long is no news any more; how many.

    Quiet hours may last for days: what waited for their end has its time from there.
    """
    old = Sending.objects.filter(state=State.DUE, notice__at__lt=at - older_than)
    held = Q(was_held=True, first_failed_at=None, next_attempt_at__gte=at - older_than)
    return old.exclude(held).update(state=State.CANCELLED, why="It was no news any more.")


def _sending(notice: Notice, channel: str, own: Preferences | None, at: datetime) -> Sending:
    held = preferences.held_until(own, notice, at)
    return Sending(
        notice=notice, user=notice.user, channel=channel, next_attempt_at=held or at,
        was_held=held is not None,
    )  # fmt: skip


def _open_channels() -> frozenset[str]:
    return frozenset(name for name, why in preferences.offered_channels().items() if not why)


def _acknowledge(together: Sequence[Sending], /, **values: Any) -> None:
    """Write the carrier's word, if the lease on all of it is still theirs."""
    ids = [one.pk for one in together]
    with transaction.atomic():
        held = Sending.objects.filter(
            pk__in=ids, lease_owner=together[0].lease_owner, state=State.LEASED
        )
        free = {"lease_owner": None, "lease_until": None}
        changed = held.update(**{**free, "crashes": 0, **values})
        if changed != len(ids):
            raise LeaseLost(f"A message over {together[0].channel} is somebody else's by now.")
