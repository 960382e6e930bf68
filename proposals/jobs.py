"""What wakes up without a person."""

from meshline import instant
from proposals import approvals


def open_overdue_approvals() -> None:
    """A ticket for every review gate that was not answered in its time."""
    approvals.open_overdue(at=instant.now())
