"""What wakes up without a person: each job drains what is due, and may be rung twice."""

import time

from django_rq import job

from connectors import digest, draining, health, inbox, indexing, posting
from meshline import bell, instant, logs
from meshline.notices import sendings, tidings
from proposals import lateness, outbox, publications

DRAIN_SECONDS = 20.0
LINGER_SECONDS = 1.0
PEEK_SECONDS = 0.01
BATCH = 100
# How often the patient are looked for; how long after an urgent one more are expected, and how many
# times its own length a batch of the patient is followed by a rest while they are.
PATIENT_PEEK_SECONDS = 0.1
URGENT_SECONDS = 3.0
PATIENT_REST = 4
# A lease that lapsed is taken up by the next claim; nobody has when it is still there by then.
LAPSED_SECONDS = 5.0
INDEX_SECONDS = 2.0


@job("inbox")
@logs.about(job="drain_inbox")
def drain_inbox() -> None:
    """Digest what is due, in batches, for at most 20 s; ring again if more is left."""
    bell.clear("inbox")
    started = last_seen = time.monotonic()
    turns = _Turns()
    while time.monotonic() - started < DRAIN_SECONDS:
        taken = turns.take()
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


class _Turns:
    """The urgent always first; while they come, the patient have a fifth of the time.

    Otherwise somebody who comes in an urgent tier would find every worker in the middle of a batch
    of the patient, and the processors busy with what follows from them.
    """

    def __init__(self) -> None:
        self._urgent_at = self._looks_at = 0.0

    def take(self) -> int:
        """Digest the next batch, if it has its turn; how many were taken."""
        if taken := digest.digest_batch(most=BATCH, patient=False):
            self._urgent_at = time.monotonic()
            return taken
        began = time.monotonic()
        if began < self._looks_at:
            return 0
        taken = digest.digest_batch(most=BATCH)
        now = time.monotonic()
        if not taken:
            self._looks_at = now + PATIENT_PEEK_SECONDS
        elif now - self._urgent_at < URGENT_SECONDS:
            self._looks_at = now + PATIENT_REST * (now - began)
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
