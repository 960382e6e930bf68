"""A person at Stripe's screen, or the customer at an invoice: looks, pays, voids, disputes."""

import re
from typing import Any

from connectors.sandbox import times
from connectors.sandbox.desk import Desk, newest, release, resend
from connectors.sandbox.exchange import Answer, FieldError, Request, json_answer
from connectors.sandbox.records import Record
from connectors.sandbox.stripe_books import KINDS, Books, Who
from connectors.sandbox.stripe_customers import Customers
from connectors.sandbox.stripe_forms import Params
from connectors.sandbox.stripe_invoices import Invoices
from connectors.sandbox.stripe_keys import Keys
from connectors.sandbox.stripe_payments import Payments
from connectors.sandbox.stripe_quotes import MOVES as QUOTE_MOVES
from connectors.sandbox.stripe_quotes import Quotes
from connectors.sandbox.stripe_webhooks import StripeWebhooks

PERSON = Who("person")
VENDOR = Who("vendor")
# What can be done to an invoice → the states in which it makes sense.
ACTS = {
    "finalize": {"draft"},
    "send": {"draft", "open"},
    "pay": {"open", "uncollectible"},
    "pay_out_of_band": {"open", "uncollectible"},
    "fail": {"open"},
    "void": {"open", "uncollectible"},
    "mark_uncollectible": {"open"},
    "overdue": {"open"},
    "dispute": {"paid"},
    "win_dispute": {"paid"},
    "lose_dispute": {"paid"},
    "credit": {"open", "paid"},
}
NUMBER = r"/(?P<number>\w+)"


class StripeDesk(Desk):
    ROUTES = (
        ("GET", re.compile("/stripe/(?P<kind>" + "|".join(KINDS) + ")"), "list"),
        ("POST", re.compile("/stripe/invoices"), "create"),
        (
            "POST",
            re.compile("/stripe/invoices" + NUMBER + "/(?P<act>" + "|".join(ACTS) + ")"),
            "act",
        ),
        ("POST", re.compile("/stripe/invoices" + NUMBER + "/metadata"), "describe"),
        (
            "POST",
            re.compile("/stripe/quotes" + NUMBER + "/(?P<act>" + "|".join(QUOTE_MOVES) + ")"),
            "move_quote",
        ),
        ("POST", re.compile("/stripe/forget-keys"), "forget_keys"),
        ("GET", re.compile("/stripe/webhooks"), "webhooks_sent"),
        ("POST", re.compile("/stripe/webhooks/release"), "release"),
        ("POST", re.compile("/stripe/webhooks/resend"), "resend"),
    )

    def __init__(
        self,
        *,
        books: Books,
        customers: Customers,
        invoices: Invoices,
        payments: Payments,
        quotes: Quotes,
        keys: Keys,
        webhooks: StripeWebhooks,
    ) -> None:
        self._books = books
        self._customers = customers
        self._invoices = invoices
        self._payments = payments
        self._quotes = quotes
        self._keys = keys
        self._webhooks = webhooks

    def _list(self, request: Request, kind: str) -> Answer:
        """The newest first; with `?of=in_…` the events of that one alone."""
        if one := request.first("of"):
            found = self._books.records.chosen(kind, {"data.object.id": one})
        else:
            found = self._books.records.newest(kind, limit=newest(request, 20))
        return json_answer(200, {"results": [object_view(record) for record in found]})

    def _create(self, request: Request) -> Answer:
        """An invoice made by hand: customer (an id) or email, amount, currency, description."""
        asked, at = request.json(), times.now()
        given = {name: str(asked[name]) for name in ("description",) if asked.get(name)}
        if not str(asked.get("amount", "")).lstrip("-").isdigit():
            raise FieldError("amount", "The amount is a whole number of the smallest unit.")
        with self._books.all_or_nothing():
            customer = str(asked.get("customer") or "") or self._new_customer(asked).id
            common = {"customer": customer, "currency": str(asked.get("currency") or "eur")}
            metadata = _metadata(asked)
            terms = {"collection_method": "send_invoice", "metadata": metadata}
            invoice = self._invoices.create(Params({**common, **terms}), who=PERSON, at=at)
            item = {**common, **given, "invoice": invoice.id, "amount": str(asked["amount"])}
            self._invoices.add_item(Params(item), who=PERSON, at=at)
        return json_answer(201, object_view(self._books.get("invoices", invoice.id)))

    def _new_customer(self, asked: dict[str, Any]) -> Record:
        given = {n: str(asked[n]) for n in ("email", "name") if asked.get(n)}
        return self._customers.create(Params(given), who=PERSON, at=times.now())

    def _act(self, request: Request, number: str, act: str) -> Answer:
        with self._books.all_or_nothing():
            getattr(self, f"_do_{act}", self._do)(number, act, request.json())
        return json_answer(200, object_view(self._books.get("invoices", number)))

    def _do(self, number: str, act: str, asked: dict[str, Any]) -> None:
        getattr(self._invoices, act)(number, who=PERSON, at=times.now())

    def _do_pay(self, number: str, act: str, asked: dict[str, Any]) -> None:
        self._payments.pay(number, who=PERSON, at=times.now())

    def _do_pay_out_of_band(self, number: str, act: str, asked: dict[str, Any]) -> None:
        self._payments.pay_elsewhere(number, who=PERSON, at=times.now())

    def _do_fail(self, number: str, act: str, asked: dict[str, Any]) -> None:
        self._payments.fail(number, who=PERSON, at=times.now())

    def _do_overdue(self, number: str, act: str, asked: dict[str, Any]) -> None:
        self._invoices.overdue(number, who=VENDOR, at=times.now())

    def _do_dispute(self, number: str, act: str, asked: dict[str, Any]) -> None:
        reason = str(asked.get("reason") or "product_not_received")
        self._payments.dispute(number, reason, who=PERSON, at=times.now())

    def _do_win_dispute(self, number: str, act: str, asked: dict[str, Any]) -> None:
        self._payments.close_dispute(number, won=True, who=VENDOR, at=times.now())

    def _do_lose_dispute(self, number: str, act: str, asked: dict[str, Any]) -> None:
        self._payments.close_dispute(number, won=False, who=VENDOR, at=times.now())

    def _do_credit(self, number: str, act: str, asked: dict[str, Any]) -> None:
        amount = asked.get("amount")
        if amount is not None and (isinstance(amount, bool) or not isinstance(amount, int)):
            raise FieldError("amount", "The amount is a whole number of the smallest unit.")
        self._payments.credit(number, amount, who=PERSON, at=times.now())

    def _describe(self, request: Request, number: str) -> Answer:
        """A person edits the metadata: a key with an empty text is taken away."""
        params = Params({"metadata": _metadata(request.json())})
        with self._books.all_or_nothing():
            record = self._invoices.update(number, params, who=PERSON, at=times.now())
        return json_answer(200, object_view(record))

    def _move_quote(self, request: Request, number: str, act: str) -> Answer:
        with self._books.all_or_nothing():
            record = self._quotes.move(number, act, who=PERSON, at=times.now())
        return json_answer(200, object_view(record))

    def _forget_keys(self, request: Request) -> Answer:
        return json_answer(200, {"forgotten": self._keys.forget()})

    def _webhooks_sent(self, request: Request) -> Answer:
        return json_answer(200, {"webhooks": self._webhooks.history()})

    def _release(self, request: Request) -> Answer:
        return release(self._webhooks, request)

    def _resend(self, request: Request) -> Answer:
        return resend(self._webhooks, request)


def _metadata(asked: dict[str, Any]) -> dict[str, str]:
    given = asked.get("metadata") or {}
    if not isinstance(given, dict):
        raise FieldError("metadata", "The metadata is not an object.")
    return {str(name): str(value) for name, value in given.items()}


def object_view(record: Record) -> dict[str, Any]:
    """An object as it is, with its page; an invoice also with what can be done next."""
    told = {**record.body, "url": f"/stripe/app/{record.kind}/{record.id}"}
    if record.kind == "invoices":
        told["actions"] = [act for act, states in ACTS.items() if record.body["status"] in states]
    return told
