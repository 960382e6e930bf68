"""Invoices and what stands on them: a table of states, and the verbs that move them."""

from datetime import datetime, timedelta
from typing import Any

from connectors.sandbox import ids
from connectors.sandbox.records import Record
from connectors.sandbox.stripe_books import Books, Who, copied
from connectors.sandbox.stripe_customers import Customers, currency_of
from connectors.sandbox.stripe_forms import Params, refusal
from connectors.sandbox.stripe_money import check_amount, currency, times_quantity

# What can be done → the states it can be done in. Sending and paying finalize a draft first.
MOVES = {
    "finalize": {"draft"},
    "send": {"draft", "open", "paid", "uncollectible"},
    "pay": {"draft", "open", "uncollectible"},
    "void": {"open", "uncollectible"},
    "mark_uncollectible": {"open"},
}
NOT_NOW = {
    "finalize": "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
    "send": "You can only send an invoice that is draft, open or paid.",
    "pay": "Invoice is already paid or voided: its status is {status}.",
    "void": "You can only pass in open invoices. This invoice isn't open.",
    "mark_uncollectible": "You can only pass in open invoices. This invoice isn't open.",
}
# Parameters Stripe knows and this stand-in makes nothing of.
IGNORED = (
    *("footer", "custom_fields", "statement_descriptor", "payment_settings", "rendering"),
    *("automatic_tax", "default_tax_rates", "default_payment_method", "default_source"),
    *("account_tax_ids", "automatically_finalizes_at", "issuer", "on_behalf_of", "shipping_cost"),
    *("shipping_details", "discounts", "transfer_data", "application_fee_amount"),
)
DEFAULT_DAYS = 30  # until an invoice that is sent is due, when nobody says


class Invoices:
    def __init__(self, books: Books, customers: Customers) -> None:
        self._books = books
        self._customers = customers

    # Making

    def create(self, params: Params, *, who: Who, at: datetime) -> Record:
        customer = self._books.referred("customers", params.needed("customer"), "customer")
        code = currency_of(customer, params.text("currency"))
        method = params.one_of(
            "collection_method", ("charge_automatically", "send_invoice"), "charge_automatically"
        )
        body = _blank(customer, code, method, at)
        body |= _terms(params, method, at)
        body["auto_advance"] = params.flag("auto_advance")
        body["description"] = params.text("description") or None
        body["metadata"] = params.metadata({})
        pending = params.one_of("pending_invoice_items_behavior", ("exclude", "include"), "exclude")
        params.drop(*IGNORED)
        params.done()
        record = self._books.add("invoices", body, who=who, at=at)
        self._customers.settle_currency(customer, code, at=at)
        if pending == "include":
            self._take_in_pending(record, at=at)
        self._books.tell("invoice.created", record, who=who, at=at)
        return record

    def _take_in_pending(self, record: Record, *, at: datetime) -> None:
        wanted = {"customer": record.body["customer"], "currency": record.body["currency"]}
        for item in reversed(self._books.records.chosen("invoiceitems", wanted)):
            if item.body["invoice"] is None:
                item.body["invoice"] = record.id
                self._books.save(item, at=at)
                self._add_line(record, item)
        self._books.save(record, at=at)

    def add_item(self, params: Params, *, who: Who, at: datetime) -> Record:
        customer = self._books.referred("customers", params.needed("customer"), "customer")
        number = params.text("invoice") or None
        invoice = self._draft(number, customer) if number else None
        given = params.text("currency") or (invoice.body["currency"] if invoice else None)
        code = currency_of(customer, given)
        if invoice and invoice.body["currency"] != code:
            message = (
                f"The currency of the invoice item ({code}) must be that of the invoice"
                f" ({invoice.body['currency']})."
            )
            raise refusal(400, message, param="currency")
        body = _item(params, customer, number, code, at)
        item = self._books.add("invoiceitems", body, who=who, at=at)
        self._customers.settle_currency(customer, code, at=at)
        self._books.tell("invoiceitem.created", item, who=who, at=at)
        if invoice:
            before = copied(invoice.body)
            self._add_line(invoice, item)
            self._changed(invoice, before, who=who, at=at)
        return item

    def _draft(self, number: str, customer: Record) -> Record:
        invoice = self._books.referred("invoices", number, "invoice")
        if invoice.body["status"] != "draft":
            message = f"The invoice {number} is no longer editable: it is finalized."
            raise refusal(400, message, code="invoice_not_editable", param="invoice")
        if invoice.body["customer"] != customer.id:
            message = f"The invoice {number} belongs to another customer."
            raise refusal(400, message, param="invoice")
        return invoice

    def _add_line(self, invoice: Record, item: Record) -> None:
        invoice.body["lines"]["data"].append(_line(invoice, item))
        _add_up(invoice.body)

    def delete_item(self, number: str, *, who: Who, at: datetime) -> Record:
        item = self._books.get("invoiceitems", number)
        if item.body["invoice"]:
            invoice = self._books.get("invoices", item.body["invoice"])
            if invoice.body["status"] != "draft":
                message = "This invoice item is attached to an invoice that is finalized."
                raise refusal(400, message, code="invoice_not_editable")
            before = copied(invoice.body)
            lines = invoice.body["lines"]
            lines["data"] = [one for one in lines["data"] if _item_of(one) != number]
            _add_up(invoice.body)
            self._changed(invoice, before, who=who, at=at)
        item.archived = True
        self._books.save(item, at=at)
        self._books.note("deleted", item, who)
        return item

    # Changing

    def update(self, number: str, params: Params, *, who: Who, at: datetime) -> Record:
        """Metadata at any time, everything else only in draft."""
        record = self._books.get("invoices", number, "invoice")
        before = copied(record.body)
        record.body["metadata"] = params.metadata(record.body["metadata"])
        asked = [name for name in ("description", "due_date", "days_until_due") if name in params]
        if asked and record.body["status"] != "draft":
            message = "Finalized invoices can't be updated in this way."
            raise refusal(400, message, code="invoice_not_editable", param=asked[0])
        if "description" in params:
            record.body["description"] = params.text("description") or None
        if "due_date" in params or "days_until_due" in params:
            record.body |= _terms(params, record.body["collection_method"], at)
        record.body["auto_advance"] = params.flag("auto_advance", record.body["auto_advance"])
        params.drop(*IGNORED)
        params.done()
        if record.body != before:
            self._books.note("updated", record, who)
            self._changed(record, before, who=who, at=at)
        return record

    def delete(self, number: str, *, who: Who, at: datetime) -> Record:
        record = self._books.get("invoices", number, "invoice")
        if record.body["status"] != "draft":
            message = "You can only delete draft invoices."
            raise refusal(400, message, code="invoice_not_editable")
        record.archived = True
        self._books.save(record, at=at)
        self._books.note("deleted", record, who)
        self._books.tell("invoice.deleted", record, who=who, at=at)
        return record

    # Moving

    def finalize(self, number: str, *, who: Who, at: datetime) -> Record:
        record = self._allowed(number, "finalize")
        self._finalize(record, who=who, at=at)
        return record

    def _finalize(self, record: Record, *, who: Who, at: datetime) -> None:
        body, before = record.body, copied(record.body)
        customer = self._books.referred("customers", body["customer"], "customer")
        page = f"{self._books.home()}/stripe/app/invoices/{record.id}"
        body |= {
            "status": "open",
            "number": self._customers.next_number(customer, at=at),
            "hosted_invoice_url": page,
            "invoice_pdf": f"{page}?pdf",
            "effective_at": int(at.timestamp()),
        }
        body["status_transitions"]["finalized_at"] = int(at.timestamp())
        self._books.note("finalized", record, who)
        self._books.tell("invoice.finalized", record, who=who, at=at)
        self._changed(record, before, who=who, at=at)
        if body["amount_remaining"] <= 0:  # nothing is owed
            self.settle(record, who=who, at=at, collected=False)

    def send(self, number: str, *, who: Who, at: datetime) -> Record:
        record = self._allowed(number, "send")
        if record.body["collection_method"] != "send_invoice":
            message = (
                "You can only manually send an invoice if its collection method is 'send_invoice'."
            )
            raise refusal(400, message)
        if record.body["status"] == "draft":
            self._finalize(record, who=who, at=at)
        self._books.note("sent", record, who)
        self._books.tell("invoice.sent", record, who=who, at=at)
        return record

    def ready_to_pay(self, number: str, *, who: Who, at: datetime) -> Record:
        record = self._allowed(number, "pay")
        if record.body["status"] == "draft":
            self._finalize(record, who=who, at=at)
        return record

    def settle(self, record: Record, *, who: Who, at: datetime, collected: bool) -> None:
        """Paid in full; `collected` when Stripe itself got the money."""
        body, before = record.body, copied(record.body)
        body |= {
            "status": "paid",
            "amount_paid": body["amount_due"],
            "amount_remaining": 0,
            "attempted": True,
            "attempt_count": body["attempt_count"] + (1 if collected else 0),
            "auto_advance": False,
        }
        body["status_transitions"]["paid_at"] = int(at.timestamp())
        self._books.note("paid", record, who)
        self._books.tell("invoice.paid", record, who=who, at=at)
        if collected:
            self._books.tell("invoice.payment_succeeded", record, who=who, at=at)
        self._changed(record, before, who=who, at=at)

    def fail(self, record: Record, *, who: Who, at: datetime) -> None:
        """A payment was tried and came to nothing."""
        before = copied(record.body)
        record.body |= {"attempted": True, "attempt_count": record.body["attempt_count"] + 1}
        self._books.note("payment_failed", record, who)
        self._books.tell("invoice.payment_failed", record, who=who, at=at)
        self._changed(record, before, who=who, at=at)

    def void(self, number: str, *, who: Who, at: datetime) -> Record:
        record = self._allowed(number, "void")
        self._end(record, "void", "voided", who=who, at=at)
        return record

    def mark_uncollectible(self, number: str, *, who: Who, at: datetime) -> Record:
        record = self._allowed(number, "mark_uncollectible")
        self._end(record, "uncollectible", "marked_uncollectible", who=who, at=at)
        return record

    def overdue(self, number: str, *, who: Who, at: datetime) -> Record:
        """Its day has passed without money: the due date is moved to just before now."""
        record = self._books.get("invoices", number, "invoice")
        if record.body["status"] != "open":
            raise refusal(400, "Only an open invoice can be overdue.")
        before = copied(record.body)
        record.body["due_date"] = int(at.timestamp()) - 1
        self._books.note("overdue", record, who)
        self._books.tell("invoice.overdue", record, who=who, at=at)
        self._changed(record, before, who=who, at=at)
        return record

    def credit(self, record: Record, amount: int, *, who: Who, at: datetime) -> None:
        """A credit note lowers what is still owed, or counts beside what was paid."""
        body, before = record.body, copied(record.body)
        if body["status"] == "open":
            body["pre_payment_credit_notes_amount"] += amount
            body["amount_due"] -= amount
            body["amount_remaining"] -= amount
        else:
            body["post_payment_credit_notes_amount"] += amount
        self._books.note("credited", record, who)
        self._changed(record, before, who=who, at=at)
        if body["status"] == "open" and body["amount_remaining"] == 0:
            self.settle(record, who=who, at=at, collected=False)

    def _allowed(self, number: str, move: str) -> Record:
        record = self._books.get("invoices", number, "invoice")
        status = record.body["status"]
        if status not in MOVES[move]:
            raise refusal(400, NOT_NOW[move].format(status=status))
        return record

    def _end(self, record: Record, status: str, done: str, *, who: Who, at: datetime) -> None:
        body, before = record.body, copied(record.body)
        body |= {"status": status, "auto_advance": False}
        if status == "void":
            body["amount_remaining"] = 0
        body["status_transitions"][f"{done}_at"] = int(at.timestamp())
        self._books.note(done, record, who)
        self._books.tell(f"invoice.{done}", record, who=who, at=at)
        self._changed(record, before, who=who, at=at)

    def _changed(self, record: Record, before: dict[str, Any], *, who: Who, at: datetime) -> None:
        self._books.save(record, at=at)
        self._books.tell("invoice.updated", record, who=who, at=at, before=before)


def allowed(record: Record) -> list[str]:
    """What can be done next with an invoice."""
    return [move for move, states in MOVES.items() if record.body["status"] in states]


def _blank(customer: Record, code: str, method: str, at: datetime) -> dict[str, Any]:
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


def _terms(params: Params, method: str, at: datetime) -> dict[str, Any]:
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


def _item(
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


def _line(invoice: Record, item: Record) -> dict[str, Any]:
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


def _item_of(line: dict[str, Any]) -> str:
    number: str = line["parent"]["invoice_item_details"]["invoice_item"]
    return number


def _add_up(body: dict[str, Any]) -> None:
    """The totals of a draft, from its lines."""
    lines = body["lines"]
    lines["total_count"] = len(lines["data"])
    lines["url"] = f"/v1/invoices/{body['id']}/lines"
    total = sum(line["amount"] for line in lines["data"])
    for name in ("subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax"):
        body[name] = total
    body["amount_due"] = body["amount_remaining"] = max(total, 0)
