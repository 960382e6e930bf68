"""What happens to tickets without a person: each may be rung twice."""

import time

from django_rq import job

from exceptions import bulk, delegation, escalation, permanent_fixes, rechecking, snoozing
from meshline import bell, instant, logs

# The clock has other things to do, and is back in a few seconds.
HAND_OVER_SECONDS = 2.0
STEPS_SECONDS = 2.0
WAKE_SECONDS = 2.0
DRAIN_SECONDS = 20.0


def hand_over() -> None:
    """Tickets go to who stands in, and back to who is here again."""
    started = time.monotonic()
    for _ in delegation.hand_over(at=instant.now()):
        if time.monotonic() - started > HAND_OVER_SECONDS:
            return


def take_steps() -> None:
    """What is due about open tickets: warnings, handing up, acknowledgements that lapse."""
    started = time.monotonic()
    for _ in escalation.look(at=instant.now()):
        if time.monotonic() - started > STEPS_SECONDS:
            return


def look_again() -> None:
    """What was resolved without proof is proven by now, or open again."""
    for _ in rechecking.look(at=instant.now()):
        pass


def learn() -> None:
    """What keeps coming back is to be fixed for good, and what was fixed so has to hold."""
    for _ in permanent_fixes.look(at=instant.now()):
        pass


def wake() -> None:
    """Tickets that sleep come back when their time is over, or they are due."""
    started = time.monotonic()
    while snoozing.wake_due(at=instant.now()) and time.monotonic() - started < WAKE_SECONDS:
        pass


@job("upkeep")
@logs.about(job="drain_bulk")
def drain_bulk() -> None:
    """Do what was asked of many tickets, for at most 20 s; ring again if more is left."""
    bell.clear("bulk")
    if bulk.work(seconds=DRAIN_SECONDS):
        bell.ring("bulk")
