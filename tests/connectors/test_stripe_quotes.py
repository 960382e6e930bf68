"""Stripe's quotes: documents of their own, or of another tool's; billed once either way."""

import itertools
from decimal import Decimal

import pytest
from django.db import transaction

from connectors import crosswalk
from connectors.models import Message, RecordLink
from connectors.stripe import quoted
from exceptions.models import Ticket
from meshline import instant
from proposals.models import Outcome, Proposal
from tests import factories
from tests.connectors.billing import plain, tell
from tests.connectors.crm import carry_on, outcome, say
from tests.connectors.test_stripe import finish_by, once, posted

pytestmark = pytest.mark.django_db

OWNER = {"metadata[meshline_owner]": "remy@example.com"}
STATUSES = {"created": "draft", "finalized": "open", "accepted": "accepted", "canceled": "canceled"}
NOON = int(factories.MONDAY.timestamp())


def said(act, *, minute=0, at=None, event="", **changes):
    """An event of a quote, as Stripe writes it; `changes` are the quote's."""
    created = NOON + 60 * minute if at is None else at
    quote = {
        "id": "qt_1", "object": "quote", "status": STATUSES[act], "amount_total": 123450,
        "currency": "eur", "customer": "cus_1", "description": "Website relaunch", "header": None,
        "number": None, "invoice": None, "subscription": None, "subscription_schedule": None,
        "metadata": {"meshline_owner": "remy@example.com"}, **changes,
    }  # fmt: skip
    return {
        "id": event or f"evt_{quote['id']}_{act}", "object": "event", "type": f"quote.{act}",
        "created": created, "data": {"object": quote},
    }  # fmt: skip


def invoiced(act, *, at, invoice="in_1", quote="qt_1", status="open", **changes):
    """An event of an invoice that was made of a quote."""
    made = {
        "id": invoice, "object": "invoice", "status": status, "total": 123450, "currency": "eur",
        "metadata": {}, "number": "INV-1",
        "parent": {"type": "quote_details", "quote_details": {"quote": quote}}, **changes,
    }  # fmt: skip
    return {
        "id": f"evt_{invoice}_{act}", "object": "event", "type": f"invoice.{act}",
        "created": at, "data": {"object": made},
    }  # fmt: skip


def only():
    return Proposal.objects.get()


def accepted(billing, *acts, **form):
    """A quote of the stand-in's that was accepted, with what its tool then says of it."""
    customer = billing.customer(email="nina@customer.example.com", name="Nina Brook")
    quote = billing.quote(customer, description="Website relaunch", **OWNER, **form)
    billing.move_quote(quote, *(acts or ("finalize", "accept")))
    billing.tells()
    return quote


# --- A document of its own ----------------------------------------------------------------------
def test_an_accepted_quote_is_signed_and_the_invoice_stripe_made_of_it_is_the_one(crm, billing):
    quote = accepted(billing)
    invoice = billing.invoice()
    assert (only().source, only().external_id, only().state) == ("stripe", quote, "signed")
    assert (only().title, only().amount, only().currency) == (
        "Website relaunch", Decimal("1234.50"), "EUR",
    )  # fmt: skip
    assert only().owner.name == "Remy Park"
    links = dict(RecordLink.objects.filter(record=only().record).values_list("kind", "external_id"))
    assert links == {"document": quote, "invoice": invoice["id"], "customer": invoice["customer"]}

    carry_on()
    invoice = billing.invoice()
    assert outcome("invoice").state == "proven"
    assert (invoice["status"], invoice["total"]) == ("open", 123450)
    assert invoice["metadata"]["meshline_proposal"] == f"stripe:{quote}"
    assert len(billing.objects("invoiceitems")) == len(billing.objects("customers")) == 1
    billing.tells()
    assert (only().state, only().invoice_id) == ("invoiced", invoice["id"])
    carry_on()
    (deal,) = crm.deals()
    assert (deal["meshline_invoice_id"], deal["dealname"]) == (invoice["id"], "Website relaunch")
    assert not Ticket.objects.unresolved().exists()


def test_without_taking_it_over_the_customer_is_billed_twice(crm, billing, monkeypatch):
    """The control of the test before: the protection taken out."""
    monkeypatch.setattr(quoted, "taken_over", lambda *facts: None)
    accepted(billing)
    carry_on()
    assert len(billing.objects("invoices")) == 2


@pytest.mark.parametrize("canceled", [5, 9, 15])
def test_every_order_of_a_quotes_events_ends_the_same(staff, canceled):
    """Each comes twice. Whatever is said of one that was accepted, it was accepted."""
    factories.stripe()
    minutes = {"created": 0, "finalized": 7, "accepted": 10, "canceled": canceled}
    told = [said(act, minute=minute) for act, minute in minutes.items()]
    ends = set()
    for order in itertools.permutations(told):
        as_it_was = transaction.savepoint()
        for event in order:
            assert tell([event, plain(event)]) == [202, 200]
        ends.add(_end())
        transaction.savepoint_rollback(as_it_was)
    (end,) = ends
    assert end[0] == "signed"
    assert [name for name, _, _ in end[3]].count("invoice") == 1


@pytest.mark.parametrize("step", [1, -1])
def test_whatever_comes_first_is_carried_once(crm, billing, step):
    """Carried after every event, forwards and backwards, each event twice."""
    customer = billing.customer(email="nina@customer.example.com")
    quote = billing.quote(customer, **OWNER)
    billing.move_quote(quote, "finalize", "accept")
    for event in billing.events()[::step]:
        tell([event, plain(event)])
        carry_on()
    billing.tells()
    carry_on()
    assert (only().state, only().invoice_id) == ("invoiced", billing.invoice()["id"])
    assert len(crm.deals()) == 1
    assert not Ticket.objects.unresolved().exists()


def _end():
    """Where it stands, its open work, and what is before people."""
    now = only()
    wanted = Outcome.objects.exclude(state="cancelled").order_by("name", "target")
    return (
        now.state, now.since, (now.title, now.amount, now.currency, now.owner_id),
        tuple(wanted.values_list("name", "kind", "state")),
        tuple(Ticket.objects.unresolved().order_by("kind").values_list("kind", flat=True)),
        Message.objects.count(), now.next_follow_up_at,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("acts", "state"),
    [
        (["created"], "draft"),
        (["created", "finalized"], "sent"),
        (["created", "finalized", "canceled"], "expired"),
        (["canceled", "created"], "expired"),
        (["accepted"], "signed"),
    ],
)
def test_each_step_of_a_quote_is_a_state_of_ours_also_within_one_second(staff, acts, state):
    factories.stripe()
    tell([said(act) for act in reversed(acts)])
    assert only().state == state


def test_an_invoice_that_was_paid_while_the_quote_was_accepted_does_not_come_before_it(staff):
    """Its events carry the seconds before."""
    factories.stripe()
    tell([
        invoiced("paid", at=NOON + 60, status="paid"),
        said("accepted", at=NOON + 62, invoice="in_1"),
        said("finalized", at=NOON),
    ])  # fmt: skip
    Message.objects.update(next_attempt_at=instant.now())
    factories.digest_all()
    assert (only().state, only().invoice_status) == ("invoiced", "paid")


def test_an_invoice_that_outruns_its_quote_waits_for_it(staff):
    factories.stripe()
    tell([invoiced("finalized", at=NOON + 700)])
    assert "waits until it is known" in Message.objects.get().why
    tell([said("accepted", minute=10)])
    Message.objects.update(next_attempt_at=instant.now())
    factories.digest_all()
    assert (only().state, only().invoice_number) == ("invoiced", "INV-1")


def test_older_endpoints_name_the_quote_on_the_invoice(staff):
    factories.stripe()
    tell([said("accepted", minute=10)])
    tell([invoiced("finalized", at=NOON + 700, parent=None, quote="qt_1")])
    assert only().state == "signed"
    other = invoiced("finalized", at=NOON + 700, invoice="in_2", parent=None)
    other["data"]["object"]["quote"] = "qt_1"
    tell([other])
    assert (only().state, only().invoice_id) == ("invoiced", "in_2")


@pytest.mark.parametrize(
    ("units", "currency", "amount"),
    [(5000, "jpy", "5000"), (12340, "kwd", "12.34"), (19900, "usd", "199"), (700, "ugx", "7")],
)
def test_its_amount_is_in_the_currencys_own_units(staff, units, currency, amount):
    factories.stripe()
    tell([said("finalized", amount_total=units, currency=currency)])
    assert (only().amount, only().currency) == (Decimal(amount), currency.upper())


def test_its_title_and_contact_are_what_it_carries(staff):
    factories.stripe()
    nina = {"id": "cus_1", "name": "Nina Brook", "email": "Nina@Customer.example.com"}
    blank = {"description": None, "amount_total": 0, "currency": None}
    tell([said("created", **blank)])
    assert (only().title, only().amount, only().contact_email) == ("", None, "")
    tell([said("finalized", minute=1, description=None, number="QT-1", customer=nina)])
    assert (only().title, only().amount) == ("QT-1", Decimal("1234.50"))
    assert (only().contact_name, only().contact_email) == (
        "Nina Brook", "nina@customer.example.com",
    )  # fmt: skip
    tell([said("accepted", minute=2, description=None, header="For Nina", number="QT-1")])
    assert only().title == "For Nina"


def test_a_quote_that_names_itself_is_its_own_document(staff):
    factories.stripe()
    tell([said("accepted", metadata={"meshline_proposal": "stripe:qt_1"})])
    assert (only().external_id, only().state) == ("qt_1", "signed")


# --- Another tool's document --------------------------------------------------------------------
def test_a_quote_that_names_a_proposal_only_tells_of_a_link(crm, billing):
    say("sent")
    before = only()
    metadata = {"meshline_proposal": "pandadoc:doc-1"}
    for minute, act in enumerate(STATUSES):
        tell([said(act, minute=minute, metadata=metadata, amount_total=1)])
    now = only()
    assert (now.state, now.amount, now.version) == ("sent", before.amount, before.version)
    assert RecordLink.objects.get(kind="quote").record == now.record
    assert not RecordLink.objects.filter(kind="document", connection__slug="stripe").exists()
    assert not Ticket.objects.unresolved().exists()


def test_a_quote_that_outruns_the_proposal_it_names_waits_and_is_then_put_before_a_person(staff):
    factories.stripe()
    tell([said("accepted", metadata={"meshline_proposal": "pandadoc:doc-1"})])
    assert "waits until it is known" in Message.objects.get().why
    Message.objects.update(attempts=crosswalk.MOST_LOOKS, next_attempt_at=instant.now())
    factories.digest_all()
    assert not Proposal.objects.exists()
    assert "nobody has told of" in Ticket.objects.get().reason


def test_the_invoice_of_a_linked_quote_is_the_proposals_and_no_second_one_is_made(crm, billing):
    say("sent")
    customer = billing.customer(email="accounts@customer.example.com")
    quote = billing.quote(customer, **{"metadata[meshline_proposal]": "pandadoc:doc-1"})
    billing.move_quote(quote, "finalize", "accept")
    billing.tells()
    say("completed", minute=5)
    carry_on()
    assert outcome("invoice").state == "proven"
    assert billing.invoice()["metadata"]["meshline_quote"] == quote
    billing.tells()
    assert (only().state, only().invoice_id) == ("invoiced", billing.invoice()["id"])
    assert len(billing.objects("customers")) == 1


def test_of_several_quotes_the_accepted_one_counts_whichever_came_last(crm, billing):
    say("sent")
    customer, named = billing.customer(), {"metadata[meshline_proposal]": "pandadoc:doc-1"}
    first, second = billing.quote(customer, **named), billing.quote(customer, **named)
    billing.move_quote(first, "finalize", "cancel")
    billing.move_quote(second, "finalize", "accept")
    tell(billing.events()[::-1])
    say("completed", minute=5)
    carry_on()
    assert billing.invoice()["metadata"]["meshline_quote"] == second
    assert outcome("invoice").external_id == billing.invoice()["id"]


# --- Billed once --------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["commit_then_reset", "commit_then_hang"])
@pytest.mark.parametrize("step", ["", "/finalize"])
def test_whatever_answer_is_lost_it_is_taken_over_once(crm, billing, monkeypatch, kind, step):
    monkeypatch.setattr("connectors.delivery.CALL_SECONDS", 1.0)
    accepted(billing)
    billing.breaks(once(kind, f"invoices/{billing.invoice()['id']}{step}"))
    carry_on(name="invoice")
    assert (outcome("invoice").state, outcome("invoice").attempts) == ("proven", 2)
    assert billing.invoice()["status"] == "open"
    assert len(billing.objects("invoiceitems")) == 1


def test_a_quote_that_became_no_invoice_is_billed_to_its_own_customer(crm, billing):
    """Nobody's e-mail is needed for that; the draft Stripe made was deleted over there."""
    quote = accepted(billing)
    customer = billing.invoice()["customer"]
    billing.delete("invoices", billing.invoice()["id"])
    carry_on()
    assert outcome("invoice").state == "proven"
    (made,) = [one for one in billing.objects("invoices") if one["status"] == "open"]
    assert (made["customer"], made["total"]) == (customer, 123450)
    assert made["metadata"]["meshline_proposal"] == f"stripe:{quote}"


@pytest.mark.parametrize("finish", ["finalize", "send"])
def test_a_card_on_file_is_not_asked_by_mail(crm, billing, finish):
    finish_by(finish)
    accepted(billing)
    carry_on()
    assert (outcome("invoice").state, billing.invoice()["status"]) == ("proven", "open")
    assert not [path for path in _posts() if path.endswith("/send")]


def test_one_that_asks_by_mail_is_mailed_where_the_connection_says_so(crm, billing):
    finish_by("send")
    accepted(billing, collection_method="send_invoice")
    carry_on()
    assert outcome("invoice").state == "proven"
    assert len([path for path in _posts() if path.endswith("/send")]) == 1


def test_what_stripe_finalises_by_itself_is_left_to_it(crm, billing):
    accepted(billing)
    billing.update("invoices", billing.invoice()["id"], auto_advance="true")
    carry_on()
    assert (outcome("invoice").state, billing.invoice()["status"]) == ("proven", "draft")
    assert billing.invoice()["auto_advance"] is True


def _posts():
    return [call["url"] for call in posted("")]


def test_a_quote_that_is_still_open_is_decided_over_there_first(crm, billing):
    """Accepted later, it would be billed beside the invoice made here."""
    say("sent")
    customer = billing.customer(email="nina@customer.example.com")
    quote = billing.quote(customer, **{"metadata[meshline_proposal]": "pandadoc:doc-1"})
    billing.move_quote(quote, "finalize")
    billing.tells()
    say("completed", minute=5)
    carry_on()
    assert outcome("invoice").state == "given_up"
    assert "cancel it there" in Ticket.objects.unresolved().get().reason
    assert billing.objects("invoices") == []


def test_a_quote_with_recurring_prices_is_billed_by_its_subscription(crm, billing, monkeypatch):
    accepted(billing)
    recurring = {"id": only().external_id, "status": "accepted", "subscription": "sub_1"}
    monkeypatch.setattr(quoted, "quote_of", lambda errand: recurring)
    monkeypatch.setattr(quoted, "_made", lambda errand, quote: None)
    carry_on()
    assert "by sub_1" in Ticket.objects.unresolved().get().reason
    assert len(billing.objects("invoices")) == 1


def test_a_quote_of_another_account_is_billed_there_and_not_here(crm, billing):
    factories.connected("stripe", slug="stripe-eu", signing=factories.WEBHOOK_SECRET)
    event = said("accepted", id="qt_1N2b3C4d5E6f7G8h9I0j1K2l")
    assert factories.post_stripe(event, slug="stripe-eu").status_code == 202
    factories.digest_all()
    carry_on()
    assert (only().source, only().state) == ("stripe-eu", "signed")
    assert outcome("invoice").state == "given_up"
    assert "stripe-eu bills its quote" in Ticket.objects.unresolved().get().reason
    assert billing.objects("invoices") == []


def test_an_invoice_over_another_amount_is_a_ticket_and_not_a_second_invoice(crm, billing):
    say("sent")
    customer = billing.customer(email="nina@customer.example.com")
    quote = billing.quote(customer, 99, **{"metadata[meshline_proposal]": "pandadoc:doc-1"})
    billing.move_quote(quote, "finalize", "accept")
    billing.tells()
    say("completed", minute=5)
    carry_on()
    assert outcome("invoice").state == "given_up"
    assert "over 99 eur" in Ticket.objects.unresolved().get(kind="delivery-failed").reason
    assert len(billing.objects("invoices")) == 1


# --- Bad input ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ({"id": ""}, "data.object.id"),
        ({"id": None}, "data.object.id"),
        ({"status": None}, "data.object.status"),
        ({"status": "sold"}, "data.object.status"),
        ({"currency": None}, "data.object.currency"),
        ({"currency": "euro"}, "data.object.amount_total"),
        ({"amount_total": None}, "data.object.amount_total"),
        ({"amount_total": "123450"}, "data.object.amount_total"),
        ({"amount_total": 1.5}, "data.object.amount_total"),
        ({"amount_total": True}, "data.object.amount_total"),
        ({"amount_total": 12345, "currency": "ugx"}, "data.object.amount_total"),
    ],
)
@pytest.mark.parametrize("metadata", [{}, {"meshline_proposal": "pandadoc:doc-1"}])
def test_what_cannot_be_read_is_a_ticket_naming_the_field(staff, broken, named, metadata):
    factories.stripe()
    tell([said("accepted", event="evt_1", metadata=metadata, **broken)])
    assert Message.objects.get().status == "quarantined"
    assert named in Ticket.objects.get().reason
    assert not Proposal.objects.exists()


def test_other_events_of_quotes_say_nothing_for_us(staff):
    factories.stripe()
    tell([{**said("created"), "type": "quote.will_expire"}])
    assert Message.objects.get().status == "ignored"
