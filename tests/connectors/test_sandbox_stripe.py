"""The stand-in for Stripe, seen by Stripe's own library: it bills, remembers keys, and tells."""

from urllib.parse import urlencode

import pytest
import stripe

from connectors.sandbox import Sandbox
from tests.connectors.standins import Backdoor, Ear, ask

KEY = "sk_test_invented"
SECRET = "whsec_invented"


class Billing:
    """The stand-in with its back door, its own library, and plain calls."""

    def __init__(self, sandbox):
        self.control = Backdoor(sandbox)
        self.base = f"{sandbox.url}/stripe"
        self.sdk = stripe.StripeClient(
            KEY, base_addresses={"api": self.base}, max_network_retries=0
        )

    def post(self, path, *, key="", auth=f"Bearer {KEY}", **params):
        """A form without the library; `metadata__k` is `metadata[k]`."""
        names = {name: _bracketed(name) for name in params}
        form = urlencode({names[name]: value for name, value in params.items()}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": auth}
        if key:
            headers["Idempotency-Key"] = key
        return ask(f"{self.base}/v1{path}", "POST", form, **headers)

    def get(self, path):
        return ask(f"{self.base}/v1{path}", Authorization=f"Bearer {KEY}")

    def customer(self, **params):
        return self.sdk.v1.customers.create({"email": "kim@vale.example", **params})

    def invoice(self, amount=123450, currency="eur", **params):
        """A draft over one item."""
        customer = self.customer()
        terms = {"collection_method": "send_invoice", "days_until_due": 14}
        invoice = self.sdk.v1.invoices.create(
            {"customer": customer.id, "currency": currency, **terms, **params}
        )
        item = {"customer": customer.id, "invoice": invoice.id, "currency": currency}
        self.sdk.v1.invoice_items.create({**item, "amount": amount, "description": "Offer"})
        return invoice.id

    def open_invoice(self, **params):
        number = self.invoice(**params)
        self.sdk.v1.invoices.finalize_invoice(number)
        return number

    def act(self, number, act, **body):
        return self.control("POST", f"/stripe/invoices/{number}/{act}", body)

    def made(self, kind, action="created"):
        return self.control.effects("stripe")["counts"].get(kind, {}).get(action, 0)


def _bracketed(name):
    head, *rest = name.split("__")
    return head + "".join(f"[{part}]" for part in rest)


@pytest.fixture
def billing():
    with Sandbox() as sandbox:
        found = Billing(sandbox)
        found.control.configure(stripe={"api_key": KEY, "webhook_secret": SECRET, "search_lag": 0})
        yield found


@pytest.fixture
def ear(billing):
    ear = Ear("/hooks/stripe/")
    billing.control.configure(stripe={"webhook_url": ear.url, "retry_delays": [0.02, 0.02]})
    yield ear
    ear.close()


# Stripe's own library


def test_an_invoice_from_customer_to_open(billing):
    customer = billing.customer(name="Vale Harbour", metadata={"meshline_account": "7"})
    assert customer.id.startswith("cus_")
    assert [one.id for one in billing.sdk.v1.customers.list({"email": "kim@vale.example"})] == [
        customer.id
    ]
    number = billing.invoice(metadata={"meshline_proposal_id": "17"}, description="Offer 17")
    draft = billing.sdk.v1.invoices.retrieve(number)
    assert (draft.status, draft.number, draft.total) == ("draft", None, 123450)
    assert draft.lines.data[0].parent.invoice_item_details.invoice_item.startswith("ii_")
    opened = billing.sdk.v1.invoices.finalize_invoice(number)
    assert (opened.status, opened.amount_due, opened.currency) == ("open", 123450, "eur")
    assert opened.metadata["meshline_proposal_id"] == "17"
    assert opened.number.endswith("-0001")
    assert opened.due_date > opened.created
    assert "payment_intent" not in opened
    assert "charge" not in opened
    page = ask(opened.hosted_invoice_url)
    assert (page.status, b"1234.50 EUR" in page.raw) == (200, True)
    sent = billing.sdk.v1.invoices.send_invoice(number)
    assert sent.status == "open"
    paid = billing.sdk.v1.invoices.pay(number, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_remaining) == ("paid", 0)
