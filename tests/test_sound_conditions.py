"""Conditions that can be read and say nothing are refused where they are written."""

from decimal import Decimal
from itertools import product

import pytest

from meshline import clauses, sound_conditions
from meshline.clauses import ClauseError, Field, Kind

FIELDS = {
    "amount": Field("Amount", Kind.NUMBER),
    "currency": Field("Currency"),
    "source": Field("Source"),
    "title": Field("Title"),
    "state": Field("State", choices={"sent": "Sent", "signed": "Signed"}),
    "signed_at": Field("Moment of signing", Kind.MOMENT),
    "repeat": Field("Repeat", Kind.FLAG, so="they bought before", not_so="they never did"),
}
KNOWN = {"source": ["quotes", "crm"]}


def clause(field, op, value=None):
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


def refusal(node):
    assert clauses.read(node, FIELDS), "what was kept is read all the same"
    with pytest.raises(ClauseError) as refused:
        sound_conditions.read(node, FIELDS, KNOWN)
    return str(refused.value), refused.value.place


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("1", "names no field"), ('"x"', "names no field"), ("null", "names no field"),
        ("[1]", "names no field"), ("1 == 1", "names no field"), ("true", "names no field"),
        ("title", "no yes or no"), ("amount + 1.0", "no yes or no"), ("amount", "no yes or no"),
        ("repeat ? 1 : 2", "no yes or no"), ("[amount]", "no yes or no"),
        ('amount > "a"', "its kind cannot answer"), ("title > 5", "its kind cannot answer"),
        ("!amount", "its kind cannot answer"), ("-title == 'x'", "its kind cannot answer"),
        ("amount.startsWith('x')", "its kind cannot answer"),
        ("size(amount) == 1", "its kind cannot answer"),
        ("amount > 5000.0 && title > 1.0", "its kind cannot answer"),
        ("title == 'pump' && amount > 'a'", "its kind cannot answer"),
        ("amount == 7.0 && title > 1.0", "its kind cannot answer"),
        ("state == 'sent' && title > 1.0", "its kind cannot answer"),
        ("signed_at > 5", "its kind cannot answer"),
        ("amount/0.0 > 1.0", "divided by 0"), ("amount > 10 / 0", "divided by 0"),
        ("amount > double('z')", "cannot be worked out"),
    ],
)  # fmt: skip
def test_an_expression_must_be_a_yes_or_no_of_its_fields(written, says):
    sentence, place = refusal({"all": [clause("title", "is_told"), {"not": {"cel": written}}]})
    assert says in sentence
    assert place == "2"


@pytest.mark.parametrize(
    "written",
    [
        "amount >= 50000.0 && source == 'quotes'", "title.contains('crane')", "repeat",
        "amount > 5", "amount / 0.5 > 1.0", "amount / 10.0 > 1.0", "size(title) > 3",
        "int(title) > 5", "timestamp(title) > timestamp('2026-01-01T00:00:00Z')",
        "signed_at > timestamp('2026-01-01T00:00:00Z')", "title in ['a', 'b']",
        "title == '/ 0 '", "state == 'sent' || amount < 3.0 || currency == 'EUR' || !repeat",
        "duration(title) > duration('1s')", "string(amount) == '5'", "int(amount) % 2 == 0",
    ],
)  # fmt: skip
def test_an_expression_that_can_be_answered_is_kept(written):
    assert str(sound_conditions.read({"cel": written}, FIELDS)) == f"the expression {written} holds"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (clause("amount", "at_least", "10"), clause("amount", "at_most", "5")),
        (clause("amount", "at_least", "10"), clause("amount", "less_than", "10")),
        (clause("amount", "more_than", "10"), clause("amount", "at_most", "10")),
        (clause("amount", "is", "4"), clause("amount", "at_least", "5")),
        (clause("currency", "is", "EUR"), clause("currency", "is", "USD")),
        (clause("currency", "is", "EUR"), clause("currency", "is_not", "eur")),
        (clause("currency", "is", "EUR"), clause("currency", "is_one_of", "USD, CHF")),
        (clause("currency", "is_one_of", "EUR, USD"), clause("currency", "is_none_of", "USD,EUR")),
        (clause("title", "is_blank"), clause("title", "contains", "x")),
        (clause("title", "is_blank"), clause("title", "is_told")),
        (clause("title", "is_blank"), clause("title", "is_not", "x")),
        (clause("title", "is", "pump"), clause("title", "starts_with", "x")),
        (clause("repeat", "is", True), clause("repeat", "is_not", True)),
        (clause("repeat", "is_not", True), clause("repeat", "is_not", False)),
        (
            clause("signed_at", "more_than", "2026-11-23T09:00+00:00"),
            clause("signed_at", "less_than", "2026-11-22T09:00+00:00"),
        ),
    ],
)  # fmt: skip
def test_what_cannot_hold_together_is_refused_where_the_second_stands(first, second):
    for one, other in ((first, second), (second, first)):
        sentence, place = refusal({"all": [one, clause("source", "is_told"), {"all": [other]}]})
        assert sentence == f"This never holds together with “{clauses.read(one, FIELDS)}”."
        assert place == "3.1"
    inner = {"any": [clause("source", "is_told"), {"not": {"all": [first, second]}}]}
    assert refusal(inner)[1] == "2.2"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (clause("amount", "at_least", "10"), clause("amount", "at_most", "10")),
        (clause("amount", "more_than", "5"), clause("amount", "less_than", "6")),
        (clause("amount", "at_least", "10"), clause("amount", "at_least", "5")),
        (clause("currency", "is", "EUR"), clause("title", "is", "USD")),
        (clause("currency", "is_one_of", "EUR, USD"), clause("currency", "is_not", "EUR")),
        (clause("title", "contains", "x"), clause("title", "contains", "y")),
        (clause("title", "is_told"), clause("title", "is_not", "x")),
        (clause("title", "is_blank"), clause("amount", "is", "5")),
        (clause("repeat", "is", True), clause("repeat", "is_not", False)),
    ],
)  # fmt: skip
def test_what_can_hold_together_is_kept(first, second):
    assert sound_conditions.read({"all": [first, second]}, FIELDS)


def test_either_of_what_cannot_hold_together_may():
    either = [clause("amount", "at_least", "10"), clause("amount", "at_most", "5")]
    assert sound_conditions.read({"any": either}, FIELDS)
    assert sound_conditions.read({"all": [either[0], {"not": either[1]}]}, FIELDS)


def test_a_value_that_its_field_cannot_have_is_refused_and_named():
    for node in (clause("source", "is", "quote"), clause("source", "is_none_of", "crm, quote")):
        sentence, place = refusal({"any": [clause("title", "is_told"), node]})
        assert (sentence, place) == ("Source is never “quote”; there is crm, quotes.", "2")
    assert sound_conditions.read(clause("source", "is_one_of", "CRM, quotes"), FIELDS, KNOWN)
    assert sound_conditions.read(clause("source", "contains", "quo"), FIELDS, KNOWN)
    assert sound_conditions.read(clause("source", "is", "quote"), FIELDS)


# --- Across groups --------------------------------------------------------------------------------
OVER_50, OVER_100 = clause("amount", "more_than", "50"), clause("amount", "more_than", "100")
UNDER_10 = clause("amount", "less_than", "10")
TOLD, BLANK = clause("amount", "is_told"), clause("amount", "is_blank")


def none_of(*parts):
    return {"not": {"any": list(parts)}}


@pytest.mark.parametrize(
    ("node", "place"),
    [
        ({"all": [OVER_100, none_of(OVER_50)]}, ""),
        ({"all": [OVER_100, {"not": OVER_50}]}, ""),
        ({"all": [OVER_100, {"any": [UNDER_10, clause("amount", "is", "7")]}]}, ""),
        ({"all": [TOLD, none_of(TOLD)]}, ""),
        ({"all": [TOLD, none_of(OVER_50, clause("amount", "at_most", "50"))]}, ""),
        ({"any": [{"all": [OVER_100, none_of(OVER_50)]}, {"all": [BLANK, none_of(BLANK)]}]}, "2"),
        ({"any": [{"cel": "amount > 1.0"}, {"all": [OVER_100, {"not": OVER_50}]}]}, "2"),
        ({"all": [clause("currency", "is", "EUR"), none_of(clause("currency", "is", "eur"))]}, ""),
        ({"not": {"any": [OVER_50, none_of(OVER_50)]}}, ""),
    ],
)
def test_what_no_way_through_its_groups_can_answer_is_refused(node, place):
    sentence, where = refusal(node)
    assert sentence == "This never holds: its parts contradict each other."
    assert where == place


@pytest.mark.parametrize(
    "node",
    [
        {"all": [OVER_50, none_of(OVER_100)]},
        {"all": [{"not": OVER_50}, {"not": UNDER_10}]},
        # What is blank is neither over 50 nor at most 50.
        none_of(OVER_50, clause("amount", "at_most", "50")),
        {"all": [clause("title", "contains", "a"), none_of(clause("title", "contains", "b"))]},
        {"all": [{"cel": "amount > 1.0"}, none_of(OVER_50)]},
        {"any": [UNDER_10, none_of(UNDER_10)]},
        {"all": [OVER_100, {"any": [UNDER_10, clause("currency", "is", "EUR")]}]},
    ],
)
def test_what_some_way_through_its_groups_can_answer_is_kept(node):
    assert sound_conditions.read(node, FIELDS, KNOWN)


def test_of_what_has_too_many_ways_nothing_is_claimed():
    either = {"any": [clause("title", "is", "a"), clause("currency", "is", "b")]}
    node = {"all": [OVER_100, none_of(OVER_50), *[either] * 7]}
    assert sound_conditions.read(node, FIELDS, KNOWN)


def test_nothing_that_holds_of_some_facts_is_called_impossible():
    """Small conditions of every shape, each tried on every combination of facts."""
    asked = [
        OVER_50, UNDER_10, TOLD, BLANK, clause("amount", "is", "7"),
        clause("amount", "is_not", "7"), clause("repeat", "is", True),
        clause("repeat", "is_not", True), clause("currency", "is_one_of", "EUR, USD"),
        clause("currency", "is_none_of", "EUR"), clause("currency", "starts_with", "u"),
    ]  # fmt: skip
    amounts = [None, *map(Decimal, (7, 9, 10, 50, 51))]
    facts = [
        {"amount": amount, "currency": currency, "repeat": repeat}
        for amount in amounts
        for currency in (None, "", "EUR", "usd", "GBP")
        for repeat in (None, True, False)
    ]
    never = 0
    for a, b, c in product(asked, repeat=3):
        for node in (
            {"all": [a, none_of(b, c)]}, {"all": [a, {"not": {"all": [b, c]}}]},
            {"all": [{"any": [a, b]}, {"not": c}]}, {"any": [none_of(a, b), {"all": [b, c]}]},
        ):  # fmt: skip
            condition = clauses.read(node, FIELDS)
            if sound_conditions.can_never_hold(condition):
                never += 1
                assert not any(condition.holds(one) for one in facts), node
    assert never > 100
