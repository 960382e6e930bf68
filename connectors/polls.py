"""What a poll is: one kind of record that a system lets us read page by page, from a moment on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from connectors.elements import Element

# What is known by no event id of theirs: told by looking, under a key of ours.
LOOKED = "looked:"


class Mode(StrEnum):
    """Why a kind of record is read."""

    INCREMENTAL = "incremental"  # what changed since we looked last
    BACKFILL = "backfill"  # what changed since a day
    FULL = "full"  # everything there is, kept to be compared with

    @property
    def label(self) -> str:
        return _LABELS[self]

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(mode.value, mode.label) for mode in cls]


_LABELS = {
    Mode.INCREMENTAL: "What changed",
    Mode.BACKFILL: "Backfill",
    Mode.FULL: "Full snapshot",
}
ALL_MODES = frozenset(Mode)


@dataclass(frozen=True)
class Entry:
    """One record as it stands over there, in our words: a row of a snapshot."""

    external_id: str
    fields: Mapping[str, Any]
    amount_minor: int | None = None
    currency: str = ""


@dataclass(frozen=True)
class Find:
    """One record that a page held: its bytes as they came, the events it amounts to, and how it
    stands (without an `entry`: as its last event says). `birth` is told only where nobody has told
    anything of the record yet."""

    raw: bytes
    elements: tuple[Element, ...] = ()
    birth: Element | None = None
    entry: Entry | None = None


@dataclass(frozen=True)
class Asked:
    """What a page is asked for: changed from `since` (None: ever) to `until`, by their clock.

    `place` is where the page before said this one begins; empty for the first.
    """

    since: datetime | None
    until: datetime
    place: Mapping[str, Any]
    ends_at: float
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """What came back: the finds, where the next page begins, the newest moment of theirs."""

    finds: list[Find]
    place: dict[str, Any]
    is_last: bool
    newest: datetime | None = None
    # What is left of the calls they allow, in words; and how long to leave them alone, in seconds.
    quota: str = ""
    breather: float = 0.0
    # What a person should know: that they keep no more than a month.
    note: str = ""


@dataclass(frozen=True)
class Poll:
    """One kind of record: what it is called, and how a page of it is read (raises Trouble)."""

    kind: str
    says: str
    page: Callable[[Any, Asked], Page]
    modes: frozenset[Mode] = ALL_MODES
