"""What a check is, and what it finds."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from proposals.models import Proposal

# Of more than these the number alone is kept.
KEPT = 500


@dataclass(frozen=True)
class Failing:
    """One thing for which a check does not hold: its reference, what it is called, and why."""

    ref: str
    words: str
    why: str
    # The record it concerns, with what is at risk by it.
    record: str = ""
    amount: Decimal | None = None
    currency: str = ""
    # It has a ticket of its own already, from where it went wrong: it needs no second one.
    is_told: bool = False

    @classmethod
    def proposal(cls, one: Proposal, why: str, *, is_told: bool = False) -> "Failing":
        record = f"proposal:{one.pk}"
        return cls(record, one.title, why, record, one.amount, one.currency, is_told)

    def as_row(self) -> dict[str, Any]:
        """As a result keeps it."""
        amount = None if self.amount is None else str(self.amount)
        return {"ref": self.ref, "words": self.words, "why": self.why, "record": self.record,
                "amount": amount, "currency": self.currency}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """Of how many things it was asked, for how many it does not hold, and the first of those."""

    asked: int
    failing: int
    rows: tuple[Failing, ...]
    # Why nothing can be known yet, and nobody is to be told; else empty.
    unknown: str = ""

    @classmethod
    def of(cls, asked: int, failing: Iterable[Failing]) -> "Finding":
        found: Iterator[Failing] = iter(failing)
        kept = tuple(islice(found, KEPT))
        return cls(asked, len(kept) + sum(1 for _ in found), kept)

    @classmethod
    def of_proposals(
        cls, asked: QuerySet, failing: QuerySet, why: Callable[[Proposal], str]
    ) -> "Finding":
        rows = [Failing.proposal(one, why(one)) for one in failing.order_by("pk")[:KEPT]]
        number = len(rows) if len(rows) < KEPT else failing.count()
        return cls(asked.count(), number, tuple(rows))


@dataclass(frozen=True)
class Check:
    """One check: what must be so, how that is found out, how often, and what helps if it is not.

    `look` is asked with the moment for which it must hold. From `grave_from` failing things on it
    is an error, below that a warning.
    """

    name: str
    label: str
    says: str
    how: str
    every: timedelta
    look: Callable[[datetime], Finding]
    remedy: str
    grave_from: int = 1
