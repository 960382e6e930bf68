"""Signed becomes invoiced, once; what billing says of it comes back and goes to the CRM."""

import itertools
import json
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from connectors import connections, crosswalk
from connectors.base import Trouble
from connectors.http import Reply
from connectors.models import DeliveryAttempt, Message, RecordLink
from connectors.stripe import deliver
from connectors.stripe.client import Client
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.policy.models import SourceOfTruth
from proposals.models import Outcome, Proposal
from tests import factories
from tests.connectors.billing import plain, tell
from tests.connectors.crm import carry_on, outcome, say

pytestmark = pytest.mark.django_db


def sign(**changes):
    """A proposal that was sent and is signed."""
    say("sent", **changes)
    say("completed", minute=5, **changes)


def posted(path):
    """Our own books: the calls that were made to this path."""
    calls = [call for attempt in DeliveryAttempt.objects.order_by("pk") for call in attempt.calls]
    return [call for call in calls if call["method"] == "POST" and call["url"].endswith(path)]


def proposal():
    return Proposal.objects.get()


# --- The story ----------------------------------------------------------------------------------
def test_signed_is_invoiced_once_and_comes_back_into_the_crm(crm, billing):
    sign()
    carry_on()
    invoice = billing.invoice()
    assert (invoice["status"], invoice["total"], invoice["currency"]) == ("open", 123450, "eur")
    assert invoice["metadata"]["meshline_proposal"] == "pandadoc:doc-1"
    assert outcome("invoice").state == "proven"
    assert "Read back: invoice" in DeliveryAttempt.objects.get(outcome=outcome("invoice")).result

    assert set(billing.tells()) == {202}
    assert (proposal().state, proposal().invoice_status) == ("invoiced", "open")
    assert (proposal().invoice_id, proposal().invoiced) == (invoice["id"], Decimal("1234.50"))
    carry_on()
    (deal,) = crm.deals()
    assert (deal["meshline_invoice_id"], deal["meshline_state"]) == (invoice["id"], "invoiced")
    assert deal["meshline_invoice_url"] == invoice["hosted_invoice_url"]

    billing.act(invoice["id"], "pay")
    billing.tells()
    carry_on()
    (deal,) = crm.deals()
    assert (proposal().invoice_status, deal["meshline_invoice_status"]) == ("paid", "paid")
    assert not Ticket.objects.unresolved().exists()


def test_from_the_invoice_on_the_page_to_the_bytes_that_told_it(crm, billing, client, olivia):
    sign()
    carry_on()
    billing.tells()
    client.force_login(olivia)
    page = client.get(f"/proposals/{proposal().pk}/").content.decode()
    assert proposal().invoice_number in page
    (told,) = re.findall(r'"(/messages/[0-9]+/)\?field=invoice#told"', page)
    assert proposal().invoice_number in client.get(told).content.decode()


def test_where_billing_closes_a_paid_proposal_is_won(crm, billing):
    SourceOfTruth.objects.filter(field="close").update(connection="stripe")
    sign()
    carry_on()
    billing.act(billing.invoice()["id"], "pay")
    billing.tells()
    carry_on()
    assert proposal().state == "closed-won"
    assert crm.deals()[0]["dealstage"] == "closedwon"


def test_every_order_of_an_invoices_events_ends_the_same(crm, billing):
    sign()
    carry_on()
    billing.act(billing.invoice()["id"], "pay")
    told = billing.events("invoice.created", "invoice.finalized", "invoice.paid")
    told.append(billing.events("invoice.updated")[0])
    ends = set()
    for order in itertools.permutations(told):
        as_it_was = transaction.savepoint()
        tell(list(order))
        now = proposal()
        ends.add((now.state, now.invoice_status, now.invoiced, now.invoice_number))
        transaction.savepoint_rollback(as_it_was)
    assert len(ends) == 1
    assert ends.pop()[:2] == ("invoiced", "paid")


def test_a_repeat_with_other_counters_is_a_duplicate_and_other_content_a_conflict(crm, billing):
    sign()
    carry_on()
    (event,) = billing.events("invoice.finalized")
    assert factories.post_stripe(event).status_code == 202
    again = {**plain(event), "pending_webhooks": 0}
    assert factories.post_stripe(again).json()["status"] == "duplicate"
    other = plain(event)
    other["data"]["object"]["total"] = 1
    assert factories.post_stripe(other).status_code == 422
    assert Ticket.objects.get().kind == "message-conflict"


# --- Never twice --------------------------------------------------------------------------------
def once(kind, path, **more):
    return {"kind": kind, "match": {"method": "POST", "path": path}, "times": 1, **more}


@pytest.mark.parametrize("kind", ["commit_then_reset", "commit_then_hang"])
@pytest.mark.parametrize("step", ["customers", "invoices", "invoiceitems", "finalize"])
def test_whatever_answer_is_lost_the_customer_is_billed_once(crm, billing, monkeypatch, kind, step):
    monkeypatch.setattr("connectors.delivery.CALL_SECONDS", 1.0)
    sign()
    billing.breaks(once(kind, step))
    carry_on(name="invoice")
    assert outcome("invoice").state == "proven"
    assert outcome("invoice").attempts == 2
    assert (billing.invoice()["total"], len(billing.objects("customers"))) == (123450, 1)
    assert len(billing.objects("invoiceitems")) == 1


def test_a_vendor_that_forgot_our_keys_is_asked_before_anything_is_made_again(
    crm, billing, monkeypatch
):
    sign()
    billing.breaks(once("commit_then_reset", "finalize"))
    carry_on(times=1, name="invoice")
    billing.forgets_its_keys()
    carry_on(name="invoice")
    assert outcome("invoice").state == "proven"
    assert billing.invoice()["total"] == 123450
    assert len(billing.objects("invoiceitems")) == 1


def test_without_looking_first_a_forgotten_key_bills_twice(crm, billing, monkeypatch):
    """The control of the test before: the protection taken out."""
    monkeypatch.setattr(deliver, "_known", lambda errand, customer: None)
    sign()
    billing.breaks(once("commit_then_reset", "finalize"))
    carry_on(times=1, name="invoice")
    billing.forgets_its_keys()
    carry_on(name="invoice")
    assert len(billing.objects("invoices")) == 2


def test_who_was_refused_halfway_and_comes_back_when_the_keys_are_forgotten_looks_first(
    crm, billing, staff
):
    """A credential without one right: the try is given back, but it has made an invoice."""
    sign()
    billing.breaks(once("status", "finalize", code=403))
    carry_on(name="invoice")
    assert (outcome("invoice").state, outcome("invoice").attempts) == ("due", 0)
    assert billing.invoice()["status"] == "draft"
    billing.mend()
    billing.forgets_its_keys()
    connections.set_status(
        slug="stripe", status="active", reason="", by=staff["ada"], at=instant.now()
    )
    carry_on(name="invoice")
    assert outcome("invoice").state == "proven"
    assert billing.invoice()["status"] == "open"


def finish_by(how):
    found = factories.Connection.objects.get(slug="stripe")
    settings = factories.Settings(
        slug="stripe", name="Stripe", system="stripe", base_url=found.base_url,
        allow_loopback=True, options={"finish": how, "days_until_due": "14"},
    )  # fmt: skip
    connections.change(settings, version=None, by=SETUP, at=instant.now())


@pytest.mark.parametrize("kind", ["commit_then_reset", "status"])
def test_an_invoice_to_be_sent_is_proven_once_it_was_sent_and_is_sent_once(crm, billing, kind):
    finish_by("send")
    sign()
    billing.breaks(once(kind, "/send", **({"code": 429} if kind == "status" else {})))
    carry_on(name="invoice")
    assert outcome("invoice").state == "proven"
    assert len(billing.events("invoice.sent")) == 1


def test_whether_it_was_sent_is_looked_up_once_the_keys_are_forgotten(crm, billing):
    finish_by("send")
    sign()
    billing.breaks(once("commit_then_reset", "/send"))
    carry_on(times=1, name="invoice")
    billing.forgets_its_keys()
    Outcome.objects.filter(name="invoice").update(promised_at=instant.now() - timedelta(hours=21))
    carry_on(name="invoice")
    assert outcome("invoice").state == "proven"
    assert len(billing.events("invoice.sent")) == 1


def test_signed_disputed_and_signed_again_has_one_invoice(crm, billing):
    sign()
    carry_on()
    say("declined", minute=10)
    say("completed", minute=20)
    carry_on()
    assert len(billing.objects("invoices")) == 1
    assert Outcome.objects.filter(kind="invoice.create").count() == 1


def test_a_failure_that_stripe_repeats_under_the_key_does_not_stay_for_ever(crm, billing):
    sign()
    billing.breaks(once("status", "/v1/invoices", code=500))
    carry_on(name="invoice")
    assert outcome("invoice").state == "proven"
    keys = [call["headers"].get("Idempotency-Key", "") for call in posted("/v1/invoices")]
    assert [key.rpartition("/")[2] for key in keys] == ["invoice", "invoice", "1"]
    assert billing.invoice()["total"] == 123450


# --- What cannot be invoiced ---------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"grand_total": {}}, "no amount"),
        ({"recipients": []}, "no contact"),
        ({"grand_total": {"amount": "10.005", "currency": "KWD"}}, "steps of 0.010"),
    ],
)
def test_what_cannot_be_invoiced_is_a_ticket_that_says_why(crm, billing, changes, said):
    sign(**changes)
    carry_on()
    assert outcome("invoice").state == "given_up"
    assert said in Ticket.objects.get(kind="delivery-failed").reason
    assert billing.objects("invoices") == []


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [("5000", "JPY", 5000), ("12.340", "KWD", 12340), ("199", "USD", 19900), ("7", "UGX", 700)],
)
def test_amounts_are_whole_numbers_of_stripes_own_units(crm, billing, amount, currency, units):
    sign(grand_total={"amount": amount, "currency": currency})
    carry_on()
    assert billing.invoice()["total"] == units
    billing.tells()
    assert proposal().invoiced == Decimal(amount)
    assert proposal().invoiced_currency == currency


def test_a_draft_is_left_for_somebody_to_look_at(crm, billing):
    finish_by("draft")
    sign()
    carry_on()
    assert (billing.invoice()["status"], outcome("invoice").state) == ("draft", "proven")


# --- What it says of others ----------------------------------------------------------------------
def test_an_invoice_of_somebody_else_is_waited_for_and_then_ignored(crm, billing):
    sign()
    sandbox_invoice = {
        "id": "in_other", "object": "invoice", "status": "open", "total": 100, "currency": "eur",
        "metadata": {},
    }  # fmt: skip
    event = {
        "id": "evt_other", "object": "event", "type": "invoice.finalized",
        "created": int(instant.now().timestamp()), "data": {"object": sandbox_invoice},
    }  # fmt: skip
    tell([event])
    message = Message.objects.get(key="evt_other")
    assert (message.status, message.crashes) == ("accepted", 0)
    assert "waits until it is known" in message.why
    Message.objects.filter(pk=message.pk).update(
        attempts=crosswalk.MOST_LOOKS, next_attempt_at=instant.now()
    )
    factories.digest_all()
    message.refresh_from_db()
    assert message.status == "ignored"
    assert "belongs to no proposal here" in message.why


def test_what_waited_while_nothing_was_digested_still_looks_for_its_record(crm, billing):
    """Its age says nothing: what it waits for has been lying as long."""
    sign()
    carry_on()
    RecordLink.objects.filter(kind="invoice").delete()
    event = plain(billing.events("invoice.finalized")[0])
    event["data"]["object"]["metadata"] = {}
    tell([event])
    Message.objects.filter(key=event["id"]).update(
        received_at=instant.now() - timedelta(hours=3), next_attempt_at=instant.now()
    )
    factories.digest_all()
    assert Message.objects.get(key=event["id"]).status == "accepted"


def test_a_proposal_that_nobody_told_of_is_never_made_up_from_an_invoice(crm, billing):
    sign()
    carry_on()
    event = plain(billing.events("invoice.finalized")[0])
    event["id"] = "evt_unknown"
    event["data"]["object"] |= {"id": "in_x", "metadata": {"meshline_proposal": "pandadoc:nobody"}}
    tell([event])
    Message.objects.filter(key="evt_unknown").update(
        attempts=crosswalk.MOST_LOOKS, next_attempt_at=instant.now()
    )
    factories.digest_all()
    assert Message.objects.get(key="evt_unknown").status == "quarantined"
    assert Proposal.objects.count() == 1
    assert "nobody has told of" in Ticket.objects.get(kind="message-unreadable").reason


def test_an_invoice_event_that_outruns_our_own_link_finds_its_proposal(crm, billing):
    sign()
    carry_on()
    RecordLink.objects.filter(kind="invoice").delete()
    billing.tells("invoice.finalized")
    assert proposal().state == "invoiced"


# --- Disputes ------------------------------------------------------------------------------------
def paid(billing):
    sign()
    carry_on()
    invoice = billing.invoice()["id"]
    billing.act(invoice, "pay")
    billing.tells()
    (charge,) = billing.events("charge.succeeded")
    # Which payment paid which invoice, as Stripe says since invoices no longer name it.
    payment = {
        "id": "inpay_1", "object": "invoice_payment", "invoice": invoice, "status": "paid",
        "payment": {
            "type": "payment_intent",
            "payment_intent": charge["data"]["object"]["payment_intent"],
        },
    }  # fmt: skip
    said = {"id": "evt_inpay", "type": "invoice_payment.paid", "created": charge["created"]}
    tell([{**said, "data": {"object": payment}}])
    carry_on()


def test_a_disputed_payment_disputes_the_proposal_and_a_won_one_lets_it_stand(crm, billing):
    paid(billing)
    billing.act(billing.invoice()["id"], "dispute")
    billing.tells()
    assert proposal().state == "disputed"
    assert Ticket.objects.unresolved().get().kind == "dispute"
    billing.act(billing.invoice()["id"], "win_dispute")
    billing.tells()
    assert proposal().state == "invoiced"
    assert not Ticket.objects.unresolved().exists()


def test_a_won_proposal_stays_won_but_its_disputed_payment_is_a_ticket(crm, billing):
    SourceOfTruth.objects.filter(field="close").update(connection="stripe")
    paid(billing)
    billing.act(billing.invoice()["id"], "dispute")
    billing.tells()
    assert proposal().state == "closed-won"
    assert "payment" in Ticket.objects.unresolved().get(kind="dispute").title
    billing.act(billing.invoice()["id"], "win_dispute")
    billing.tells()
    assert not Ticket.objects.unresolved().exists()


# --- Voided ---------------------------------------------------------------------------------------
def test_a_voided_invoice_of_what_was_won_is_a_ticket_until_another_asks_for_the_money(
    crm, billing
):
    sign()
    carry_on()
    billing.act(billing.invoice()["id"], "void")
    billing.tells()
    ticket = Ticket.objects.unresolved().get()
    assert ticket.kind == "invoice-voided"
    assert (ticket.amount_at_risk, ticket.currency) == (proposal().amount, "EUR")
    assert "nothing asks the customer for it" in ticket.reason
    another = plain(billing.events("invoice.finalized")[0])
    another |= {"id": "evt_another", "created": int(instant.now().timestamp()) + 60}
    another["data"]["object"] |= {"id": "in_another", "number": "INV-2"}
    tell([another])
    ticket.refresh_from_db()
    assert (ticket.status, ticket.resolution) == ("resolved", "closed on evidence")


def test_a_voided_invoice_of_what_is_no_longer_won_concerns_nobody(crm, billing):
    sign()
    carry_on()
    billing.act(billing.invoice()["id"], "void")
    billing.tells()
    assert Ticket.objects.unresolved().filter(kind="invoice-voided").exists()
    say("declined", minute=(instant.now() - factories.MONDAY) // timedelta(minutes=1) + 5)
    assert proposal().state == "disputed"
    assert not Ticket.objects.unresolved().filter(kind="invoice-voided").exists()


# --- Bad input -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"type": ""}, "type is missing"),
        ({"created": "yesterday"}, "created"),
        ({"created": None}, "created"),
        ({"data": None}, "data.object is missing"),
        ({"data": {"object": {"id": "in_1", "status": "sold"}}}, "data.object.status"),
        ({"data": {"object": {"id": "in_1", "status": "open"}}}, "data.object.total"),
        ({"data": {"object": {"status": "open"}}}, "data.object.id"),
        (
            {"data": {"object": {"id": "i", "status": "open", "total": 1, "currency": "euro"}}},
            "three-letter",
        ),
    ],
)
def test_what_cannot_be_read_is_a_ticket_naming_the_field(crm, billing, broken, said):
    event = {"id": "evt_1", "type": "invoice.paid", "created": 1772443800, "data": {"object": {}}}
    tell([{**event, **broken}])
    assert Message.objects.get(key="evt_1").status == "quarantined"
    assert said in Ticket.objects.get().reason


@pytest.mark.parametrize(
    "header",
    ["", "t=1", "v1=00", "t=x,v1=" + "0" * 64, "t=١٢٣,v1=" + "0" * 64, "t=1,v1=é" + "0" * 63],
)
def test_a_malformed_signature_is_refused(crm, billing, header):
    answer = factories.post_stripe(
        json.dumps({"id": "evt_1"}).encode(), **{"Stripe-Signature": header}
    )
    assert answer.status_code == 401


@pytest.mark.parametrize("off", [-360, 360])
def test_a_signature_six_minutes_off_is_refused(crm, billing, off):
    stamp = int(instant.now().timestamp()) + off
    assert factories.post_stripe({"id": "evt_1"}, stamp=stamp).status_code == 401


# --- What Stripe keeps under a key --------------------------------------------------------------
@pytest.fixture
def keeping(monkeypatch):
    """Stripe as far as keys go: what it says next is set, and is repeated under a known key."""
    spoken = {"says": 200, "keys": []}
    kept = {}

    def call(method, url, *, headers, **request):
        key = headers["Idempotency-Key"]
        spoken["keys"].append(key)
        replayed = {"Idempotent-Replayed": "true"} if key in kept else {}
        status = kept.setdefault(key, spoken["says"])
        return Reply(status, replayed, json.dumps({"id": "in_1"}).encode())

    monkeypatch.setattr("connectors.http.call", call)
    return spoken


def created():
    return Client("https://stripe.example.com", "sk").create("invoices", {}, key="k")


@pytest.mark.parametrize("status", [400, 402, 404, 500])
def test_a_no_that_was_put_right_is_not_repeated_for_a_day(keeping, status):
    keeping["says"] = status
    with pytest.raises(Trouble) as caught:
        created()
    assert caught.value.permanent is (status < 500)
    assert keeping["keys"] == ["k"]
    keeping["says"] = 200
    assert created() == {"id": "in_1"}
    assert keeping["keys"] == ["k", "k", "k/1"]


@pytest.mark.parametrize(("status", "expected"), [(401, "credentials"), (429, "retry_after")])
def test_a_no_of_the_moment_is_what_it_was(keeping, status, expected):
    keeping["says"] = status
    with pytest.raises(Trouble) as caught:
        created()
    assert getattr(caught.value, expected)
    assert not caught.value.permanent


def test_a_key_in_use_is_waited_for(keeping):
    keeping["says"] = 409
    for _ in range(2):
        with pytest.raises(Trouble) as caught:
            created()
        assert not caught.value.permanent
    assert keeping["keys"] == ["k", "k"]
