"""Conditions of clauses: read, told, judged; whatever cannot be one is refused with its place."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshline import clauses, compiled_clauses
from meshline.clauses import ClauseError, Field, Kind

FIELDS = {
    "amount": Field("Amount", Kind.NUMBER),
    "source": Field("Source"),
    "state": Field("State", choices={"sent": "Sent", "signed": "Signed"}),
    "signed_at": Field("Moment of signing", Kind.MOMENT),
    "repeat": Field(
        "Repeat customer", Kind.FLAG, so="they bought before", not_so="they never bought before"
    ),
    "tier": Field("SLA", choices={"gold": "Gold", "crm": "CRM only"}),
    "seller": Field("HubSpot's owner"),
}  # fmt: skip
FACTS = {
    "amount": Decimal("60000.50"), "source": "Quotes", "state": "signed",
    "signed_at": datetime(2026, 11, 23, 9, 0, tzinfo=UTC), "repeat": True,
}  # fmt: skip


def clause(field, op, value=None):
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


def holds(node, facts=FACTS):
    return clauses.read(node, FIELDS).holds(facts)


@pytest.mark.parametrize(
    ("node", "held"),
    [
        (clause("amount", "at_least", "60000.50"), True),
        (clause("amount", "more_than", "60000.50"), False),
        (clause("amount", "less_than", "60000.51"), True),
        (clause("amount", "at_most", 60000), False),
        (clause("amount", "is", "60000.5"), True),
        (clause("source", "is", "quotes"), True),
        (clause("source", "is_not", "quotes"), False),
        (clause("source", "contains", "OTE"), True),
        (clause("source", "starts_with", "quo"), True),
        (clause("source", "ends_with", "quo"), False),
        (clause("source", "is_one_of", "crm, quotes"), True),
        (clause("source", "is_none_of", ["crm", "quotes"]), False),
        (clause("source", "is_blank"), False),
        (clause("source", "is_told"), True),
        (clause("state", "is", "signed"), True),
        (clause("signed_at", "at_least", "2026-11-23T10:00+01:00"), True),
        (clause("signed_at", "less_than", "2026-11-23T09:00+00:00"), False),
        (clause("repeat", "is", "true"), True),
        (clause("repeat", "is_not", True), False),
        ({"all": []}, True),
        ({"not": clause("repeat", "is", True)}, False),
        ({"any": [clause("source", "is", "crm"), clause("repeat", "is", True)]}, True),
        ({"all": [clause("source", "is", "crm"), clause("repeat", "is", True)]}, False),
        ({"cel": "amount >= 50000.0 && source.startsWith('Quo')"}, True),
        ({"cel": "amount < 50000.0 || state == 'sent'"}, False),
        ({"cel": "amount >= 50000.0\n\t&& source == 'Quotes'"}, True),
        ({"cel": "signed_at > timestamp('2026-01-01T00:00:00Z')"}, True),
    ],
)
def test_what_holds(node, held):
    assert holds(node) is held
    assert (
        compiled_clauses.compiled(clauses.read(node, FIELDS))(compiled_clauses.folded(FACTS), FACTS)
        is held
    )


@pytest.mark.parametrize("number", ["0.00000000000000000001", "9999999999999999", "1e15", "-0.50"])
def test_a_number_may_be_as_exact_as_anybody_writes_one(number):
    assert str(clauses.read(clause("amount", "at_least", number), FIELDS)).startswith(
        "the amount is"
    )


@pytest.mark.parametrize("op", ["at_least", "is", "is_not", "less_than"])
def test_what_nobody_told_makes_a_clause_false(op):
    assert not holds(clause("amount", op, "5"), {})
    assert holds(clause("amount", "is_blank"), {})
    assert not holds({"cel": "amount > 1.0"}, {})


def test_an_expression_over_kinds_that_do_not_compare_does_not_hold():
    assert not holds({"cel": "source > 1.0"})
    assert not holds({"cel": "amount"})
    assert not holds({"cel": "1 / 0 == 1"})


BROKEN = {"cel": "source > 1.0"}
TRUE, FALSE = clause("source", "is_told"), clause("source", "is_blank")


@pytest.mark.parametrize(
    ("node", "answer"),
    [
        (BROKEN, None), ({"not": BROKEN}, None), ({"not": {"any": [BROKEN, FALSE]}}, None),
        ({"not": {"all": [TRUE, BROKEN]}}, None), ({"all": [BROKEN, TRUE]}, None),
        # What another part decides alone is decided, whichever comes first.
        ({"any": [BROKEN, TRUE]}, True), ({"any": [TRUE, BROKEN]}, True),
        ({"all": [BROKEN, FALSE]}, False), ({"not": {"cel": "amount"}}, None),
        ({"not": {"cel": "int(source) > 5"}}, None), ({"not": {"cel": "amount > 10 / 0"}}, None),
    ],
)  # fmt: skip
def test_neither_an_expression_that_cannot_be_worked_out_holds_nor_its_opposite(node, answer):
    condition = clauses.read(node, FIELDS)
    assert condition.answer(FACTS) is answer
    assert condition.holds(FACTS) is condition.judge(FACTS).held is (answer is True)
    test = compiled_clauses.compiled(condition)
    assert test(compiled_clauses.folded(FACTS), FACTS) is answer


def test_why_says_that_an_expression_could_not_be_worked_out():
    found = clauses.read({"not": BROKEN}, FIELDS).judge(FACTS)
    assert found.parts[0].sentence == ("the expression source > 1.0, which could not be worked out")
    assert not found.held


def test_each_part_has_its_verdict_and_the_value_that_was_seen():
    node = {"all": [clause("amount", "at_least", "50000"), clause("source", "is", "crm")]}
    found = clauses.read(node, FIELDS).judge(FACTS)
    assert (found.sentence, found.held) == (
        "the amount is at least 50,000 and the source is “crm”", False,
    )  # fmt: skip
    assert [(part.held, part.seen) for part in found.parts] == [
        (True, "60,000.50"), (False, "Quotes"),
    ]  # fmt: skip


def test_a_condition_reads_as_a_sentence():
    node = {
        "any": [
            {"all": [clause("state", "is_one_of", "sent,signed"), clause("repeat", "is", "false")]},
            {"not": clause("signed_at", "less_than", "2026-11-23T09:00+00:00")},
        ]
    }
    assert str(clauses.read(node, FIELDS)) == (
        "(the state is one of sent or signed and they never bought before)"
        " or not (the moment of signing is before 2026-11-23 09:00 UTC)"
    )
    assert str(clauses.ALWAYS) == "always"


def test_inside_a_sentence_only_words_of_ours_are_lowered():
    """Acronyms and names stay as they are, and so does what somebody wrote."""
    node = {
        "all": [
            clause("tier", "is_one_of", "gold, crm"), clause("seller", "is", "Sam Dube"),
            clause("source", "is_blank"),
        ]
    }  # fmt: skip
    assert str(clauses.read(node, FIELDS)) == (
        "the SLA is one of gold or CRM only and the HubSpot's owner is “Sam Dube” "
        "and the source is blank"
    )


@pytest.mark.parametrize(
    ("node", "place", "says"),
    [
        ("amount > 5", "", "Write a clause"),
        ({}, "", "There is no field"),
        (clause("colour", "is", "red"), "", "choose amount, source"),
        (clause("amount", "contains", "5"), "", "cannot be asked “contains”"),
        (clause("amount", ["is"], "5"), "", "cannot be asked"),
        (clause("amount", "is", "five"), "", "is no number for the amount"),
        (clause("amount", "is", "١٢"), "", "is no number"),
        (clause("amount", "is", "1e999999"), "", "is no number"),
        # Written out these would be a gigabyte; so they are refused before anybody writes them.
        (clause("amount", "is", "1e-999999999"), "", "is no number"),
        (clause("amount", "is", "0e999999999"), "", "is no number"),
        (clause("amount", "is", "0.000000000000000000001"), "", "is no number"),
        (clause("amount", "is", "NaN"), "", "is no number"),
        (clause("amount", "is", True), "", "Write what the amount"),
        (clause("source", "is", ""), "", "Write what the source"),
        (clause("source", "is", "a\0b"), "", "Write what the source"),
        (clause("source", "is", "x" * 301), "", "A value has at most 300 characters"),
        (clause("source", "is_one_of", []), "", "1 to 100 values"),
        (clause("source", "is_blank", "x"), "", "leave the value out"),
        (clause("state", "is", "lost"), "", "never “lost”; choose sent, signed"),
        (clause("signed_at", "less_than", "2026-11-23T09:00"), "", "is no moment"),
        (clause("repeat", "is", "maybe"), "", "true or false"),
        ({"field": "amount", "op": "is", "value": "5", "weight": 3}, "", "no “weight”"),
        ({"any": []}, "", "never holds"),
        ({"all": {}}, "", "joins a list"),
        ({"all": [clause("amount", "is", "5"), {"any": [{"not": 5}]}]}, "2.1", "Write a clause"),
        ({"cel": ""}, "", "Write an expression"),
        ({"cel": "amount >"}, "", "cannot be read"),
        ({"cel": "source == 'a\0'"}, "", "printable characters"),
        ({"cel": "x" * 100_000}, "", "1000 characters"),
        ({"cel": "(" * 400 + "1" + ")" * 400}, "", "20 brackets"),
        ({"cel": "[1, 2].exists(amount, amount > 1)"}, "", "“exists” loops"),
        ({"cel": "[1, 2].map (amount, amount) == []"}, "", "“map” loops"),
        ({"cel": "has(amount)"}, "", "“has” cannot be used here"),
        ({"cel": "__class__ == 1"}, "", "no field “__class__”"),
        ({"cel": "source.__class__ == 1"}, "", "No field has a part “__class__”"),
        ({"cel": "source . size == 1"}, "", "No field has a part “size”"),
        ({"cel": "source.matches('(a+)+b')"}, "", "cannot use “matches”"),
        ({"all": [{"cel": "amount > 1.0"}, {"cel": "amount < 9.0"}]}, "", "One expression"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_condition_is_refused(node, place, says):
    with pytest.raises(ClauseError) as caught:
        clauses.read(node, FIELDS)
    assert says in str(caught.value)
    assert caught.value.place.startswith(place)


def test_a_flag_may_be_said_in_words():
    fields = {"in": Field("In", Kind.FLAG, so="they are in", not_so="they are out")}
    told = [
        str(clauses.read(clause("in", op, value), fields))
        for op, value in (("is", True), ("is", "false"), ("is_not", True), ("is_not", False))
    ]
    assert told == ["they are in", "they are out", "they are out", "they are in"]
    assert str(clauses.read(clause("in", "is_told"), fields)) == "the in is filled in"


def test_too_deep_and_too_many_are_refused():
    deep = clause("amount", "is", "5")
    for _ in range(5):
        deep = {"not": deep}
    with pytest.raises(ClauseError, match="5 levels"):
        clauses.read(deep, FIELDS)
    many = {"any": [{"all": [clause("amount", "is", "5")] * 30}] * 2}
    with pytest.raises(ClauseError, match="50 clauses"):
        clauses.read(many, FIELDS)


def _depth(node):
    parts = node.get("all") or node.get("any") or ([node["not"]] if "not" in node else [])
    return 1 + max(map(_depth, parts), default=0)


_LEAVES = st.sampled_from(
    [
        clause("amount", "at_least", "5"), clause("source", "is_told"),
        clause("state", "is", "sent"), clause("repeat", "is", True),
        clause("source", "is_one_of", "QUOTES, x"), clause("source", "is_none_of", "x"),
        clause("source", "is_not", "x"), clause("source", "is_blank"),
        clause("source", "contains", "UOT"), clause("source", "ends_with", "S"),
        clause("signed_at", "less_than", "2026-11-23T09:00+00:00"),
        {"cel": "source > 1.0"},
    ]
)  # fmt: skip
_NODES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=4,
).filter(lambda node: _depth(node) <= clauses.DEEPEST and str(node).count("'cel'") < 2)


@given(_NODES)
def test_what_is_written_down_reads_the_same_and_its_verdict_is_what_holds(node):
    condition = clauses.read(node, FIELDS)
    assert clauses.read(json.loads(json.dumps(condition.as_json())), FIELDS) == condition
    for facts in (FACTS, {}):
        assert condition.judge(facts).held is condition.holds(facts)
        assert compiled_clauses.compiled(condition)(
            compiled_clauses.folded(facts), facts
        ) is condition.answer(facts)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("amount >=", "At character 10 it ends too early."),
        ("(amount > 5.0", "At character 14 a “)” is missing."),
        ("amount > 5,000", "At character 11 “,” does not belong."),
        ("amount = 5.0", "At character 8 “=” does not belong."),
    ],
)
def test_what_is_wrong_with_an_expression_is_said_in_words_of_its_own(written, said):
    with pytest.raises(ClauseError) as refused:
        clauses.read({"cel": written}, FIELDS)
    assert said in str(refused.value)
    assert not re.search("EOF|input|token|viable", str(refused.value))


@pytest.mark.parametrize(
    ("typed", "number"),
    [("25,000", "25000"), ("1,234,567.50", "1234567.5"), ("-25,000.00", "-25000")],
)
def test_a_number_is_typed_as_it_is_shown(typed, number):
    assert holds(clause("amount", "is", typed), {"amount": Decimal(number)})


@pytest.mark.parametrize("typed", ["25,00", "2,5000", ",000", "1,000,", "1.000,00", "25,000,00"])
def test_commas_that_part_no_thousands_are_refused(typed):
    with pytest.raises(ClauseError, match="write 1234.50 or 1,234.50".replace(".", r"\.")):
        clauses.read(clause("amount", "is", typed), FIELDS)


def test_an_expression_with_the_words_of_other_languages_is_told_how_to_be_written():
    with pytest.raises(ClauseError) as refused:
        clauses.read({"cel": "amount > 10 and currency == 'EUR'"}, FIELDS)
    assert "At character 13 “and” does not belong." in str(refused.value)
    assert "and is &&, or is ||" in str(refused.value)
    assert "expecting" not in str(refused.value)
