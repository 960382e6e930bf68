"""What a person does about a signed proposal without its invoice: each way, and never two of it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from connectors.adopting import CannotLink
from connectors.models import Message, RecordLink
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.permissions import NotAllowed
from meshline.policy.models import SystemRole
from proposals import holds, outbox
from proposals.contracts.by_hand import CannotPromise
from proposals.models import Approval, Outcome, Proposal
from reconciliation import invoicing, unbilled
from reconciliation.invoicing import CannotInvoice
from reconciliation.lacking import Lack
from reconciliation.models.unbilled import Unbilled
from tests.factories import MONDAY
from tests.reading import signed_in
from tests.reconciliation.billed import (
    connected,
    invoice,
    invoiced,
    nobody_bills,
    read,
    sign,
    tell,
    with_billing,
    without_billing,
)  # fmt: skip

pytestmark = pytest.mark.django_db
PAGE = "/reconciliation/signed-against-invoiced/"


@pytest.fixture(autouse=True)
def monday():
    with instant.stopped(MONDAY + timedelta(minutes=10)):
        yield


@pytest.fixture
def company(staff):
    connected()
    return staff


@pytest.fixture
def late(company):
    """Signed while no contract asked for an invoice; by now one does."""
    without_billing()
    proposal = sign()
    with_billing()
    assert lack(proposal) == "unpromised"
    return proposal


def lack(proposal):
    row = unbilled.one(proposal.pk)
    return row.lacks if row else None


def create(proposal, by, reason="Agreed with the customer."):
    return invoicing.create(proposal_id=proposal.pk, reason=reason, by=by, at=instant.now())


def link(proposal, by, invoice="in_9", reason=""):
    return invoicing.link(
        proposal_id=proposal.pk, invoice=invoice, reason=reason, by=by, at=instant.now()
    )


def outcomes():
    return list(Outcome.objects.filter(kind="invoice.create").order_by("pk"))


# --- Having one made -------------------------------------------------------------------------
def test_what_no_contract_asked_for_is_promised_under_the_key_it_would_have(late, company):
    assert create(late, company["rosa"]) == "The invoice was promised by hand."
    [made] = outcomes()
    assert (made.key, made.state, made.connection, made.promised_by) == (
        "pandadoc/doc-1/signed/invoice/1", "due", "stripe", company["rosa"],
    )  # fmt: skip
    assert Decimal(made.params["amount"]) == Decimal("1234.50")
    assert lack(late) == "carried"
    line = TrailLine.objects.get(what="outcome.promised-by-hand")
    assert (line.actor_label, line.why) == (
        "Rosa Marin (RevOps manager)", "Agreed with the customer.",
    )  # fmt: skip


def test_what_was_promised_by_hand_stays_when_the_story_is_told_anew(late, company):
    create(late, company["rosa"])
    tell("completed", minute=9)
    [made] = outcomes()
    assert (made.state, made.unwanted_at) == ("due", None)
    tell("declined", minute=10)
    [made] = outcomes()
    assert (made.state, bool(made.unwanted_why)) == ("cancelled", True)


def test_twice_by_hand_is_once(late, company):
    create(late, company["rosa"])
    create(late, company["rosa"])
    assert len(outcomes()) == 1
    assert TrailLine.objects.filter(what="outcome.promised-by-hand").count() == 1


def test_what_a_contract_asks_for_by_now_is_promised_by_the_contract(company):
    nobody_bills()
    proposal = sign()
    SystemRole.objects.create(role="billing", connection="stripe")
    create(proposal, company["rosa"])
    [made] = outcomes()
    assert made.promised_by is None


def test_only_a_manager_promises_by_hand_and_says_why(late, company):
    with pytest.raises(NotAllowed, match="override a guard"):
        create(late, company["olivia"])
    with pytest.raises(ValueError, match="Say why"):
        create(late, company["rosa"], reason=" ")
    without_billing()
    with pytest.raises(CannotPromise, match="publish one"):
        create(late, company["rosa"])
    assert outcomes() == []


def test_without_anybody_to_bill_nothing_is_promised(company):
    nobody_bills()
    proposal = sign()
    with pytest.raises(CannotPromise, match="plays the part of billing"):
        create(proposal, company["rosa"])


def test_what_was_given_up_is_carried_again_under_its_key(company):
    proposal = sign()
    Outcome.objects.filter(kind="invoice.create").update(state="given_up")
    assert lack(proposal) == "given-up"
    create(proposal, company["olivia"], reason="")
    [made] = outcomes()
    assert (made.state, made.key) == ("due", "pandadoc/doc-1/signed/invoice/1")


def test_what_would_be_refused_again_is_not_carried_again_and_says_what_to_do(company):
    proposal = sign(recipients=[])
    Outcome.objects.filter(kind="invoice.create").update(state="given_up")
    with pytest.raises(
        CannotInvoice, match=r"no contact email.*put right in the quoting tool first"
    ):
        create(proposal, company["olivia"], reason="")
    # Put right at the source: what was promised carries none still.
    tell("completed", "doc-1", 6)
    with pytest.raises(CannotInvoice, match="replay it with the versions of now"):
        create(proposal, company["olivia"], reason="")
    assert outcomes()[0].state == "given_up"


def test_what_was_called_off_is_promised_again_under_its_key(company):
    proposal = sign()
    Outcome.objects.filter(kind="invoice.create").update(state="cancelled", attempts=2)
    create(proposal, company["rosa"])
    [made] = outcomes()
    assert (made.state, made.key, made.attempts) == ("due", "pandadoc/doc-1/signed/invoice/1", 2)


def test_what_waits_at_a_gate_is_approved_by_who_decides_there(company):
    with_billing(gate={"who": "role:manager", "within": 60})
    proposal = sign()
    assert lack(proposal) == "gate"
    with pytest.raises(NotAllowed):
        create(proposal, company["olivia"], reason="")
    create(proposal, company["rosa"], reason="")
    assert outcomes()[0].state == "due"
    assert Approval.objects.get().decided_by == company["rosa"]


def test_what_was_rejected_goes_through_its_gate_again(company):
    with_billing(gate={"who": "role:manager", "within": 60})
    proposal = sign()
    create(proposal, company["rosa"], reason="")
    Outcome.objects.filter(kind="invoice.create").update(state="cancelled")
    create(proposal, company["rosa"])
    assert outcomes()[0].state == "held"
    assert Approval.objects.get().is_waiting


def test_what_is_on_hold_is_not_made(company):
    proposal = sign()
    holds.put(proposal_id=proposal.pk, kind="legal", reason="x", by=company["rosa"],
              at=instant.now())  # fmt: skip
    assert lack(proposal) == "on-hold"
    with pytest.raises(CannotInvoice, match="lift that first"):
        create(proposal, company["rosa"])


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (("in_1", "draft", "1234.50", "EUR"), "a draft"),
        (("in_1", "void", "1234.50", "EUR"), "Issue another in billing that names"),
        (("in_1", "open", "1.00", "EUR"), "Correct it in billing"),
        (("in_1", "open", "1234.50", "USD"), "another currency"),
    ],
)
def test_where_there_is_an_invoice_no_second_one_is_made(company, told, said):
    proposal = invoiced(sign(), told)
    with pytest.raises(CannotInvoice, match=said):
        create(proposal, company["rosa"])
    assert len(outcomes()) == 1


def test_where_nothing_is_missing_nothing_is_made(company):
    proposal = invoiced(sign(), ("in_1", "open", "1234.50", "EUR"))
    with pytest.raises(CannotInvoice, match="invoiced as it was signed"):
        create(proposal, company["rosa"])


def test_every_lack_has_a_way_or_a_sentence(company):
    for one in Lack:
        assert invoicing.refusal_to_create(one, company["rosa"]) or one in invoicing.LABELS
        assert isinstance(invoicing.refusal_to_link(one, company["vera"]), str)


# --- Linking one -----------------------------------------------------------------------------
def test_an_invoice_that_billing_has_is_linked_and_the_proposal_is_invoiced(company):
    proposal = sign()
    read(invoice())
    assert link(proposal, company["olivia"]) == "Invoice INV-in_9 was linked."
    proposal.refresh_from_db()
    assert (proposal.state, proposal.invoice_id, proposal.invoiced) == (
        "invoiced", "in_9", Decimal("1234.50"),
    )  # fmt: skip
    assert RecordLink.objects.get(kind="invoice").record == proposal.record
    # What was to make one makes none: nobody is billed twice.
    assert [one.state for one in outcomes()] == ["cancelled"]
    line = TrailLine.objects.get(what="invoice.linked")
    assert (line.actor_id, line.after["invoice"]) == (str(company["olivia"].pk), "INV-in_9")
    # Told by the one door: its bytes are kept, and lead from the value to them.
    message = Message.objects.get(type="invoice.finalized")
    assert (message.status, message.record) == ("digested", proposal.record)
    assert lack(proposal) is None


def test_a_paid_one_is_told_as_paid(company):
    proposal = sign()
    read(invoice(status="paid"))
    link(proposal, company["olivia"])
    assert Message.objects.get(key__startswith="linked:").type == "invoice.paid"
    proposal.refresh_from_db()
    assert proposal.invoice_status == "paid"


def test_who_linked_it_and_how_stands_in_the_books(company):
    proposal = sign()
    read(invoice())
    link(proposal, company["olivia"])
    one = Unbilled.objects.get()
    assert (one.settled_by, one.settled_how) == (
        "Olivia Ortiz", "Invoice INV-in_9 was linked: invoice INV-in_9 is open",
    )  # fmt: skip
    assert one.opened_at == MONDAY + timedelta(minutes=5)


def test_what_a_link_leaves_open_stands_in_the_books_at_once(company):
    proposal = sign()
    read(invoice(total=118450))
    link(proposal, company["rosa"], reason="A discount.")
    one = Unbilled.objects.get()
    assert (one.settled_at, one.amount, one.lack) == (None, Decimal("50.00"), Lack.AMOUNT)


def test_after_a_link_one_is_back_at_the_list_as_it_was_left(company):
    proposal = sign()
    read(invoice())
    client = Client()
    client.force_login(company["olivia"])
    left, url = f"{PAGE}?since=all", f"{PAGE}{proposal.pk}/link/"
    page = client.get(url, headers={"Referer": f"http://testserver{left}"})
    assert page.context["back"] == left
    assert client.post(page.context["link_url"], {"invoice": "in_9"})["Location"] == left


def test_what_is_linked_already_is_refused(company):
    first, second = sign(), sign("doc-2")
    read(invoice())
    link(first, company["olivia"])
    with pytest.raises(CannotLink, match="linked already: to Website relaunch"):
        link(second, company["olivia"])
    second.refresh_from_db()
    assert second.state == "signed"


def test_what_differs_takes_a_managers_reason(company):
    proposal = sign()
    read(invoice(total=100000))
    with pytest.raises(NotAllowed):
        link(proposal, company["olivia"], reason="A discount.")
    with pytest.raises(ValueError, match=r"1,234\.50 EUR is open"):
        link(proposal, company["rosa"])
    link(proposal, company["rosa"], reason="A discount.")
    proposal.refresh_from_db()
    assert (proposal.invoiced, lack(proposal)) == (Decimal(1000), "amount")
    assert TrailLine.objects.get(what="invoice.linked").why == "A discount."


def test_what_is_left_open_is_what_a_second_one_is_measured_by(company):
    proposal = sign()
    read(invoice("in_1", total=100000), invoice("in_2", total=23450))
    link(proposal, company["rosa"], "in_1", reason="A part of it.")
    link(proposal, company["olivia"], "in_2")
    assert lack(proposal) is None


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (invoice(status="draft"), "asks nobody to pay"),
        (invoice(status="void"), "asks nobody to pay"),
        (invoice("in_8"), "did not show this invoice"),
        (invoice(metadata={"meshline_proposal": "pandadoc:doc-7"}), "another one: pandadoc:doc-7"),
    ],
)
def test_what_cannot_be_its_invoice_is_refused(company, there, said):
    proposal = sign()
    read(there)
    with pytest.raises(CannotLink, match=said):
        link(proposal, company["rosa"], reason="x")
    assert not RecordLink.objects.filter(kind="invoice").exists()
    assert [one.state for one in outcomes()] == ["due"]


def test_while_one_is_being_made_none_is_linked(company):
    proposal = sign()
    read(invoice())
    Outcome.objects.filter(kind="invoice.create").update(state="delivered", delivered_at=MONDAY)
    with pytest.raises(CannotLink, match="being made at this moment"):
        link(proposal, company["rosa"])
    assert not Message.objects.filter(key__startswith="linked:").exists()


def test_where_no_contract_asked_a_link_makes_none_ask_either(company):
    """What would be promised as soon as the story is told anew is called off first."""
    nobody_bills()
    proposal = sign()
    SystemRole.objects.create(role="billing", connection="stripe")
    read(invoice())
    link(proposal, company["olivia"])
    tell("completed", minute=9)
    assert [one.state for one in outcomes()] == ["cancelled"]


def test_before_billing_was_read_to_its_end_nothing_can_be_linked(company):
    proposal = sign()
    read(invoice(), complete=False)
    with pytest.raises(CannotLink, match="not read to its end"):
        link(proposal, company["rosa"])


def test_who_may_not_decide_links_nothing(company):
    proposal = sign()
    read(invoice())
    for who in ("sam", "remy", "ada", "vera"):
        with pytest.raises(NotAllowed):
            link(proposal, company[who])


def test_a_linked_invoice_closes_the_ticket_of_the_one_that_was_given_up(company):
    proposal = sign()
    read(invoice())
    outcome = outcomes()[0]
    Outcome.objects.filter(pk=outcome.pk).update(state="leased", lease_owner=LEASE,
                                                 lease_until=MONDAY)  # fmt: skip
    outcome.refresh_from_db()
    outbox.give_up(outcome, because="It has no e-mail.", failure="refused", at=instant.now())
    assert Ticket.objects.unresolved().count() == 1
    link(proposal, company["olivia"])
    assert not Ticket.objects.unresolved().exists()


LEASE = "00000000-0000-0000-0000-000000000001"


# --- On the pages ----------------------------------------------------------------------------
def test_one_click_has_it_made_and_says_so(company):
    proposal = sign()
    Outcome.objects.filter(kind="invoice.create").update(state="given_up")
    client = signed_in(company["olivia"])
    client.post(f"{PAGE}{proposal.pk}/create/")
    assert "The invoice was sent on its way again." in client.get(PAGE).content.decode()
    assert outcomes()[0].state == "due"


def test_a_no_is_a_sentence_on_the_page(late, company):
    body = signed_in(company["olivia"]).get(f"{PAGE}?range=all").content.decode()
    assert "RevOps operator may not override a guard" in body
    answer = signed_in(company["olivia"]).post(f"{PAGE}{late.pk}/create/")
    assert answer.status_code == 403
    answer = signed_in(company["rosa"]).post(
        f"{PAGE}{late.pk}/create/", headers={"HX-Request": "true"}
    )
    assert (answer.status_code, b"Say why" in answer.content) == (422, True)


def test_the_page_shows_what_fits_first_with_the_amount_beside(company):
    proposal = sign()
    address = f"{PAGE}{proposal.pk}/link/"
    client = signed_in(company["olivia"])
    assert b"Billing was not read to its end yet" in client.get(address).content
    named = invoice("in_3", total=5, metadata={"meshline_proposal": "pandadoc:doc-1"})
    read(
        invoice("in_1", total=99, email="else@example.com"), invoice("in_2", email="x@example.com"),
        invoice("in_4"), named, invoice("in_5", status="void"),
    )  # fmt: skip
    answer = client.get(address)
    assert [one.external_id for one in answer.context["found"]] == ["in_3", "in_4", "in_2"]
    assert b"0.05 EUR; 1,234.50 EUR is open" in answer.content
    found = client.get(f"{address}?q=INV-in_1").context["found"]
    assert [one.external_id for one in found] == ["in_1"]
    assert b"No invoice matches" in client.get(f"{address}?q=nothing").content
    answer = client.post(address, {"invoice": "in_4"})
    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    assert b"Invoice INV-in_4 was linked." in client.get(PAGE).content
    assert Proposal.objects.get().state == "invoiced"
    assert client.get(address).status_code == 303


def test_who_links_too_late_reads_why(company):
    first, second = sign(), sign("doc-2")
    read(invoice())
    client = signed_in(company["rosa"])
    client.post(f"{PAGE}{first.pk}/link/", {"invoice": "in_9"})
    answer = client.post(f"{PAGE}{second.pk}/link/", {"invoice": "in_9"})
    assert answer.status_code == 409
    assert b"linked already: to Website relaunch" in answer.content
