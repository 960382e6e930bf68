"""What holds of the trail: nothing in it was changed, removed or slipped in."""

from meshline.audit import verify
from meshline.invariants import Invariant

NAME = "trail-verifies"


def whole() -> list[str]:
    return told(verify.trail())


def told(verdict: verify.Verdict) -> list[str]:
    """A verdict as breaches: none, or the first bad position and why."""
    return [] if verdict.holds else [f"The trail does not hold. {verdict.sentence}"]


INVARIANTS = [Invariant(NAME, "The trail's chain and its anchors verify.", whole)]
