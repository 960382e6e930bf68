"""What is written on an invoice before it moves: its terms, its items, and what they add up to."""

from datetime import datetime, timedelta
from typing import Any

from connectors.sandbox import ids
from connectors.sandbox.records import Record
from connectors.sandbox.stripe_forms import Params, refusal
from connectors.sandbox.stripe_money import check_amount, currency, times_quantity

DEFAULT_DAYS = 30  # until an invoice that is sent is due, when nobody says


def blank(customer: Record, code: str, method: str, at: datetime) -> dict[str, Any]:
    stamp = int(at.timestamp())
    return {
        "account_country": "DE",
        "account_name": "Stand-in account",
        "amount_due": 0,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": False,
        "billing_reason": "manual",
        "collection_method": method,
        "currency": code,
        "custom_fields": None,
        "customer": customer.id,
        "customer_address": customer.body["address"],
        "customer_email": customer.body["email"],
        "customer_name": customer.body["name"],
        "default_payment_method": None,
        "description": None,
        "discounts": [],
        "due_date": None,
        "effective_at": None,
        "ending_balance": None,
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": {"object": "list", "data": [], "has_more": False, "total_count": 0, "url": ""},
        "metadata": {},
        "next_payment_attempt": None,
        "number": None,
        "parent": None,
        "payments": {"object": "list", "data": [], "has_more": False, "total_count": 0},
        "period_end": stamp,
        "period_start": stamp,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "subtotal": 0,
        "subtotal_excluding_tax": 0,
        "test_clock": None,
        "total": 0,
        "total_excluding_tax": 0,
        "total_taxes": [],
    }


def terms(params: Params, method: str, at: datetime) -> dict[str, Any]:
    """When it is due: only for invoices that are sent."""
    days, due = params.number("days_until_due"), params.number("due_date")
    if method != "send_invoice":
        for name, value in (("days_until_due", days), ("due_date", due)):
            if value is not None:
                message = (
                    f"You can only pass `{name}` if `collection_method` is set to `send_invoice`."
                )
                raise refusal(400, message, param=name)
        return {"due_date": None}
    if days is not None and due is not None:
        message = "You may only specify one of these parameters: days_until_due, due_date."
        raise refusal(400, message, param="due_date")
    if days is not None and not 0 <= days <= 3650:
        raise refusal(400, "Invalid days_until_due", param="days_until_due")
    if due is not None and due < at.timestamp():
        raise refusal(400, "The due date must be in the future.", param="due_date")
    later = at + timedelta(days=DEFAULT_DAYS if days is None else days)
    return {"due_date": due if due is not None else int(later.timestamp())}


def item_body(
    params: Params, customer: Record, invoice: str | None, code: str, at: datetime
) -> dict[str, Any]:
    quantity = params.number("quantity")
    amount, unit = params.number("amount"), params.text("unit_amount_decimal")
    if amount is not None and (unit is not None or quantity not in (None, 1)):
        message = "You may only specify one of these parameters: amount, unit_amount_decimal."
        raise refusal(400, message, param="amount")
    if amount is None and unit is None:
        message = "You must pass either `amount` or `unit_amount_decimal`."
        raise refusal(400, message, code="parameter_missing", param="amount")
    quantity = 1 if quantity is None else quantity
    if amount is None:
        amount = times_quantity(str(unit), quantity, "unit_amount_decimal")
    check_amount(amount, currency(code))
    stamp = int(at.timestamp())
    body = {
        "amount": amount,
        "currency": code,
        "customer": customer.id,
        "date": stamp,
        "description": params.text("description") or None,
        "discountable": params.flag("discountable", amount > 0),
        "discounts": [],
        "invoice": invoice,
        "metadata": params.metadata({}),
        "net_amount": amount,
        "parent": None,
        "period": {"end": stamp, "start": stamp},
        "pricing": None,
        "proration": False,
        "quantity": quantity,
        "tax_rates": [],
        "test_clock": None,
    }
    params.drop("period", "tax_behavior", "tax_code", "tax_rates", "discounts")
    params.done()
    return body


def line_of(invoice: Record, item: Record) -> dict[str, Any]:
    body = item.body
    same = ("amount", "currency", "description", "metadata", "period", "quantity", "livemode")
    return {name: body[name] for name in same} | {
        "id": ids.stripe_id("il"),
        "object": "line_item",
        "discounts": [],
        "invoice": invoice.id,
        "parent": {
            "type": "invoice_item_details",
            "invoice_item_details": {"invoice_item": item.id, "proration": False},
        },
        "subtotal": body["amount"],
        "taxes": [],
    }


def item_of(line: dict[str, Any]) -> str:
    number: str = line["parent"]["invoice_item_details"]["invoice_item"]
    return number


def add_up(body: dict[str, Any]) -> None:
    """The totals of a draft, from its lines."""
    lines = body["lines"]
    lines["total_count"] = len(lines["data"])
    lines["url"] = f"/v1/invoices/{body['id']}/lines"
    total = sum(line["amount"] for line in lines["data"])
    for name in ("subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax"):
        body[name] = total
    body["amount_due"] = body["amount_remaining"] = max(total, 0)
