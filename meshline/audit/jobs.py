"""What the clock does for the trail: it anchors its head."""

from meshline import instant
from meshline.audit import anchors


def anchor() -> None:
    """At the clock's start, and every hour."""
    anchors.write(at=instant.now())


def anchor_if_missed() -> None:
    """An hour in which the database or the disk was away is made up for at once."""
    at = instant.now()
    if anchors.is_due(at=at):
        anchors.write(at=at)
