"""Money that comes, stays away, or is wanted back: charges, payments, disputes, credit notes."""

from datetime import datetime
from typing import Any

from connectors.sandbox import ids
from connectors.sandbox.records import Record
from connectors.sandbox.stripe_books import Books, Who, copied
from connectors.sandbox.stripe_forms import refusal
from connectors.sandbox.stripe_invoices import Invoices
from connectors.sandbox.stripe_money import check_amount

DECLINED = "Your card was declined."
REASONS = (
    *("bank_cannot_process", "credit_not_processed", "customer_initiated", "duplicate"),
    *("fraudulent", "general", "product_not_received", "product_unacceptable", "unrecognized"),
)


class Payments:
    def __init__(self, books: Books, invoices: Invoices) -> None:
        self._books = books
        self._invoices = invoices

    def pay(self, number: str, *, who: Who, at: datetime) -> Record:
        """By card: a charge, a payment, and the invoice paid."""
        record = self._invoices.ready_to_pay(number, who=who, at=at)
        if record.body["status"] != "paid":
            charge = self._charge(record, "succeeded", who=who, at=at)
            self._book(record, charge, who=who, at=at)
            self._invoices.settle(record, who=who, at=at, collected=True)
        return record

    def pay_elsewhere(self, number: str, *, who: Who, at: datetime) -> Record:
        """Somebody says that the money came another way."""
        record = self._invoices.ready_to_pay(number, who=who, at=at)
        if record.body["status"] != "paid":
            self._book(record, None, who=who, at=at)
            self._invoices.settle(record, who=who, at=at, collected=False)
        return record

    def fail(self, number: str, *, who: Who, at: datetime) -> Record:
        """The card is declined: a failed charge, and the invoice as open as before."""
        record = self._invoices.ready_to_pay(number, who=who, at=at)
        if record.body["status"] != "paid":
            self._charge(record, "failed", who=who, at=at)
            self._invoices.fail(record, who=who, at=at)
        return record

    def dispute(self, number: str, reason: str, *, who: Who, at: datetime) -> Record:
        """The customer wants the money of a paid invoice back from their bank."""
        invoice = self._books.get("invoices", number, "invoice")
        charge = self._charge_of(invoice)
        if charge is None or charge.body["disputed"]:
            raise refusal(400, "Only an invoice paid by card can be disputed, and only once.")
        if reason not in REASONS:
            raise refusal(400, f"The reason is one of {', '.join(REASONS)}.", param="reason")
        body = {
            "amount": charge.body["amount"],
            "balance_transactions": [],
            "charge": charge.id,
            "currency": charge.body["currency"],
            "evidence": {},
            "evidence_details": {
                "due_by": int(at.timestamp()) + 7 * 86_400,
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            "is_charge_refundable": False,
            "metadata": {},
            "payment_intent": charge.body["payment_intent"],
            "reason": reason,
            "status": "needs_response",
        }
        record = self._books.add("disputes", body, who=who, at=at)
        charge.body |= {"disputed": True}
        self._books.save(charge, at=at)
        self._books.tell("charge.dispute.created", record, who=who, at=at)
        return record

    def close_dispute(self, number: str, *, won: bool, who: Who, at: datetime) -> Record:
        """The bank decides over the dispute of an invoice: for us (won) or for the customer."""
        charge = self._charge_of(self._books.get("invoices", number, "invoice"))
        found = self._books.records.chosen("disputes", {"charge": charge.id}) if charge else []
        if not found or found[0].body["status"] != "needs_response":
            raise refusal(400, "This invoice has no open dispute.")
        record, before = found[0], copied(found[0].body)
        record.body["status"] = "won" if won else "lost"
        self._books.save(record, at=at)
        self._books.note(record.body["status"], record, who)
        self._books.tell("charge.dispute.closed", record, who=who, at=at, before=before)
        return record

    def credit(self, number: str, amount: int | None, *, who: Who, at: datetime) -> Record:
        """A credit note over part of an invoice, or all of it."""
        invoice = self._books.get("invoices", number, "invoice")
        body = invoice.body
        if body["status"] not in ("open", "paid"):
            raise refusal(400, "A credit note needs an invoice that is open or paid.")
        most = (
            body["amount_remaining"]
            if body["status"] == "open"
            else (body["amount_paid"] - body["post_payment_credit_notes_amount"])
        )
        amount = most if amount is None else amount
        if not 0 < amount <= most:
            raise refusal(400, f"The amount is from 1 to {most}.", param="amount")
        check_amount(amount, body["currency"])
        note = {
            "amount": amount,
            "currency": body["currency"],
            "customer": body["customer"],
            "invoice": invoice.id,
            "metadata": {},
            "number": f"{body['number']}-CN-01",
            "reason": None,
            "status": "issued",
            "total": amount,
            "type": "pre_payment" if body["status"] == "open" else "post_payment",
        }
        record = self._books.add("credit_notes", note, who=who, at=at)
        self._books.tell("credit_note.created", record, who=who, at=at)
        self._invoices.credit(invoice, amount, who=who, at=at)
        return record

    def _charge_of(self, invoice: Record) -> Record | None:
        for payment in invoice.body["payments"]["data"]:
            if charge := payment["payment"].get("charge"):
                return self._books.get("charges", charge)
        return None

    def _charge(self, invoice: Record, status: str, *, who: Who, at: datetime) -> Record:
        body, failed = invoice.body, status == "failed"
        charge = {
            "amount": body["amount_remaining"],
            "amount_captured": 0 if failed else body["amount_remaining"],
            "amount_refunded": 0,
            "captured": not failed,
            "currency": body["currency"],
            "customer": body["customer"],
            "description": body["description"],
            "disputed": False,
            "failure_code": "card_declined" if failed else None,
            "failure_message": DECLINED if failed else None,
            "metadata": {},
            "paid": not failed,
            "payment_intent": ids.stripe_id("pi"),
            "refunded": False,
            "status": status,
        }
        record = self._books.add("charges", charge, who=who, at=at)
        self._books.tell(f"charge.{status}", record, who=who, at=at)
        return record

    def _book(self, invoice: Record, charge: Record | None, *, who: Who, at: datetime) -> None:
        """The payment object that joins an invoice and its money."""
        body = invoice.body
        way: dict[str, Any] = {"type": "out_of_band_payment"}
        if charge:
            way = {
                "type": "payment_intent",
                "payment_intent": charge.body["payment_intent"],
                "charge": charge.id,
            }
        payment = {
            "amount_paid": body["amount_remaining"],
            "amount_requested": body["amount_remaining"],
            "currency": body["currency"],
            "invoice": invoice.id,
            "is_default": True,
            "payment": way,
            "status": "paid",
            "status_transitions": {"canceled_at": None, "paid_at": int(at.timestamp())},
        }
        record = self._books.add("invoice_payments", payment, who=who, at=at)
        body["payments"]["data"].append(record.body)
        body["payments"]["total_count"] += 1
