"""What happens to proposals without a person: each may be rung twice."""

import time

from meshline import instant
from proposals import delegation, follow_ups
from proposals.contracts import approvals

# The clock has other things to do, and is back in a few seconds.
HAND_OVER_SECONDS = 2.0


def hand_over() -> None:
    """Proposals go to who stands in, and back to who is here again."""
    started = time.monotonic()
    for _ in delegation.hand_over(at=instant.now()):
        if time.monotonic() - started > HAND_OVER_SECONDS:
            return


def retime() -> None:
    """What is open moves to the SLA that is in force by now."""
    started = time.monotonic()
    for _ in follow_ups.retime(at=instant.now()):
        if time.monotonic() - started > HAND_OVER_SECONDS:
            return


def open_overdue_approvals() -> None:
    """A ticket for every review gate that was not answered in its time."""
    approvals.open_overdue(at=instant.now())
