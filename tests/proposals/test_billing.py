"""What billing says of a proposal's invoices; and what is asked for once in its life."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from proposals import billing, history
from proposals.contracts import promises
from proposals.contracts.promises import ContractSpec, Made, OutcomeSpec
from proposals.history import Event
from proposals.states import State

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WON = frozenset({State.SIGNED, State.INVOICED, State.CLOSED_WON})
INVOICE = OutcomeSpec("invoice", "invoice.create", "billing", WON, once=True, optional=True)
SIGNED = ContractSpec(1, "signed", State.SIGNED, (INVOICE,))


def told(status="open", amount="1190.00", currency="EUR", **more):
    return {"number": "INV-1", "status": status, "amount": amount, "currency": currency, **more}


def test_without_an_invoice_nothing_is_billed():
    assert billing.billed({"title": "Relaunch"}).amount is None
    assert billing.billed({}).invoice.id == ""


def test_two_invoices_of_one_proposal_add_up():
    fields = {
        billing.name("in_1"): told(amount="500.00"),
        billing.name("in_2"): told(amount="690.00", status="paid"),
    }
    billed = billing.billed(fields)
    assert (billed.amount, billed.count, billed.invoice.id) == (Decimal("1190.00"), 2, "in_2")


def test_a_voided_invoice_does_not_count_beside_the_one_that_took_its_place():
    fields = {
        billing.name("in_1"): told("open"),
        billing.name("in_2"): told("void"),
    }
    assert billing.billed(fields).invoice.id == "in_1"
    assert billing.billed(fields).amount == Decimal("1190.00")


def test_an_only_invoice_that_was_voided_is_still_shown_and_asks_for_nothing():
    billed = billing.billed({billing.name("in_1"): told("void")})
    assert (billed.invoice.status, billed.amount) == ("void", None)


def test_amounts_in_two_currencies_are_not_added():
    fields = {
        billing.name("in_1"): told(currency="EUR"),
        billing.name("in_2"): told(currency="USD"),
    }
    assert billing.billed(fields).amount is None


# --- Once ---------------------------------------------------------------------------------------
def life(*states):
    return history.tell(
        Event(number, state, NOON + timedelta(minutes=number))
        for number, state in enumerate(states, 1)
    )


def made(signal_id, **changes):
    return Made(7, "signed", "invoice", signal_id, "", **{"is_cancelled": False, **changes})


def test_signed_disputed_and_signed_again_is_billed_once():
    story = life(State.SIGNED, State.DISPUTED, State.SIGNED)
    required = promises.wanted(story, [SIGNED])
    plan = promises.plan(required, [made(1, is_unwanted=True)], {})
    assert (plan.create, plan.drop, plan.keep) == ([], [], [7])


def test_what_was_never_carried_is_taken_up_again_under_its_key():
    story = life(State.SIGNED, State.DISPUTED, State.SIGNED)
    plan = promises.plan(promises.wanted(story, [SIGNED]), [made(1, is_cancelled=True)], {})
    assert (plan.create, plan.revive) == ([], [7])


@pytest.mark.parametrize(("played", "asked"), [({"crm"}, 0), ({"crm", "billing"}, 1)])
def test_an_optional_outcome_is_asked_for_only_where_something_plays_the_part(played, asked):
    assert len(promises.wanted(life(State.SIGNED), [SIGNED], played=played)) == asked
