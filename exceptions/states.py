"""A ticket's states and moves, and the reasons it may be resolved for."""

from enum import StrEnum


class Status(StrEnum):
    OPEN = "open"
    CLAIMED = "claimed"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"

    @property
    def label(self) -> str:
        return self.value.capitalize()


MOVES: dict[Status, set[Status]] = {
    Status.OPEN: {Status.CLAIMED, Status.RESOLVED},
    Status.CLAIMED: {Status.ACKNOWLEDGED, Status.OPEN, Status.RESOLVED},
    Status.ACKNOWLEDGED: {Status.OPEN, Status.RESOLVED},
    Status.RESOLVED: set(),
}

# What a move is called, for the sentence that refuses it.
_DEED = {
    Status.OPEN: "released",
    Status.CLAIMED: "claimed",
    Status.ACKNOWLEDGED: "acknowledged",
    Status.RESOLVED: "resolved",
}


class Resolution(StrEnum):
    FIXED = "fixed"
    WORKAROUND = "workaround"
    BAD_SOURCE_DATA = "bad source data"
    MAPPING_GAP = "mapping gap"
    VENDOR_OUTAGE = "vendor outage"
    OWNER_ERROR = "owner error"
    DUPLICATE = "duplicate"
    NO_ACTION = "no action"
    WONT_FIX = "won't fix"
    # Given by Meshline alone, when the cause is proven gone.
    EVIDENCE = "closed on evidence"

    @classmethod
    def for_people(cls) -> list[tuple[str, str]]:
        return [(r.value, r.value.capitalize()) for r in cls if r is not cls.EVIDENCE]


class MoveError(Exception):
    """A move that cannot be made, as a sentence for whoever tried."""


class NotThere(ValueError):
    """A ticket that is named and that is not there, or not for whoever named it."""


def check_move(here: str, to: Status) -> None:
    """Raise MoveError unless a ticket that is `here` can be moved `to`."""
    status = Status(here)
    if to not in MOVES[status]:
        adjective = "not claimed" if status is Status.OPEN else status.value
        raise MoveError(f"A ticket that is {adjective} cannot be {_DEED[to]}.")
