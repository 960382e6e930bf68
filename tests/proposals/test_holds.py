"""Holds: automation stops for a proposal and says so, and goes on in order once they are lifted."""

from datetime import timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from django.db import IntegrityError, transaction

from connectors import draining
from connectors import invariants as doors
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.people.permissions import NotAllowed
from meshline.policy import high_value
from meshline.policy.models import Company
from meshline.policy.operating_model import ModelError, Stale
from proposals import holds, lateness, outbox, steering
from proposals import invariants as books
from proposals.contracts import approvals, promising, publishing, versions
from proposals.holds import HoldError
from proposals.models import Approval, Contract, Hold, Outcome, Proposal
from proposals.models.outcome import State
from proposals.steering import NotNow
from tests import factories
from tests.factories import MONDAY, digest_all, document, post_pandadoc
from tests.filling import form
from tests.reading import words

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def crm(staff):
    factories.hubspot()


def put(proposal, by, kind="manual", reason="Ask Nina first."):
    return holds.put(proposal_id=proposal.pk, kind=kind, reason=reason, by=by, at=instant.now())


def lift(hold, by, reason="She said yes."):
    return holds.lift(hold_id=hold.pk, reason=reason, by=by, at=instant.now())


def states():
    return dict(Outcome.objects.order_by("pk").values_list("name", "state"))


def claimed():
    found = outbox.claim_all(["hubspot", "meshline"], lease_seconds=60, most=9)
    return [one.name for one in found]


def whole():
    """Nothing in the books contradicts itself."""
    every = [*books.INVARIANTS, *doors.INVARIANTS]
    return [sentence for invariant in every for sentence in invariant.whole()]


@pytest.fixture
def thresholds():
    high_value.set_thresholds({"EUR": "5000"}, by=SETUP, at=instant.now())


def total(amount, currency="EUR"):
    return {"grand_total": {"amount": str(amount), "currency": currency}}


# --- By hand --------------------------------------------------------------------------------------
def test_nothing_goes_out_for_a_proposal_on_hold(sent, olivia):
    hold = put(sent, olivia)
    sent.refresh_from_db()
    assert sent.hold == "manual"
    assert set(states().values()) == {State.HELD}
    assert claimed() == []
    assert draining.drain(threads=0, linger=0) == 0
    line = TrailLine.objects.get(what="proposal.held")
    assert (line.why, line.after, line.record) == (
        "Ask Nina first.", {"hold": "Set by hand"}, sent.record,
    )  # fmt: skip
    lift(hold, olivia)
    assert claimed() == ["deal", "tell-owner"]
    assert TrailLine.objects.get(what="proposal.let-go").why == "She said yes."


def test_what_comes_while_it_is_on_hold_is_promised_and_waits(sent, tell, olivia):
    put(sent, olivia)
    tell("sent", name="Renamed")
    renamed = Outcome.objects.filter(name="deal").latest("pk")
    assert (renamed.state, renamed.on_hold, renamed.params["title"]) == ("held", True, "Renamed")
    assert whole() == []


def test_lifting_lets_everything_go_in_its_order_with_its_whole_time(sent, olivia):
    hold = put(sent, olivia)
    Outcome.objects.update(budget_ends_at=instant.now() - timedelta(hours=1))
    lift(hold, olivia)
    assert set(states().values()) == {State.DUE}
    soon = instant.now() + timedelta(minutes=4)
    assert all(at > soon for at in Outcome.objects.values_list("budget_ends_at", flat=True))
    # Of the CRM the deal goes first, and its task only behind it.
    assert outbox.claim(["hubspot"], lease_seconds=60).name == "deal"
    assert outbox.claim(["hubspot"], lease_seconds=60) is None
    assert whole() == []


def test_several_holds_each_stop_it(sent, olivia, rosa):
    first, second = put(sent, olivia), put(sent, rosa, "legal", "A letter came.")
    lift(first, olivia)
    sent.refresh_from_db()
    assert sent.hold == "legal"
    assert claimed() == []
    lift(second, rosa)
    sent.refresh_from_db()
    assert sent.hold == ""
    assert set(states().values()) == {State.DUE}


def test_what_is_being_carried_comes_home_and_then_waits(sent, olivia):
    deal = outbox.claim(["hubspot"], lease_seconds=60)
    hold = put(sent, olivia)
    at = instant.now()
    outbox.postpone(deal, until=at, because="503", failure="unavailable", uses_up_try=True, at=at)
    assert states()["deal"] == State.HELD
    assert claimed() == []
    lift(hold, olivia)
    assert claimed()[0] == "deal"


def test_what_died_while_it_was_carried_waits_too(sent, olivia):
    outbox.claim(["hubspot"], lease_seconds=0)
    put(sent, olivia)
    assert claimed() == []
    outbox.free_lapsed(after=-1)
    assert states()["deal"] == State.HELD
    assert claimed() == []


def test_what_was_delivered_is_still_read_back(sent, olivia):
    deal = outbox.claim(["hubspot"], lease_seconds=60)
    at = instant.now()
    outbox.mark_delivered(deal, external_id="7", prove_at=at, at=at)
    put(sent, olivia)
    assert claimed() == ["deal"]


def test_what_was_given_up_is_not_retried_meanwhile(sent, olivia):
    deal = outbox.claim(["hubspot"], lease_seconds=60)
    outbox.give_up(deal, because="No.", failure="refused", at=instant.now())
    hold = put(sent, olivia)
    with pytest.raises(NotNow, match="on hold"):
        steering.retry(outcome_id=deal.pk, by=olivia, at=instant.now())
    lift(hold, olivia)
    assert steering.retry(outcome_id=deal.pk, by=olivia, at=instant.now()).state == State.DUE


def test_what_is_held_is_not_late(sent, olivia):
    put(sent, olivia)
    later = instant.now() + timedelta(days=3)
    assert lateness.open_late_tickets(at=later) == 0


def test_taking_back_waits_for_the_hold_too(sent, tell, olivia):
    Outcome.objects.filter(name="follow-up").update(
        state="proven", proven_at=instant.now(), external_id="7"
    )
    put(sent, olivia)
    tell("declined", date_declined="2026-03-02T10:00:00Z", date_modified="2026-03-02T10:00:00Z")
    assert states()["follow-up-undo"] == State.HELD
    # A ticket is for people here: it opens.
    assert Ticket.objects.filter(kind="dispute").exists()
    assert whole() == []


def test_what_is_undone_after_it_was_carried_waits_as_well(sent, olivia):
    task = Outcome.objects.get(name="follow-up")
    put(sent, olivia)
    back = promising.undo(task, at=instant.now())
    assert (back.state, back.on_hold) == (State.HELD, True)


def test_a_gate_and_a_hold_both_hold(tell, rosa, olivia):
    content = versions.terms_of(Contract.objects.live().get(slug="sent")).content
    content["outcomes"][0]["gate"] = {"who": "role:manager", "within": 60}
    publishing.put_in_force(slug="sent", content=content, by=SETUP, at=instant.now())
    proposal = tell("sent")
    hold = put(proposal, olivia)
    approvals.approve(approval_id=Approval.objects.get().pk, by=rosa, at=instant.now())
    assert states()["deal"] == State.HELD
    lift(hold, olivia)
    assert states()["deal"] == State.DUE
    again = put(proposal, olivia)
    tell("sent", name="Renamed")
    lift(again, olivia)
    # Let go by its hold, the new one still waits for its gate.
    assert Outcome.objects.filter(name="deal").latest("pk").state == State.HELD
    assert whole() == []


def test_holds_that_ask_for_a_decision_are_a_ticket_until_it_is_made(sent, olivia):
    hold = put(sent, olivia, "privacy", "She wants to be forgotten.")
    ticket = Ticket.objects.get(kind="on-hold")
    assert (ticket.title, ticket.owner) == ("Website relaunch is on hold: privacy", olivia)
    lift(hold, olivia, "It was another Nina.")
    ticket.refresh_from_db()
    assert (ticket.status, ticket.resolution) == ("resolved", "closed on evidence")
    put(sent, olivia, "legal")
    assert not Ticket.objects.unresolved().exists()


@pytest.mark.parametrize(
    ("kind", "reason"), [("", "x"), ("bad", "x"), ("legal", " "), ("legal", "\0"),
                         ("legal", "x" * 301)],
)  # fmt: skip
def test_what_is_no_hold(sent, olivia, kind, reason):
    with pytest.raises(ValueError, match=r"."):
        put(sent, olivia, kind, reason)
    assert not Hold.objects.exists()


def test_the_second_who_sets_or_lifts_it_hears_so(sent, olivia, rosa):
    hold = put(sent, olivia)
    with pytest.raises(HoldError, match="on hold for that already"):
        put(sent, rosa)
    lift(hold, olivia)
    with pytest.raises(HoldError, match=r"Olivia Ortiz .* lifted it already"):
        lift(hold, rosa)
    put(sent, olivia)
    with pytest.raises(IntegrityError), transaction.atomic():
        Hold.objects.create(proposal=sent, kind="manual", reason="x", set_at=MONDAY)


@pytest.mark.parametrize("name", ["sam", "remy", "ada", "vera"])
def test_only_revops_sets_and_lifts(sent, staff, name):
    with pytest.raises(NotAllowed):
        put(sent, staff[name])
    hold = put(sent, staff["olivia"])
    with pytest.raises(NotAllowed):
        lift(hold, staff[name])


# --- By itself ------------------------------------------------------------------------------------
def test_what_is_worth_that_much_is_held_when_it_comes_in(tell, thresholds):
    proposal = tell("sent", **total(5000))
    assert proposal.hold == "high-value"
    assert set(states().values()) == {State.HELD}
    hold = Hold.objects.get()
    assert (hold.set_by, hold.set_by_label) == (None, "The high-value thresholds")
    assert hold.reason == "It is worth 5,000.00 EUR, which takes a look first."
    assert Ticket.objects.get(kind="on-hold").amount_at_risk == Decimal(5000)
    assert whole() == []


@pytest.mark.parametrize(("amount", "currency"), [("4999.99", "EUR"), ("9000", "USD")])
def test_less_or_another_currency_is_not(tell, thresholds, amount, currency):
    assert tell("sent", **total(amount, currency)).hold == ""
    assert not Hold.objects.exists()


def test_what_a_person_let_go_is_held_again_only_for_more(tell, thresholds, rosa):
    tell("sent", **total(6000))
    lift(Hold.objects.get(), rosa)
    assert tell("viewed", **total(6000)).hold == ""
    assert tell("viewed", **total(5500)).hold == ""
    assert tell("viewed", **total(6000)).hold == ""
    assert tell("viewed", **total(7000)).hold == "high-value"


def test_what_turns_out_to_be_worth_less_goes_on_by_itself(tell, thresholds):
    tell("sent", **total(6000))
    proposal = tell("sent", **total(600))
    assert proposal.hold == ""
    hold = Hold.objects.get()
    assert (hold.lifted_by, hold.lifted_by_label) == (None, "The high-value thresholds")
    assert hold.lifted_why == "It is worth 600.00 EUR now, which takes no look."
    assert Ticket.objects.get().status == "resolved"
    assert Outcome.objects.filter(state=State.DUE).exists()
    assert whole() == []


def test_a_hold_that_a_person_set_is_not_lifted_by_itself(tell, thresholds, rosa):
    proposal = tell("sent", **total(600))
    put(proposal, rosa, "high-value", "It looks larger than it is.")
    assert tell("sent", **total(500)).hold == "high-value"


def test_in_whatever_order_its_amounts_come_it_ends_the_same(pandadoc, thresholds):
    amounts = [("sent", 100), ("viewed", 9000), ("viewed", 8000)]
    for number, order in enumerate(permutations(range(3))):
        for place in order:
            state, amount = amounts[place]
            event = document(
                state, id=f"doc-{number}", at=MONDAY + timedelta(minutes=place), **total(amount)
            )
            post_pandadoc([event], event_id=f"{number}-{place}")
            digest_all()
    assert set(Proposal.objects.values_list("hold", "amount")) == {("high-value", Decimal(8000))}
    open_ones = Outcome.objects.filter(state=State.HELD)
    per = [
        sorted(open_ones.filter(proposal=one).values_list("name", flat=True))
        for one in Proposal.objects.all()
    ]
    assert all(names == per[0] for names in per)
    assert whole() == []


# --- The thresholds -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("currency", "amount"),
    [("EUR", "0"), ("EUR", "-5"), ("EUR", "x"), ("EUR", "1e400"), ("EUR", "NaN"), ("euro", "5"),
     ("", "5"), ("EUR", "5.001"), ("EUR", "9" * 39), ("EUR", "٣"), ("EUR", "")],
)  # fmt: skip
def test_what_is_no_threshold(currency, amount):
    with pytest.raises(ModelError):
        high_value.set_thresholds({currency: amount}, by=SETUP, at=MONDAY)
    assert Company.objects.get().high_value == {}


def test_who_did_not_see_the_thresholds_does_not_overwrite_them(rosa, olivia, thresholds):
    with pytest.raises(Stale):
        high_value.set_thresholds({"EUR": "1"}, seen={}, by=rosa, at=MONDAY)
    with pytest.raises(NotAllowed):
        high_value.set_thresholds({"EUR": "1"}, by=olivia, at=MONDAY)
    high_value.set_thresholds({"EUR": "1"}, seen={"EUR": "5000.00"}, by=rosa, at=MONDAY)
    line = TrailLine.objects.filter(what="high-value.changed").latest("pk")
    assert (line.before, line.after) == ({"EUR": "5000.00"}, {"EUR": "1.00"})


# --- In the browser -------------------------------------------------------------------------------
def test_a_manager_sets_the_thresholds(as_, staff):
    rosa, url = as_("rosa"), "/operating-model/holds/"
    assert f'href="{url}"' in rosa.get("/operating-model/").content.decode()
    data = form(rosa.get(url), css="narrow") | {"new_currency": "eur", "new_amount": "50,000"}
    assert rosa.post(url, data).status_code == 303
    page = rosa.get(url)
    assert "From 50,000.00 EUR" in words(page)
    data = form(page, css="narrow")
    assert data["amount-EUR"] == ["50000.00"]
    wrong = rosa.post(url, {**data, "amount-EUR": "lots"})
    assert wrong.status_code == 422
    assert "is no amount" in words(wrong)
    assert 'value="lots"' in wrong.content.decode()
    assert rosa.post(url, {**data, "new_amount": "5"}).status_code == 422
    high_value.set_thresholds({"EUR": "7"}, by=SETUP, at=instant.now())
    stale = rosa.post(url, {**data, "amount-EUR": "8"})
    assert stale.status_code == 409
    assert "changed this meanwhile" in words(stale)
    again = form(stale, css="narrow")
    assert again["amount-EUR"] == ["8"]
    assert rosa.post(url, {**again, "amount-EUR": ""}).status_code == 303
    assert Company.objects.get().high_value == {}
    assert as_("olivia").post(url, data).status_code in (303, 403)
    assert Company.objects.get().high_value == {}


def test_the_page_the_list_the_queue_and_the_api_say_so(as_, tell, thresholds, staff):
    proposal = tell("sent", **total(9000))
    url = f"/proposals/{proposal.pk}/"
    page = words(as_("remy").get(url))
    assert "On hold: high value." in page
    assert "Its proposal is on hold: high value." in page
    assert "Put on hold: high value" in page
    assert "on hold: high value" in words(as_("remy").get("/proposals/"))
    assert "Website relaunch" in words(as_("remy").get("/proposals/?attention=hold"))
    assert "on hold: high value" in words(as_("olivia").get("/queue/"))
    ticket = Ticket.objects.get(kind="on-hold")
    assert "on hold: high value" in words(as_("olivia").get(f"/queue/{ticket.pk}/"))


def test_held_and_let_go_from_the_page(as_, sent, staff):
    olivia, url = as_("olivia"), f"/proposals/{sent.pk}/"
    data = form(olivia.get(url), action=f"{url}hold/")
    none = olivia.post(f"{url}hold/", data)
    assert none.status_code == 422
    assert olivia.post(f"{url}hold/", {**data, "kind": "x", "reason": "y"}).status_code == 422
    assert olivia.post(f"{url}hold/", {**data, "reason": "Ask first."}).status_code == 303
    assert "Ask first." in words(olivia.get(url))
    again = olivia.post(f"{url}hold/", {**data, "reason": "Kept words"})
    assert again.status_code == 409
    assert "Kept words" in again.content.decode()
    lifting = form(olivia.get(url), action=f"{url}lift/")
    assert olivia.post(f"{url}lift/", lifting).status_code == 422
    answer = olivia.post(
        f"{url}lift/", {**lifting, "reason": "Yes."}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    assert "The hold is lifted." in words(answer)
    assert olivia.post(f"{url}lift/", {**lifting, "reason": "Yes."}).status_code == 409
    assert olivia.post(f"{url}lift/", {"hold": "9" * 18, "reason": "x"}).status_code == 404
    assert olivia.post(f"{url}lift/", {"hold": "9" * 40, "reason": "x"}).status_code == 422
    assert as_("remy").post(f"{url}hold/", {**data, "reason": "x"}).status_code == 403


def test_who_sees_masked_reads_no_amount_in_the_reason(as_, tell, thresholds, staff):
    proposal = tell("sent", **total(9000))
    page = words(as_("vera").get(f"/proposals/{proposal.pk}/"))
    assert "On hold: high value. It takes a look first." in page
    assert "9,000" not in page
