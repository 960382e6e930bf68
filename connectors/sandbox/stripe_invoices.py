"""Invoices and what stands on them: a table of states, and the verbs that move them."""

from datetime import datetime
from typing import Any

from connectors.sandbox.records import Record
from connectors.sandbox.stripe_books import Books, Who, copied
from connectors.sandbox.stripe_customers import Customers, currency_of
from connectors.sandbox.stripe_forms import Params, refusal
from connectors.sandbox.stripe_lines import add_up, blank, item_body, item_of, line_of, terms

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
        body = blank(customer, code, method, at)
        body |= terms(params, method, at)
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

    def of_quote(
        self, quote: Record, lines: list[dict[str, Any]], *, who: Who, at: datetime
    ) -> Record:
        """The draft that an accepted quote becomes, with a line for each of its own."""
        customer = self._books.referred("customers", quote.body["customer"], "customer")
        code, method = quote.body["currency"], quote.body["collection_method"]
        body = blank(customer, code, method, at) | terms(Params({}), method, at)
        body |= {
            "billing_reason": "quote_accept",
            "description": quote.body["description"],
            "parent": {
                "type": "quote_details",
                "quote_details": {"quote": quote.id},
                "subscription_details": None,
            },
        }
        record = self._books.add("invoices", body, who=who, at=at)
        self._customers.settle_currency(customer, code, at=at)
        for line in lines:
            said = {"amount": str(line["amount_total"]), "description": line["description"]}
            item = item_body(Params(said), customer, record.id, code, at)
            added = self._books.add("invoiceitems", item, who=who, at=at)
            self._add_line(record, added)
        self._books.save(record, at=at)
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
        body = item_body(params, customer, number, code, at)
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
        invoice.body["lines"]["data"].append(line_of(invoice, item))
        add_up(invoice.body)

    def delete_item(self, number: str, *, who: Who, at: datetime) -> Record:
        item = self._books.get("invoiceitems", number)
        if item.body["invoice"]:
            invoice = self._books.get("invoices", item.body["invoice"])
            if invoice.body["status"] != "draft":
                message = "This invoice item is attached to an invoice that is finalized."
                raise refusal(400, message, code="invoice_not_editable")
            before = copied(invoice.body)
            lines = invoice.body["lines"]
            lines["data"] = [one for one in lines["data"] if item_of(one) != number]
            add_up(invoice.body)
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
            record.body |= terms(params, record.body["collection_method"], at)
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
