"""Quotes, as far as a proposal tool needs them: draft, open, accepted, canceled."""

from datetime import datetime, timedelta
from typing import Any

from connectors.sandbox import ids
from connectors.sandbox.records import Record
from connectors.sandbox.stripe_books import Books, Who, copied
from connectors.sandbox.stripe_customers import currency_of
from connectors.sandbox.stripe_forms import Params, refusal
from connectors.sandbox.stripe_money import check_amount, times_quantity

# What can be done → (the states it can be done in, the one it leads to, what the event says).
MOVES = {
    "finalize": ({"draft"}, "open", "finalized"),
    "accept": ({"open"}, "accepted", "accepted"),
    "cancel": ({"draft", "open"}, "canceled", "canceled"),
}
VALID_DAYS = 30


class Quotes:
    def __init__(self, books: Books) -> None:
        self._books = books

    def create(self, params: Params, *, who: Who, at: datetime) -> Record:
        customer = self._books.referred("customers", params.needed("customer"), "customer")
        lines = params.object("line_items") or []
        code = currency_of(customer, _first_currency(lines))
        total = sum(_amount(line, code) for line in lines)
        body = {
            "amount_subtotal": total,
            "amount_total": total,
            "collection_method": "charge_automatically",
            "currency": code,
            "customer": customer.id,
            "description": params.text("description") or None,
            "expires_at": int((at + timedelta(days=VALID_DAYS)).timestamp()),
            "invoice": None,
            "metadata": params.metadata({}),
            "number": None,
            "status": "draft",
            "status_transitions": {"accepted_at": None, "canceled_at": None, "finalized_at": None},
        }
        params.drop("expires_at", "header", "footer", "collection_method", "invoice_settings")
        params.done()
        record = self._books.add("quotes", body, who=who, at=at)
        self._books.tell("quote.created", record, who=who, at=at)
        return record

    def move(self, number: str, act: str, *, who: Who, at: datetime) -> Record:
        record = self._books.get("quotes", number, "quote")
        states, status, done = MOVES[act]
        if record.body["status"] not in states:
            message = f"You can't {act} a quote that is {record.body['status']}."
            raise refusal(400, message)
        before = copied(record.body)
        record.body["status"] = status
        record.body["status_transitions"][f"{done}_at"] = int(at.timestamp())
        if act == "finalize":
            record.body["number"] = f"QT-{ids.stripe_id('x', 8)[2:].upper()}-1"
        self._books.save(record, at=at)
        self._books.note(done, record, who)
        self._books.tell(f"quote.{done}", record, who=who, at=at, before=before)
        return record


def _first_currency(lines: Any) -> str | None:
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise refusal(400, "Invalid array", param="line_items")
    prices = [line.get("price_data") for line in lines]
    found = [str(one.get("currency")) for one in prices if isinstance(one, dict)]
    return found[0] if found else None


def _amount(line: dict[str, Any], code: str) -> int:
    price, quantity = line.get("price_data"), str(line.get("quantity", "1"))
    if not isinstance(price, dict):
        number = str(line.get("price", ""))[:80]
        message = f"No such price: '{number}'"
        raise refusal(400, message, code="resource_missing", param="line_items[0][price]")
    if not (quantity.isascii() and quantity.isdigit() and len(quantity) < 10):
        raise refusal(400, f"Invalid integer: {quantity[:80]}", param="line_items[0][quantity]")
    unit = str(price.get("unit_amount", price.get("unit_amount_decimal", "")))
    amount = times_quantity(unit, int(quantity), "line_items[0][price_data][unit_amount]")
    check_amount(amount, code)
    return amount
