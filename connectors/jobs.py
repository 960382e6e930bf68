"""What wakes up without a person: each job drains what is due, and may be rung twice."""

import time

from django_rq import job

from connectors import (
    digest,
    draining,
    health,
    inbox,
    indexing,
    posting,
    syncing,
    syncs,
)
from connectors.turns import Turns
from exceptions import clocks
from meshline import bell, instant, logs
from meshline.notices import sendings, tidings
from proposals import holds, lateness, outbox, publications

DRAIN_SECONDS = 20.0
LINGER_SECONDS = 1.0
# While the bell is silent one looks so often all the same.
LOOK_SECONDS = 0.05
BATCH = 100
# A lease that lapsed is taken up by the next claim; nobody has when it is still there by then.
LAPSED_SECONDS = 5.0
INDEX_SECONDS = 2.0
CLOCKS_SECONDS = 2.0
# A page that is begun then may take as long again, and a job is stopped after thirty.
SYNC_SECONDS = 8.0


@job("inbox")
@logs.about(job="drain_inbox")
def drain_inbox() -> None:
    """Digest what is due, in batches, for at most 20 s; ring again if more is left."""
    bell.clear("inbox")
    ear = bell.Ear("inbox")
    started = last_seen = time.monotonic()
    turns = Turns()
    while time.monotonic() - started < DRAIN_SECONDS:
        taken = _digest_next(turns)
        if taken:
            last_seen = time.monotonic()
            if taken == BATCH:
                # More than one worker's share: wake the other, too.
                bell.ring("inbox")
        elif time.monotonic() - last_seen >= LINGER_SECONDS:
            return
        else:
            ear.wait(LOOK_SECONDS)
    bell.ring("inbox")


def _digest_next(turns: Turns) -> int:
    """Digest the next batch, the urgent before all others; how many were taken."""
    if taken := digest.digest_batch(most=BATCH, patient=False):
        turns.saw_urgent()
        return taken
    if not turns.patient_may:
        return 0
    began = time.monotonic()
    taken = digest.digest_batch(most=BATCH)
    turns.patient_took(time.monotonic() - began)
    return taken


@job("outbox")
@logs.about(job="drain_outbox")
def drain_outbox() -> None:
    """Carry what is due, for at most 20 s; ring again if more is left."""
    draining.drain()


@job("outbox")
@logs.about(job="post_notices")
def post_notices() -> None:
    """Send people what they want to hear outside, for at most 12 s; ring again if more is left."""
    posting.drain()


@job("upkeep")
@logs.about(job="drain_syncs")
def drain_syncs() -> None:
    """Read what is due page by page, for at most 8 s; ring again if more is left."""
    bell.clear("syncs")
    started = time.monotonic()
    while syncing.read_next():
        if time.monotonic() - started > SYNC_SECONDS:
            bell.ring("syncs")
            return


def queue_polls() -> None:
    """Ask for every poll whose time has come."""
    syncs.queue_due(at=instant.now())


def stop_clocks() -> None:
    """Tickets of records on hold, and of connections that do not answer, wait with them."""
    still = clocks.Still(records=holds.since(), connections=health.down())
    started = time.monotonic()
    for _ in clocks.keep(still, at=instant.now()):
        if time.monotonic() - started > CLOCKS_SECONDS:
            return


def tell_tidings() -> None:
    """Tell what follows from rows that nobody rings for."""
    at = instant.now()
    tidings.tell(at=at)
    publications.tell(at=at)
    sendings.drop_stale(at=at)


def tidy_rejected() -> None:
    """Drop what was refused long ago."""
    inbox.tidy_rejected(at=instant.now())


def free_lapsed() -> None:
    """Give back what a process that died or hangs has held beyond its time."""
    digest.free_lapsed(after=LAPSED_SECONDS)
    outbox.free_lapsed(after=LAPSED_SECONDS)
    sendings.free_lapsed(after=LAPSED_SECONDS)


def index_messages() -> None:
    """Make findable what never passes the digest, or came before there was a search."""
    started = time.monotonic()
    while indexing.index_batch() and time.monotonic() - started < INDEX_SECONDS:
        pass


def open_late_tickets() -> None:
    """A ticket for every outcome that is unproven beyond its tier's budget."""
    lateness.open_late_tickets(at=instant.now(), held=health.held())
