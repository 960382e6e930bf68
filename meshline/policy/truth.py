"""Which of several systems' values of one field counts: pure, no database, no clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# Who speaks where a person decided.
PEOPLE = "people"


class How(StrEnum):
    """How the value that counts is found; the values stand in the operating model file."""

    ALWAYS = "always"
    UNLESS_BLANK = "unless_blank"
    RECENT = "recent"
    ASK = "ask"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def has_authority(self) -> bool:
        """Whether one system's word is better than the others'."""
        return self in (How.ALWAYS, How.UNLESS_BLANK)

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(how.value, how.label) for how in cls]


_LABELS = {
    How.ALWAYS: "Always",
    How.UNLESS_BLANK: "Unless blank",
    How.RECENT: "Most recent",
    How.ASK: "Ask a person",
}


@dataclass(frozen=True)
class Truth:
    """What is agreed about one field; `connection` is the authority where there is one."""

    how: How = How.RECENT
    connection: str = ""


@dataclass(frozen=True)
class Said:
    """What one system says of a field by now.

    `at` is when it said so last, `since` when it first said just that: anything that can be
    ordered. `by` names what told it. A value may have parts, such as an amount and its currency.
    """

    source: str
    value: tuple[str, ...]
    at: Any
    since: Any
    by: int = 0

    @property
    def is_blank(self) -> bool:
        return not any(self.value)


@dataclass(frozen=True)
class Verdict:
    """The value that counts; or none, and between which ones a person has to decide."""

    said: Said | None
    asked: tuple[Said, ...] = ()


def winner(truth: Truth, values: Iterable[Said]) -> Verdict:
    """Which of these values counts, at most one of each system.

    This is the one rule for all three who ask: the intake, which tells a record's fields of all
    that was said; reconciliation, which marks the side that is right; and the suggested fix, which
    writes that side to the other. Whoever decides it another way decides against what was agreed.

    - always: the authority's, blank or not; as long as it never spoke, the latest of the others.
    - unless blank: the authority's; where that is blank, the latest of the others.
    - recent: the latest. A blank gives way to any value.
    - ask: what all of them say; if they differ, what a person decided, unless a system has said
      something new since then; else none, and a person is asked.
    """
    said = list(values)
    if truth.how is How.ASK:
        return _agreed(said)
    if truth.how.has_authority:
        of_authority = next((one for one in said if one.source == truth.connection), None)
        is_enough = of_authority and (truth.how is How.ALWAYS or not of_authority.is_blank)
        if is_enough:
            return Verdict(of_authority)
    return Verdict(_latest(said))


def _agreed(said: list[Said]) -> Verdict:
    claims = [one for one in said if one.source != PEOPLE and not one.is_blank]
    decided = next((one for one in said if one.source == PEOPLE), None)
    if len({one.value for one in claims}) > 1:
        if decided and all(decided.at > one.since for one in claims):
            return Verdict(decided)
        return Verdict(None, tuple(sorted(claims, key=lambda one: one.source)))
    return Verdict(_latest(claims or said))


def _latest(said: list[Said]) -> Said | None:
    """The latest that is not blank; if all are, the latest."""
    told = [one for one in said if not one.is_blank] or said
    return max(told, key=lambda one: one.at, default=None)
