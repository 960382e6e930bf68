"""What a signed proposal lacks: every way in which it may stand, and what is said of it."""

from decimal import Decimal

import pytest

from proposals.states import State
from reconciliation import lacking
from reconciliation.lacking import Facts, Lack

HUNDRED = Decimal(100)


def facts(state="signed", **more):
    told = {"amount": HUNDRED, "currency": "EUR", **more}
    return Facts(state, **told)


def billed(amount="100", currency="EUR", status="open", state="invoiced", **more):
    money = None if amount is None else Decimal(amount)
    return facts(
        state, invoice="INV-1", invoice_status=status, invoiced=money, invoiced_currency=currency,
        **more,
    )  # fmt: skip


CASES = [
    (facts(), Lack.UNPROMISED),
    (facts(made="held"), Lack.GATE),
    (facts(made="held", on_hold=True), Lack.ON_HOLD),
    (facts(made="due", on_hold=True), Lack.ON_HOLD),
    (facts(made="leased", on_hold=True), Lack.ON_HOLD),
    (facts(made="due"), Lack.CARRIED),
    (facts(made="leased"), Lack.CARRIED),
    (facts(made="delivered"), Lack.CARRIED),
    (facts(made="delivered", on_hold=True), Lack.CARRIED),
    (facts(made="given_up"), Lack.GIVEN_UP),
    (facts(made="given_up", on_hold=True), Lack.GIVEN_UP),
    (facts(made="cancelled"), Lack.CALLED_OFF),
    (facts(made="proven"), Lack.UNTOLD),
    (facts("closed-won"), Lack.UNPROMISED),
    (facts("invoiced", made="proven"), Lack.UNTOLD),
    (facts(amount=None, currency=""), Lack.UNPROMISED),
    (billed(None, "", "draft", "signed"), Lack.DRAFT),
    (billed(None, "", "draft", "signed", made="proven"), Lack.DRAFT),
    (billed(None, "", "void"), Lack.VOID),
    (billed(None, "", "void", "closed-won"), Lack.VOID),
    (billed(), None),
    (billed(state="signed"), None),
    (billed(status="paid", state="closed-won"), None),
    (billed(status="uncollectible"), None),
    (billed("100.0000"), None),
    (billed("60"), Lack.AMOUNT),
    (billed("140"), Lack.AMOUNT),
    (billed(currency="USD"), Lack.CURRENCY),
    (billed("60", currency="USD"), Lack.CURRENCY),
    (billed(None, ""), Lack.CURRENCY),
    (billed(state="signed", amount="60"), Lack.AMOUNT),
    (Facts("invoiced", invoice="INV-1", invoice_status="open", invoiced=HUNDRED), None),
    *((facts(state), None) for state in ("draft", "sent", "viewed", "expired")),
    *((billed(state=state), Lack.UNSIGNED) for state in ("draft", "sent", "viewed", "expired")),
    (billed(None, "", "draft", "sent"), None),
    (billed(None, "", "void", "sent"), None),
    *((facts(state), None) for state in ("disputed", "closed-lost")),
    *((billed("60", state=state), None) for state in ("disputed", "closed-lost")),
]


@pytest.mark.parametrize(("known", "lack"), CASES)
def test_what_lacks(known, lack):
    assert lacking.of(known) is lack
    assert bool(lacking.words(known)) is (lack is not None)


def test_every_state_of_a_proposal_is_signed_or_too_early_or_neither():
    named = {*lacking.SIGNED, *lacking.UNSIGNED}
    assert set(State) - named == {State.DISPUTED, State.CLOSED_LOST}


@pytest.mark.parametrize(
    ("known", "left"),
    [
        (facts(), 100),
        (facts(made="proven"), 100),
        (billed(), 0),
        (billed("60"), 40),
        (billed("140"), 0),
        (billed(currency="USD"), 100),
        (billed(None, "", "void"), 100),
        (billed(state="sent"), 0),
        (facts(amount=None, currency=""), 0),
    ],
)
def test_how_much_of_it_nothing_asks_for(known, left):
    assert lacking.still_open(known) == left


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (facts(), "No invoice is promised: no contract asks for it."),
        (facts(made="given_up", ticket=7), "Making the invoice was given up: ticket #7."),
        (facts(made="given_up"), "Making the invoice was given up."),
        (facts(made="proven", made_as="in_3"),
         "Billing made it as in_3, and has told nothing of it since."),
        (billed(None, "", "draft"), "Invoice INV-1 is a draft: nobody is asked to pay."),
        (billed(None, "", "void"), "Invoice INV-1 is void: nobody is asked to pay."),
        (billed("60"), "The amount differs: 40.00 EUR less than was signed."),
        (billed("140.5"), "The amount differs: 40.50 EUR more than was signed."),
        (billed(currency="USD"), "It is invoiced in USD, and was signed in EUR."),
        (billed(None, ""), "Its invoices are in several currencies, or say no amount."),
        (billed(state="sent"), "Invoice INV-1 is open, but it is sent."),
    ],
)  # fmt: skip
def test_what_is_said_of_it(known, said):
    assert lacking.words(known) == said
