"""What the clock does up here."""

from meshline import instant
from reconciliation import briefings


def send_digests() -> None:
    """Tell people their day when their hour has come."""
    briefings.send_due(at=instant.now())
