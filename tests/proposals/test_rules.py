"""Routing rules: read, told, decided; whatever cannot be a rule set is refused with its place."""

import json
from decimal import Decimal

import pytest

from proposals.history import Naming
from proposals.routing import rules
from proposals.routing.rules import RuleError
from proposals.routing.targets import Names
from proposals.states import State

WHO = {"to": "person", "person": "ines@example.com"}
LARGE = {"field": "amount", "op": "at_least", "value": "50000"}
DEFAULT = {"slug": "default", "name": "Everything else", "then": {"to": "fallback"}}
NAMES = Names({"ines@example.com": "Ines Falk"}, {"sales": "Sales"}, {"delivery": "delivery"})


def rule(slug="large", when=None, then=None, **more):
    return {
        "slug": slug, "name": slug.capitalize(), "when": when or LARGE, "then": then or WHO, **more,
    }  # fmt: skip


def facts(**changes):
    naming = Naming(
        State.SENT, "minutes",
        {"amount": "60000.00", "currency": "EUR", "contact_email": "nina@buyer.example.com"}
        | changes,
    )  # fmt: skip
    return {**rules.told(naming, source="quotes"), "owner_active": True}


def refusal(content):
    with pytest.raises(RuleError) as caught:
        rules.read(content)
    return caught.value.rule, caught.value.part, str(caught.value)


# --- Deciding ---------------------------------------------------------------------------------
def test_the_first_rule_that_holds_decides_and_the_default_takes_the_rest():
    read = rules.read([rule(), rule("small", {"field": "amount", "op": "is_told"}), DEFAULT])
    assert read.decide(facts()).slug == "large"
    assert read.decide(facts(amount="10")).slug == "small"
    assert read.decide(facts(amount="")).slug == "default"


def test_the_path_shows_every_rule_that_was_asked_and_no_other():
    small = rule("small", {"all": [{"field": "source", "op": "is", "value": "quotes"}]})
    read = rules.read([rule(), small, DEFAULT])
    path = read.path(facts(amount="10"))
    assert [(step.number, step.rule.slug, step.verdict.held) for step in path] == [
        (1, "large", False), (2, "small", True),
    ]  # fmt: skip
    assert path[0].verdict.seen == "10"
    assert path[1].verdict.parts[0].seen == "quotes"


def test_facts_survive_being_kept():
    seen = facts()
    kept = json.loads(json.dumps(rules.as_json(seen)))
    assert rules.from_json(kept) == seen
    assert seen["amount"] == Decimal("60000.00")
    assert seen["contact_domain"] == "buyer.example.com"


def test_what_a_decision_rests_on_is_only_what_a_rule_may_ask():
    def basis(**fields):
        return rules.basis(Naming(State.SENT, "minutes", fields))

    assert basis(amount="5") == basis(amount="5", invoice_of="in_1")
    assert basis(amount="5") != basis(amount="6")


# --- In words ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("then", "words"),
    [
        ({"to": "named"}, "give it to the owner its source names"),
        (WHO, "give it to Ines Falk"),
        ({"to": "team", "team": "sales"}, "give it to who is on call in Sales, or its lead"),
        ({"to": "fallback"}, "give it to the fallback owner"),
        (
            {"to": "queue", "process": "delivery"},
            "put it before who is responsible for delivery, with a ticket to choose its owner",
        ),
        (
            {
                "to": "pool",
                "members": [{"person": "ines@example.com", "weight": 2}, {"person": "x@y.de"}],
                "most_open": 20,
            },
            "give it to the next in turn of Ines Falk (2) and x@y.de (1), each up to 20 open",
        ),
    ],
)  # fmt: skip
def test_a_rule_reads_as_a_sentence(then, words):
    read = rules.read([rule(then=then), DEFAULT])
    assert read.rules[0].words(NAMES) == f"When the amount is at least 50,000, {words}."
    assert read.rules[-1].words(NAMES) == "Otherwise, give it to the fallback owner."


def test_two_versions_differ_by_what_was_added_changed_removed_and_moved():
    old = rules.read(
        [
            rule("a"), rule("b", {"field": "source", "op": "is", "value": "x"}),
            rule("c", {"field": "title", "op": "is_told"}), DEFAULT,
        ]
    )  # fmt: skip
    new = rules.read(
        [
            rule("new", {"field": "currency", "op": "is", "value": "EUR"}),
            rule("c", {"field": "title", "op": "is_told"}),
            rule("b", {"field": "source", "op": "is", "value": "y"}), DEFAULT,
        ]
    )  # fmt: skip
    told = rules.difference(old, new, NAMES)
    assert set(told["before"]) == {"A", "B", "C"}
    assert set(told["after"]) == {"New", "B", "C"}
    assert told["after"]["B"].endswith("When the source is “y”, give it to Ines Falk.")
    # One of the two that changed places says so; what was only pushed along says nothing.
    places = [name for name in ("B", "C") if told["after"][name].startswith("Place")]
    assert len(places) == 1
    assert rules.difference(old, old, NAMES) == {"before": {}, "after": {}}


def test_a_slug_is_made_of_the_name_and_is_nobodys_else():
    assert rules.slug_for("Large deals, DACH!", []) == "large-deals-dach"
    assert rules.slug_for("Large deals", ["large-deals", "large-deals-2"]) == "large-deals-3"
    assert rules.slug_for("€€", []) == "rule"


# --- Written down -------------------------------------------------------------------------------
def test_what_is_written_down_reads_the_same():
    content = [
        rule(
            when={
                "any": [
                    {"field": "source", "op": "is_one_of", "value": "a, b"},
                    {"not": {"field": "amount", "op": "less_than", "value": 5}},
                    {"cel": "amount > 5.0"},
                ]
            },
            then={"to": "pool", "members": [{"person": "A@B.de"}]},
            note="Why it is there",
        ),
        DEFAULT,
    ]
    written = rules.read(content).as_json()
    assert rules.read(json.loads(json.dumps(written))).as_json() == written
    assert written[0]["when"]["any"][0]["value"] == ["a", "b"]
    assert written[0]["when"]["any"][1]["not"]["value"] == "5"
    assert written[0]["then"]["members"] == [{"person": "a@b.de", "weight": 1}]


# --- Refused ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("content", "rule_number", "part", "says"),
    [
        ([], 0, "", "There is no rule"),
        ({"rules": []}, 0, "", "There is no rule"),
        (None, 0, "", "There is no rule"),
        (["x"], 1, "", "A rule has a slug"),
        ([rule()], 1, "when", "The last rule is the default"),
        ([DEFAULT, rule()], 1, "when", "no rule after it is ever reached"),
        ([DEFAULT, {**DEFAULT, "slug": "b"}], 1, "when", "no rule after it"),
        ([rule(when={"any": [LARGE, {"all": []}]}), DEFAULT], 1, "when", "It holds always"),
        ([rule(when={"not": {"cel": "false"}}), DEFAULT], 1, "when", "It holds always"),
        ([rule("a"), rule("b"), DEFAULT], 2, "when", "Rule 1 asks exactly this"),
        (
            [rule("a"), rule("b", {**LARGE, "value": 50000}), DEFAULT], 2, "when",
            "Rule 1 asks exactly this",
        ),
        (
            [rule("a"), rule("a", {"field": "title", "op": "is_told"}), DEFAULT], 2, "slug",
            "Rule 1 is called “a” already",
        ),
        ([rule("A b"), DEFAULT], 1, "slug", "small letters"),
        ([rule(slug="x" * 61), DEFAULT], 1, "slug", "1 to 60"),
        ([{**rule(), "slug": 7}, DEFAULT], 1, "slug", "small letters"),
        ([{**rule(), "name": ""}, DEFAULT], 1, "name", "1 to 80"),
        ([{**rule(), "name": "x" * 81}, DEFAULT], 1, "name", "1 to 80"),
        ([{**rule(), "name": "a\0b"}, DEFAULT], 1, "name", "printable"),
        ([{**rule(), "name": "{{ 7*7 }}"}, DEFAULT], 1, "name", "Tags"),
        ([{**rule(), "name": "{% now %}"}, DEFAULT], 1, "name", "Tags"),
        ([{**rule(), "note": "<script>"}, DEFAULT], 1, "note", "Tags"),
        ([{**rule(), "note": "all</b> of them"}, DEFAULT], 1, "note", "Tags"),
        ([{**rule(), "weight": 3}, DEFAULT], 1, "", "A rule has no “weight”"),
        ([rule(when={**LARGE, "field": "colour"}), DEFAULT], 1, "when", "no field “colour”"),
        ([rule(when={**LARGE, "op": "matches"}), DEFAULT], 1, "when", "cannot be asked “matches”"),
        (
            [rule(when={"all": [LARGE, {"any": [LARGE, {**LARGE, "value": "x"}]}]}), DEFAULT],
            1, "when.2.2", "is no number",
        ),
        ([rule(when={"cel": "x" * 100_000}), DEFAULT], 1, "when", "1000 characters"),
        ([rule(when={"cel": "[1].map(x, x) == []"}), DEFAULT], 1, "when", "“map” loops"),
        ([rule(when={"cel": "title.__class__ == 1"}), DEFAULT], 1, "when", ""),
        ([rule(then={"to": "everybody"}), DEFAULT], 1, "then.to", "A rule gives to one of"),
        ([rule(then="ines"), DEFAULT], 1, "then", "Say whom it goes to"),
        (
            [rule(then={"to": "named", "person": "a@b.de"}), DEFAULT], 1, "then.to",
            "has no “person”",
        ),
        ([rule(then={"to": "person"}), DEFAULT], 1, "then.person", "Choose a person"),
        ([rule(then={"to": "team", "team": 5}), DEFAULT], 1, "then.team", "Choose a team"),
        ([rule(then={"to": "pool", "members": []}), DEFAULT], 1, "then.members", "at least one"),
        (
            [rule(then={"to": "pool", "members": [{"person": "a@b.de"}] * 2}), DEFAULT],
            1, "then.members.2.person", "twice",
        ),
        *(
            (
                [
                    rule(then={"to": "pool", "members": [{"person": "a@b.de", "weight": weight}]}),
                    DEFAULT,
                ],
                1, "then.members.1.weight", "whole number from 1 to 100",
            )
            for weight in (0, -1, 101, 1.5, "2", True, 10**30)
        ),
        *(
            (
                [
                    rule(then={"to": "pool", "members": [{"person": "a@b.de"}], "most_open": most}),
                    DEFAULT,
                ],
                1, "then.most_open", "whole number from 1",
            )
            for most in (0, -5, 10**30, "many", False)
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_place(content, rule_number, part, says):
    number, where, sentence = refusal(content)
    assert (number, where) == (rule_number, part)
    assert says in sentence


@pytest.mark.parametrize("name", ["Deals > 25k", "Amount < 5", "Small <-> large", "<5k", "{ok}"])
def test_a_name_may_compare(name):
    assert rules.read([{**rule(), "name": name, "note": name}, DEFAULT]).rules[0].name == name


@pytest.mark.parametrize(
    ("when", "part", "says"),
    [
        ({"cel": "title"}, "when", "no yes or no"),
        ({"all": [LARGE, {"field": "amount", "op": "is_blank"}]}, "when.2", "never holds together"),
        ({"any": [LARGE, {"field": "source", "op": "is", "value": "x"}]}, "when.2", "never “x”"),
    ],
)
def test_what_says_nothing_can_be_read_but_not_written(when, part, says):
    content = [rule(), rule("small", when), DEFAULT]
    assert rules.read(content)
    with pytest.raises(rules.RuleError, match=says) as refused:
        rules.write(content, known={"source": ["quotes"]})
    assert (refused.value.rule, refused.value.part) == (2, part)


def test_over_two_hundred_rules_are_refused():
    many = [rule(f"r{n}", {"field": "title", "op": "is", "value": f"t{n}"}) for n in range(200)]
    assert len(rules.read([*many[:199], DEFAULT]).rules) == 200
    assert "At most 200" in refusal([*many, DEFAULT])[2]
