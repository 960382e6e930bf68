"""The outbox is drained: one thread claims what is due, a few others carry it.

One slow answer does not hold up the rest: per connection no more than CAP are on their way at once.
"""

import queue
import threading
import time
from collections import Counter
from contextvars import copy_context

from django.conf import settings
from django.db import connections

from connectors import delivery, health, registry, telling
from connectors.turns import Turns
from meshline import bell
from proposals import outbox, tiers
from proposals.models import Outcome
from proposals.tiers import Tier

# Connect 3 s < all calls of one errand 15 s < job 30 s < lease 50 s (settings.LEASE_SECONDS): what
# is claimed last is carried before the job's time is over, and no errand outlives its lease.
CLAIM_SECONDS = 13.0
# While somebody still hangs, the others are claimed for a little longer, with what time is left:
# whatever is in hand is over by then.
TAIL_SECONDS, OVER_SECONDS = 18.0, 28.0
# Who let us wait for so long is left out for the rest of this drain, and a probe goes out at its
# beginning alone: what is claimed late and hangs would hold up its end, and with it everybody.
SLOW_SECONDS, FRESH_SECONDS = 3.0, 1.0
LINGER_SECONDS = 1.0
# While the bell is silent and nobody comes home, an empty drain looks so often all the same.
LOOK_SECONDS = 0.05
# So many at once are carried of the patient tiers (hours, daily): more would slow the others down.
PATIENT_CAP = 1
# How often people are told while other things are carried, in seconds.
TELL_EVERY_SECONDS = 0.03
THREADS = 8
CAP = 4


def drain(*, threads: int = THREADS, linger: float = LINGER_SECONDS) -> int:
    """Carry what is due; how many were carried. Claims for 13 s, or 18 beside somebody who hangs,
    then rings again.

    With `threads=0` everything happens in the caller's own thread.
    """
    bell.clear("outbox")
    ear = bell.Ear("outbox")
    carriers = Carriers(threads)
    last_seen = time.monotonic()
    try:
        while carriers.age < CLAIM_SECONDS or (
            carriers.age < TAIL_SECONDS and not carriers.are_idle
        ):
            if _claim_one(carriers):
                last_seen = time.monotonic()
            elif carriers.are_idle and time.monotonic() - last_seen >= linger:
                break
            else:
                ear.wait(LOOK_SECONDS, pause=carriers.wait)
        else:
            bell.ring("outbox")
    finally:
        carriers.stop()
    return carriers.carried


def something_is_due() -> bool:
    """Whether the drain should be woken: something is due for a connection that may be called."""
    return outbox.something_is_due([registry.PEOPLE.slug, *health.callable_slugs()])


def _claim_one(carriers: "Carriers") -> bool:
    """Claim what is next and hand it on; whether anything was.

    People are told in between, many at once, whatever else waits: by this thread itself, so what
    others can carry meanwhile is handed to them first.
    """
    claimed = carriers.have_room and _claim_next(carriers)
    told = carriers.may_tell and _tell(carriers)
    return claimed or told


def _claim_next(carriers: "Carriers") -> bool:
    breakers = health.breakers()
    # A probe is for its own connection: what is due elsewhere must not use it up.
    may_probe = carriers.age < FRESH_SECONDS and any(breakers.values())
    probes = health.take_probes() if may_probe else []
    # Of whatever tier: it is one outcome, and another comes in 30 s.
    claimed = [_claim_for([slug], carriers, slowest=Tier.DAILY) for slug in probes]
    if any(claimed):
        return True
    freely = {slug for slug, is_open in breakers.items() if not is_open} - carriers.slow()
    allowed = [slug for slug in freely if carriers.in_flight[slug] < CAP]
    return _claim_for(allowed, carriers, slowest=_slowest(carriers))


def _tell(carriers: "Carriers") -> bool:
    carriers.told_at = time.monotonic()
    ends_at = carriers.ends_at()
    told, alone = telling.tell_batch()
    carriers.carried += told
    for outcome in alone:
        carriers.take_easy(outcome, ends_at)
    return bool(told or alone)


def _slowest(carriers: "Carriers") -> Tier:
    patient_may = carriers.in_flight.total() < PATIENT_CAP and carriers.turns.patient_may
    return Tier.DAILY if patient_may else Tier.MINUTES


def _claim_for(slugs: list[str], carriers: "Carriers", *, slowest: Tier) -> bool:
    ends_at = carriers.ends_at()
    outcome = outbox.claim(slugs, lease_seconds=settings.LEASE_SECONDS, slowest=slowest)
    if outcome is not None:
        carriers.take(outcome, ends_at)
    return outcome is not None


class Carriers:
    """A few threads that carry what they are handed; each has its own database connection.

    One is started when all others are busy: connecting costs more than what it would save.
    """

    def __init__(self, threads: int) -> None:
        self.carried = 0
        self.told_at = 0.0
        self._started = time.monotonic()
        # Of each that is being carried, where and since when; and who was slow before.
        self._since: dict[int, tuple[str, float]] = {}
        self._was_slow: set[str] = set()
        self.turns = Turns()
        self.in_flight: Counter[str] = Counter()
        self._size = threads
        self._work: queue.Queue[tuple[Outcome, float] | None] = queue.Queue()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []

    @property
    def have_room(self) -> bool:
        return self._size == 0 or self.in_flight.total() < self._size

    @property
    def may_tell(self) -> bool:
        return time.monotonic() - self.told_at >= TELL_EVERY_SECONDS

    @property
    def are_idle(self) -> bool:
        return self.in_flight.total() == 0

    @property
    def age(self) -> float:
        """How long this drain lasts already, in seconds."""
        return time.monotonic() - self._started

    def ends_at(self) -> float:
        """When the last call of what is claimed now must be over (monotonic)."""
        return min(time.monotonic() + delivery.CALL_SECONDS, self._started + OVER_SECONDS)

    def slow(self) -> set[str]:
        """The connections that have let us wait in this drain, or do so now."""
        before = time.monotonic() - SLOW_SECONDS
        with self._changed:
            return self._was_slow | {slug for slug, at in self._since.values() if at <= before}

    def take(self, outcome: Outcome, ends_at: float) -> None:
        self.carried += 1
        if self._size == 0:
            self._carry(outcome, ends_at)
            return
        with self._changed:
            self.in_flight[outcome.connection] += 1
            busy = self.in_flight.total()
        if len(self._threads) < min(busy, self._size):
            self._start_one()
        self._work.put((outcome, ends_at))

    def take_easy(self, outcome: Outcome, ends_at: float) -> None:
        """As `take`, of what calls nobody: while all others are busy, who hands it on carries it.

        People are told also then, and however much of it is out of the ordinary waits for nobody.
        """
        if self.have_room:
            self.take(outcome, ends_at)
        else:
            self.carried += 1
            self._carry(outcome, ends_at)

    def wait(self, seconds: float) -> bool:
        """Until somebody is done, or the time is over; whether somebody is."""
        with self._changed:
            return self._changed.wait(seconds)

    def stop(self) -> None:
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join()

    def _carry(self, outcome: Outcome, ends_at: float) -> None:
        began = time.monotonic()
        is_urgent = outcome.tier_rank <= tiers.RANK[Tier.MINUTES]
        with self._changed:
            self._since[outcome.pk] = outcome.connection, began
            if is_urgent:
                self.turns.saw_urgent()
        try:
            delivery.carry(outcome, ends_at=ends_at)
        finally:
            with self._changed:
                took = time.monotonic() - began
                del self._since[outcome.pk]
                if took >= SLOW_SECONDS:
                    self._was_slow.add(outcome.connection)
                if not is_urgent:
                    self.turns.patient_took(took)

    def _start_one(self) -> None:
        # It logs as part of the job that started it.
        thread = threading.Thread(target=copy_context().run, args=[self._run])
        self._threads.append(thread)
        thread.start()

    def _run(self) -> None:
        try:
            while (handed := self._work.get()) is not None:
                outcome, ends_at = handed
                try:
                    self._carry(outcome, ends_at)
                finally:
                    with self._changed:
                        self.in_flight[outcome.connection] -= 1
                        self._changed.notify_all()
        finally:
            connections.close_all()
