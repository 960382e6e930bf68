"""A signed proposal without its invoice as one person sees it: words, ages, sums, and what they may
do about it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from meshline import masking
from meshline.money import worded
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, scope
from meshline.policy import business_time, calendars
from meshline.policy.business_time import Hours
from reconciliation import invoicing, lacking, unbilled
from reconciliation.lacking import Lack
from reconciliation.unbilled import Total

COLUMNS = (
    "proposal", "title", "connection", "document", "state", "owner", "team", "signed at",
    "working days", "amount", "currency", "invoiced", "invoiced currency", "open", "missing",
    "in words", "invoice", "invoice status", "ticket",
)  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """One row before one person's eyes."""

    row: Any
    user: User
    working_days: int
    is_masked: bool

    @property
    def lack(self) -> Lack:
        return Lack(self.row.lacks)

    @property
    def words(self) -> str:
        said = lacking.words(unbilled.facts_of(self.row))
        return masking.words(said) if self.is_masked else said

    @property
    def amount(self) -> str:
        return self._money(self.row.amount, self.row.currency)

    @property
    def invoiced(self) -> str:
        return self._money(self.row.invoiced, self.row.invoiced_currency)

    @property
    def open(self) -> str:
        return self._money(self.row.open_amount, self.row.currency)

    @cached_property
    def create_label(self) -> str:
        return invoicing.LABELS.get(self.lack, "Make one")

    @property
    def create_refusal(self) -> str:
        return invoicing.refusal_to_create(self.lack, self.user)

    @property
    def link_refusal(self) -> str:
        return invoicing.refusal_to_link(self.lack, self.user)

    @property
    def asks_reason(self) -> bool:
        return invoicing.asks_reason(self.lack)

    def _money(self, amount: Any, currency: str) -> str:
        if amount is None:
            return ""
        return masking.MASK if self.is_masked else worded(amount, currency)


def seen_by(rows: Iterable[Any], user: User, *, at: datetime) -> list[Shown]:
    """These rows as this person sees them; the company's calendar is read once."""
    hours, is_masked = calendars.hours_of(None), masks(user)
    return [_shown(row, user, hours, at, is_masked) for row in rows]


def sums(totals: Iterable[Total], user: User) -> list[tuple[str, int]]:
    """What is open of each currency in words, and on how many."""
    if masks(user):
        return [(f"{masking.MASK} {one.currency}".strip(), one.count) for one in totals]
    return [(worded(one.amount, one.currency), one.count) for one in totals]


def masks(user: User) -> bool:
    return scope(user, Permission.SEE_CHECKS) is Scope.MASKED


def cells(chunks: Iterable[list[Any]], user: User, *, at: datetime) -> Iterator[list[Any]]:
    """The same as rows of a file."""
    for chunk in chunks:
        for one in seen_by(chunk, user, at=at):
            yield _cells(one)


# --- Underneath ------------------------------------------------------------------------------
def _shown(row: Any, user: User, hours: Hours, at: datetime, is_masked: bool) -> Shown:
    days = business_time.days_between(row.signed_at, at, hours)
    return Shown(row, user, days, is_masked)


def _cells(one: Shown) -> list[Any]:
    row = one.row
    amounts = [row.amount, row.currency, row.invoiced, row.invoiced_currency, row.open_amount]
    return [
        row.pk, row.title, row.source, row.external_id, row.state, row.owner.name,
        row.owner.team.name if row.owner.team else "", row.signed_at, one.working_days,
        *amounts, row.lacks, one.words, row.invoice_number or row.invoice_id, row.invoice_status,
        row.ticket,
    ]  # fmt: skip
