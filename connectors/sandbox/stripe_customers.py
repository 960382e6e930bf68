"""Customers: who is billed."""

import secrets
import string
from datetime import datetime
from typing import Any

from connectors.sandbox.records import Record
from connectors.sandbox.stripe_books import Books, Who, copied
from connectors.sandbox.stripe_forms import Params, refusal
from connectors.sandbox.stripe_money import currency

TEXTS = ("email", "name", "description", "phone")
# Known at Stripe, and kept here as they come.
KEPT = ("address", "shipping", "preferred_locales", "business_name", "individual_name")
IGNORED = ("tax_exempt", "tax", "invoice_settings", "cash_balance", "balance", "tax_id_data")


class Customers:
    def __init__(self, books: Books) -> None:
        self._books = books

    def create(self, params: Params, *, who: Who, at: datetime) -> Record:
        body: dict[str, Any] = dict.fromkeys((*TEXTS, *KEPT))
        letters = string.ascii_uppercase + string.digits
        body |= {
            "balance": 0,
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "discount": None,
            "invoice_prefix": "".join(secrets.choice(letters) for _ in range(8)),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "metadata": {},
            "next_invoice_sequence": 1,
            "tax_exempt": "none",
            "test_clock": None,
        }
        body |= _taken(params, body)
        record = self._books.add("customers", body, who=who, at=at)
        self._books.tell("customer.created", record, who=who, at=at)
        return record

    def update(self, number: str, params: Params, *, who: Who, at: datetime) -> Record:
        record = self._books.get("customers", number, "customer")
        before = copied(record.body)
        record.body |= _taken(params, record.body)
        if record.body != before:
            self._books.save(record, at=at)
            self._books.note("updated", record, who)
            self._books.tell("customer.updated", record, who=who, at=at, before=before)
        return record

    def delete(self, number: str, *, who: Who, at: datetime) -> Record:
        record = self._books.get("customers", number, "customer")
        record.archived = True
        self._books.save(record, at=at)
        self._books.note("deleted", record, who)
        self._books.tell("customer.deleted", record, who=who, at=at)
        return record

    def settle_currency(self, record: Record, code: str, *, at: datetime) -> None:
        """The first thing billed decides in which currency a customer is billed."""
        if record.body["currency"] is None:
            record.body["currency"] = code
            self._books.save(record, at=at)

    def next_number(self, record: Record, *, at: datetime) -> str:
        """The number of this customer's next invoice."""
        sequence = record.body["next_invoice_sequence"]
        record.body["next_invoice_sequence"] = sequence + 1
        self._books.save(record, at=at)
        return f"{record.body['invoice_prefix']}-{sequence:04d}"


def currency_of(customer: Record, given: str | None) -> str:
    return currency(given or customer.body["currency"] or "usd")


def _taken(params: Params, present: dict[str, Any]) -> dict[str, Any]:
    """What the parameters change."""
    given: dict[str, Any] = {}
    for name in TEXTS:
        text = params.text(name)
        if text is not None:
            given[name] = text or None
    if given.get("email") and "@" not in given["email"]:
        raise refusal(
            400, f"Invalid email address: {given['email']}", code="email_invalid", param="email"
        )
    given |= {name: params.object(name) or None for name in KEPT if name in params}
    given["metadata"] = params.metadata(present["metadata"])
    params.drop(*IGNORED)
    params.done()
    return given
