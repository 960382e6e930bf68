"""Quotes, as far as a proposal tool needs them: draft, open, accepted, canceled.

An accepted one becomes an invoice, a draft that names it; recurring prices are not known here.
"""

from datetime import datetime, timedelta
from typing import Any

from connectors.sandbox import ids
from connectors.sandbox.records import Record
from connectors.sandbox.stripe_books import Books, Who, copied
from connectors.sandbox.stripe_customers import currency_of
from connectors.sandbox.stripe_forms import Params, refusal
from connectors.sandbox.stripe_invoices import Invoices
from connectors.sandbox.stripe_money import check_amount, times_quantity

# What can be done → (the states it can be done in, the one it leads to, what the event says).
MOVES = {
    "finalize": ({"draft"}, "open", "finalized"),
    "accept": ({"open"}, "accepted", "accepted"),
    "cancel": ({"draft", "open"}, "canceled", "canceled"),
}
VALID_DAYS = 30


class Quotes:
    def __init__(self, books: Books, invoices: Invoices) -> None:
        self._books = books
        self._invoices = invoices

    def create(self, params: Params, *, who: Who, at: datetime) -> Record:
        customer = self._books.referred("customers", params.needed("customer"), "customer")
        lines = params.object("line_items") or []
        code = currency_of(customer, _first_currency(lines))
        priced = [_line(line, code) for line in lines]
        total = sum(line["amount_total"] for line in priced)
        method = params.one_of(
            "collection_method", ("charge_automatically", "send_invoice"), "charge_automatically"
        )
        body = {
            "amount_subtotal": total,
            "amount_total": total,
            "collection_method": method,
            "currency": code,
            "customer": customer.id,
            "description": params.text("description") or None,
            "expires_at": int((at + timedelta(days=VALID_DAYS)).timestamp()),
            "header": params.text("header") or None,
            "invoice": None,
            "line_items": {"object": "list", "data": priced, "has_more": False},
            "metadata": params.metadata({}),
            "number": None,
            "status": "draft",
            "status_transitions": {"accepted_at": None, "canceled_at": None, "finalized_at": None},
            "subscription": None,
            "subscription_schedule": None,
        }
        params.drop("expires_at", "footer", "invoice_settings")
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
        if act == "accept":
            lines = record.body["line_items"]["data"]
            record.body["invoice"] = self._invoices.of_quote(record, lines, who=who, at=at).id
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


def _line(line: dict[str, Any], code: str) -> dict[str, Any]:
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
    named = str(price.get("product") or "Item")[:80]
    return {
        "id": ids.stripe_id("li"), "object": "item", "amount_total": amount, "currency": code,
        "description": named, "quantity": int(quantity),
    }  # fmt: skip
