"""What wakes up without a person: each job drains what is due, and may be rung twice."""

import time

from django_rq import job

from connectors import digest, draining, health, inbox, indexing, posting
from connectors.turns import Turns
from meshline import bell, instant, logs
from meshline.notices import sendings, tidings
from proposals import lateness, outbox, publications

DRAIN_SECONDS = 20.0
LINGER_SECONDS = 1.0
PEEK_SECONDS = 0.01
BATCH = 100
# A lease that lapsed is taken up by the next claim; nobody has when it is still there by then.
LAPSED_SECONDS = 5.0
INDEX_SECONDS = 2.0


@job("inbox")
@logs.about(job="drain_inbox")
def drain_inbox() -> None:
    """Digest what is due, in batches, for at most 20 s; ring again if more is left."""
    bell.clear("inbox")
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
            time.sleep(PEEK_SECONDS)
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
