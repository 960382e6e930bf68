"""What billing says of a proposal's invoices, told from its fields: pure, no database, no clock.

Each invoice has a field of its own, so that two of one proposal do not overwrite each other; within
it the newest word counts, as with every field.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

# "invoice/<its id over there>"
PREFIX = "invoice/"
# What an invoice that asks for nothing (any more) is called.
DRAFT, VOID = "draft", "void"
# Signals of a payment: the customer disputes it; the bank has decided that it stands.
PAYMENT_DISPUTED, PAYMENT_KEPT = "payment.disputed", "payment.kept"


@dataclass(frozen=True)
class Invoice:
    """One invoice, as last told. `amount` is what it asks for, in `currency`."""

    id: str = ""
    number: str = ""
    status: str = ""
    amount: Decimal | None = None
    currency: str = ""
    url: str = ""


@dataclass(frozen=True)
class Billed:
    """What counts of all the invoices of a proposal.

    `invoice` is the newest that was neither voided nor is a draft, else the newest there is;
    `amount` adds up those that count, None when there is none or they are in several currencies.
    """

    invoice: Invoice = field(default_factory=Invoice)
    amount: Decimal | None = None
    count: int = 0


def name(invoice_id: str) -> str:
    """The field that tells of this invoice."""
    return f"{PREFIX}{invoice_id}"


def invoices(fields: Mapping[str, Any]) -> list[Invoice]:
    """Every invoice these fields tell of, in the order in which they were first told."""
    return [_invoice(key, told) for key, told in fields.items() if key.startswith(PREFIX)]


def billed(fields: Mapping[str, Any]) -> Billed:
    """What counts of a proposal's invoices."""
    known = invoices(fields)
    counting = [one for one in known if one.status not in (DRAFT, VOID)]
    amounts = [one.amount for one in counting if one.amount is not None]
    is_one_currency = len({one.currency for one in counting}) == 1
    return Billed(
        invoice=(counting or known or [Invoice()])[-1],
        amount=sum(amounts, Decimal(0)) if amounts and is_one_currency else None,
        count=len(counting),
    )


def _invoice(key: str, told: Mapping[str, Any]) -> Invoice:
    return Invoice(
        id=key.removeprefix(PREFIX),
        number=told.get("number", ""),
        status=told.get("status", ""),
        amount=Decimal(told["amount"]) if told.get("amount") else None,
        currency=told.get("currency", ""),
        url=told.get("url", ""),
    )
