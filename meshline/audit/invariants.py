"""What holds of the trail: nothing in it was changed, removed or slipped in."""

from meshline.audit import verify
from meshline.invariants import Invariant

NAME = "trail-verifies"


def whole() -> list[str]:
    return told(verify.chain())


def told(verdict: verify.Verdict) -> list[str]:
    """A verdict as breaches: none, or the first bad position and why."""
    if verdict.holds:
        return []
    return [f"The trail breaks at position {verdict.bad_position}: {verdict.reason}"]


INVARIANTS = [Invariant(NAME, "The trail's chain verifies.", whole)]
