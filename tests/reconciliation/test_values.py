"""What a person types where a difference is edited, and how amounts are shown."""

import pytest

from reconciliation import values
from reconciliation.kinds import DEALS, DOCUMENTS
from reconciliation.values import Impossible

AMOUNT, TITLE = DEALS.field("amount"), DEALS.field("title")
EMAIL = DOCUMENTS.field("contact_email")


@pytest.mark.parametrize(
    ("typed", "amount", "currency"),
    [
        ("1234.5 EUR", "1234.50", "EUR"),
        ("1,234.50 eur", "1234.50", "EUR"),
        ("0 EUR", "0.00", "EUR"),
        ("5000 JPY", "5000", "JPY"),
    ],
)
def test_an_amount_is_taken_with_its_currency(typed, amount, currency):
    assert values.canonical(AMOUNT, typed) == {"amount": amount, "currency": currency}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("-5.00 EUR", "Amount: it cannot be below zero."),
        ("14250.00 XXX", "Amount: XXX is no currency; use a code such as EUR."),
        ("14250.00", "Amount: write a number and its currency, such as 1,234.50 EUR."),
        ("", "Amount: write a number and its currency, such as 1,234.50 EUR."),
        ("12,50 EUR", "Amount: write a number and its currency, such as 1,234.50 EUR."),
        ("1.5 JPY", "Amount: 1.5 is finer than JPY allows (0 digits)."),
    ],
)
def test_what_is_no_amount_is_refused_in_words(typed, said):
    with pytest.raises(Impossible) as refused:
        values.canonical(AMOUNT, typed)
    assert str(refused.value) == said


def test_a_text_and_an_address_are_refused_by_their_own_names():
    with pytest.raises(Impossible, match="Title: write 1 to "):
        values.canonical(TITLE, " ")
    with pytest.raises(Impossible, match="Contact's e-mail: write one"):
        values.canonical(EMAIL, "nobody")
    assert values.canonical(EMAIL, "Nina@Example.com") == {"contact_email": "nina@example.com"}


@pytest.mark.parametrize(
    ("compared", "shown"),
    [
        ("14250.00 EUR", "14,250.00 EUR"),
        ("14250 JPY", "14,250 JPY"),
        ("-5.00 CHF", "-5.00 CHF"),
        ("1.005 EUR", "1.005 EUR"),
        ("", ""),
        ("a lot", "a lot"),
    ],
)
def test_an_amount_is_shown_in_one_way(compared, shown):
    assert values.in_words(compared) == shown


def test_each_field_says_what_is_to_be_typed():
    assert "currency" in values.hint(AMOUNT)
    assert "currency" not in values.hint(TITLE)
