"""The vendors' own libraries, and somebody else's emulator: what they sign and send is understood.

Our stand-ins are written by us and could share our mistakes; these are not.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from socket import socket

import pytest
import stripe as stripe_sdk
from hubspot.utils.signature import Signature
from standardwebhooks.webhooks import Webhook

from connectors import http
from connectors.base import Trouble
from connectors.http import CallError
from connectors.models import Message, RecordLink
from connectors.stripe.client import Client as StripeClient
from meshline import instant
from proposals.models import Proposal
from tests import factories
from tests.connectors.crm import say
from tests.connectors.standins import until
from tests.factories import CLIENT_SECRET, WEBHOOK_SECRET, WHSEC, post_hubspot, post_stripe

KEY = "sk_test_of_the_tests"


# --- They sign, we believe -------------------------------------------------------------------
@pytest.mark.django_db
def test_what_stripes_library_signs_is_believed_and_what_it_would_refuse_is_refused(client):
    factories.stripe()
    event = {"id": "evt_1", "object": "event", "type": "price.created", "created": 1, "data": {}}
    body, stamp = json.dumps(event), int(instant.now().timestamp())
    signed = stripe_sdk.WebhookSignature._compute_signature(f"{stamp}.{body}", WEBHOOK_SECRET)
    header = f"t={stamp},v1={signed}"
    assert stripe_sdk.Webhook.construct_event(body, header, WEBHOOK_SECRET).id == "evt_1"
    answer = post_stripe(body.encode(), **{"Stripe-Signature": header})
    assert answer.status_code == 202
    # The signature is over the bytes: the same event written anew is another one.
    again = json.dumps(event, indent=1)
    with pytest.raises(stripe_sdk.SignatureVerificationError):
        stripe_sdk.Webhook.construct_event(again, header, WEBHOOK_SECRET)
    answer = post_stripe(again.encode(), **{"Stripe-Signature": header})
    assert answer.status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_what_hubspots_library_signs_is_believed(settings, version):
    factories.connected("hubspot", signing=CLIENT_SECRET, options={"signature": version})
    body = json.dumps([{"eventId": 1, "subscriptionType": "contact.creation", "objectId": 5}])
    stamp = str(int(instant.now().timestamp() * 1000))
    signed = Signature.get_signature(
        CLIENT_SECRET, body, version, f"{settings.PUBLIC_URL}/hooks/hubspot/", "POST", stamp
    )
    headers = (
        {"X-HubSpot-Signature-v3": signed, "X-HubSpot-Request-Timestamp": stamp}
        if version == "v3"
        else {"X-HubSpot-Signature": signed, "X-HubSpot-Signature-Version": version}
    )
    assert post_hubspot(body.encode(), **headers).status_code == 202
    assert post_hubspot(body.encode() + b" ", **headers).status_code == 401


@pytest.mark.django_db
def test_what_the_standards_library_signs_is_believed(client):
    factories.standard()
    body, at = json.dumps({"type": "ping"}), instant.now()
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(WHSEC).sign("msg_1", at, body),
    }
    for sent, status in ((body, 202), (f"{body} ", 401)):
        answer = client.post(
            "/hooks/generic/", sent, content_type="application/json", headers=headers
        )
        assert answer.status_code == status


# --- Somebody else's Stripe ------------------------------------------------------------------
@pytest.fixture
def emulator() -> Iterator[str]:
    """localstripe, on a port of its own."""
    with closing(socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: _answers(url), within=60)
        yield url
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return http.call("GET", f"{url}/v1/customers", allow_loopback=True).status == 401
    except CallError:
        return False


def test_an_emulator_that_is_not_ours_takes_our_calls_and_is_read(emulator):
    """Customers and items; of invoices it knows only those of subscriptions."""
    client = StripeClient(emulator, KEY, allow_loopback=True)
    assert "accepts the key" in client.whoami()
    made = client.create("customers", {"email": "nina@example.com"}, key="customer/1")
    assert [one["id"] for one in client.rows("customers", email="nina@example.com")] == [made["id"]]
    assert client.rows("customers", email="nobody@example.com") == []
    item = {"customer": made["id"], "amount": "123450", "currency": "eur"}
    assert client.create("invoiceitems", item, key="item/1")["amount"] == 123450
    assert client.find("customers", "cus_nobody") is None
    with pytest.raises(Trouble) as caught:
        client.create("invoices", {"customer": made["id"]}, key="invoice/1")
    assert (caught.value.permanent, caught.value.status) == (True, 404)
    assert "No upcoming invoices" in str(caught.value)
    with pytest.raises(Trouble) as caught:
        StripeClient(emulator, "nothing", allow_loopback=True).whoami()
    assert caught.value.credentials


@pytest.mark.django_db(transaction=True)
def test_its_webhooks_are_signed_sent_and_understood(emulator, live_server):
    """An invoice over there, made and paid by Stripe's own library, becomes ours."""
    factories.staff()
    factories.pandadoc()
    billing = factories.stripe()
    say("sent")
    say("completed", minute=5)
    listen = {"url": f"{live_server.url}/hooks/stripe/", "secret": WEBHOOK_SECRET}
    http.call("POST", f"{emulator}/_config/webhooks/ours", json=listen, allow_loopback=True)
    there = stripe_sdk.StripeClient(KEY, base_addresses={"api": emulator})
    customer = there.v1.customers.create({"email": "nina@example.com", "source": _card(there)})
    there.v1.products.create({"id": "relaunch", "name": "Relaunch", "type": "service"})
    plan = {"id": "p", "product": "relaunch", "amount": 123450, "currency": "eur"}
    there.v1.plans.create({**plan, "interval": "month"})
    # This emulator makes invoices of subscriptions alone.
    runs = there.v1.subscriptions.create({"customer": customer.id, "items": [{"plan": "p"}]})
    invoice = there.v1.invoices.create({"customer": customer.id, "subscription": runs.id})
    # It forgets the metadata of invoices: ours is known by the crosswalk alone.
    RecordLink.objects.create(
        connection=billing, record=Proposal.objects.get().record, kind="invoice",
        external_id=invoice.id, linked_at=instant.now(),
    )  # fmt: skip
    there.v1.invoices.pay(invoice.id)

    # The first is of the subscription's own invoice, which names no proposal.
    arrived = Message.objects.filter(connection__slug="stripe", type="invoice.payment_succeeded")
    until(lambda: arrived.count() == 2, within=60)
    factories.digest_all()
    proposal = Proposal.objects.get()
    assert (proposal.state, proposal.invoice_status) == ("invoiced", "paid")
    assert (proposal.invoice_id, str(proposal.invoiced)) == (invoice.id, "1234.5000")


def _card(there: stripe_sdk.StripeClient) -> str:
    card = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2030", "cvc": "123"}
    return there.v1.tokens.create({"card": card}).id
