"""Each lint: what it finds, where it is mended, and that a whole model has none."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from proposals.contracts.gates import Known
from proposals.states import State
from reconciliation import lints
from reconciliation.gathering import BEHIND
from reconciliation.lints import against_itself
from reconciliation.lints.lint import Grade
from reconciliation.model_facts import (
    Answer,
    Asked,
    Door,
    Facts,
    Hours,
    OnCallTwice,
    Promise,
    Rota,
    Rule,
    Source,
    Unable,
)

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

DEAL = Asked(
    contract="sent", name="deal", kind="deal.upsert", target="crm", trigger=State.SENT,
    wanted=frozenset({State.SENT}), params="deal",
)  # fmt: skip
TELL = Asked(
    contract="sent", name="tell", kind="notice.tell", target="meshline", trigger=State.SENT,
    wanted=frozenset({State.SENT}), places=frozenset({"title"}), params="tell",
)  # fmt: skip
CRM = Door("hubspot", "HubSpot", carries=frozenset({"deal.upsert"}), owner="Ada")
OWNERS = Answer("delivery", "Delivery", ("Rosa",), ("Olivia",), now="Olivia")
WHOLE = Facts(
    doors=(CRM, Door("pandadoc", "PandaDoc"), Door("stripe", "Stripe")),
    parts={"crm": "hubspot", "quoting": "pandadoc", "billing": "stripe"},
    asked=(DEAL, TELL),
    processes=(OWNERS,),
    promises=(Promise(1, "", "critical", 15, 120), Promise(2, "", "high", 30, 240)),
    rotas=(Rota("revops", "RevOps", True, reach=2400, ends_at=MONDAY),),
    calendars=(Hours(1, "Company hours", 200_000),),
    sources=(Source("pandadoc", "PandaDoc", 20, frozenset({"title", "amount"})),),
    rules=(Rule("Large", {"field": "amount"}), Rule("Default", None)),
    behind=BEHIND,
    fallback="Rosa",
)


def found(**changes):
    return lints.every(replace(WHOLE, **changes))


def codes(**changes):
    return [(one.grade.value, one.code) for one in found(**changes)]


def one_door(**changes):
    return (replace(CRM, **changes), *WHOLE.doors[1:])


def one_asked(**changes):
    return (replace(DEAL, **changes), TELL)


def test_a_whole_model_has_no_lint():
    assert found() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"parts": {**WHOLE.parts, "crm": ""}}, ("error", "outcome-no-connection")),
        ({"doors": WHOLE.doors[1:]}, ("error", "outcome-no-connection")),
        ({"doors": one_door(status="disabled")}, ("error", "outcome-no-connection")),
        ({"doors": one_door(has_credential=False)}, ("error", "outcome-no-connection")),
        ({"doors": one_door(carries=frozenset())}, ("error", "outcome-not-carried")),
        ({"doors": one_door(status="paused")}, ("warning", "outcome-waits")),
        ({"doors": one_door(answers=False)}, ("warning", "outcome-waits")),
        ({"doors": one_door(owner_is_active=False)}, ("error", "owner-gone")),
        (
            {"parts": {**WHOLE.parts, "crm": ""}, "asked": one_asked(optional=True)},
            ("note", "outcome-not-asked"),
        ),
        ({"parts": {"crm": "hubspot", "quoting": "pandadoc"}}, ("error", "authority-missing")),
        ({"authorities": {"billing": "nobody"}}, ("error", "authority-unknown")),
        ({"silent": {"amount": "HubSpot"}}, ("warning", "authority-silent")),
        ({"processes": (replace(OWNERS, gone=("Ines",)),)}, ("error", "owner-gone")),
        ({"processes": (replace(OWNERS, no_work=("Ines may not",)),)}, ("error", "owner-no-work")),
        ({"fallback_no_work": "Ines may not"}, ("error", "owner-no-work")),
        ({"unable": (Unable("RevOps", "Ines may not"),)}, ("error", "rota-no-work")),
        ({"processes": (replace(OWNERS, is_fallback=True),)}, ("warning", "owner-fallback")),
        ({"fallback": ""}, ("warning", "owner-gone")),
        ({"fallback_is_active": False}, ("error", "owner-gone")),
        ({"left_behind": {"Ines Falk": 3}}, ("error", "owner-gone")),
        ({"empty_teams": ("Sales",)}, ("error", "owner-gone")),
        ({"asked": one_asked(gate="person:ines@example.com")}, ("error", "gate-gone")),
        (
            {"asked": one_asked(gate="approvers"), "known": Known(has_signers=False)},
            ("error", "gate-gone"),
        ),
        (
            {
                "asked": one_asked(gate="role:manager"),
                "deciders": {"role:manager": ("Rosa Marin",)},
            },
            ("note", "gate-one"),
        ),
        ({"asked": one_asked(owner="person:ines@example.com")}, ("error", "owner-gone")),
        ({"rules": ()}, ("error", "routing-no-default")),
        ({"rules": WHOLE.rules[:1]}, ("error", "routing-no-default")),
        ({"rules": (WHOLE.rules[1], *WHOLE.rules)}, ("error", "contradiction")),
        ({"rules": (WHOLE.rules[0], *WHOLE.rules)}, ("error", "contradiction")),
        (
            {
                "rules": (Rule("Hers", None, ("ines@example.com",)),),
                "gone": frozenset({"ines@example.com"}),
            },
            ("error", "owner-gone"),
        ),
        (
            {"rules": (replace(WHOLE.rules[0], strange=("quotes",)), WHOLE.rules[1])},
            ("warning", "source-gone"),
        ),
        ({"strange": (("Sent", "quotes"),)}, ("warning", "source-gone")),
        ({"rotas": (Rota("revops", "RevOps", False),)}, ("note", "rota-none")),
        (
            {"doubles": (OnCallTwice("Ines", ("RevOps", "Sales"), MONDAY, MONDAY),)},
            ("warning", "rota-double"),
        ),
        (
            {"rotas": (replace(WHOLE.rotas[0], gaps=((MONDAY, MONDAY.replace(hour=17)),)),)},
            ("warning", "rota-gap"),
        ),
        ({"rotas": (replace(WHOLE.rotas[0], reach=239),)}, ("warning", "sla-beyond-rota")),
        ({"calendars": (Hours(1, "Rare", 239),)}, ("error", "sla-too-long")),
        (
            {"promises": (Promise(1, "", "critical", 31, 120), WHOLE.promises[1])},
            ("warning", "contradiction"),
        ),
        ({"asked": one_asked(places=frozenset({"colour"}))}, ("error", "field-unknown")),
        (
            {"sources": (replace(WHOLE.sources[0], told=frozenset({"amount"})),)},
            ("warning", "field-not-mapped"),
        ),
        (
            {
                "asked": (
                    replace(DEAL, trigger=State.INVOICED, wanted=frozenset(), name="again",
                            kind="invoice.create"),
                    TELL,
                ),
                "doors": one_door(carries=frozenset({"invoice.create"})),
            },
            ("error", "cycle"),
        ),
        ({"circles": (("Ana", "Bo"),)}, ("warning", "cycle")),
        ({"asked": one_asked(wanted=frozenset({State.VIEWED}))}, ("error", "contradiction")),
        (
            {"asked": (*WHOLE.asked, replace(TELL, contract="sent-2"))},
            ("warning", "contradiction"),
        ),
        (
            {"asked": (*WHOLE.asked, replace(DEAL, contract="sent-2"))},
            ("error", "asked-twice"),
        ),
    ],
)  # fmt: skip
def test_one_thing_amiss_is_one_lint(changes, expected):
    assert codes(**changes) == [expected]
    [lint] = found(**changes)
    assert lint.sentence.endswith(".")
    assert lint.sentence[0].isupper() or lint.sentence[0] == "“"
    assert lint.fix.label
    assert lint.fix.url_name


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (
            "disabled",
            ("error", "authority-disabled",
             "Nobody can say invoiced: Stripe, which would, is disabled."),
        ),
        (
            "paused",
            ("warning", "authority-waits", "Stripe says what is invoiced, and is paused. Why."),
        ),
    ],
)  # fmt: skip
def test_a_source_of_truth_that_is_shut_is_no_whole_path(status, expected):
    doors = (*WHOLE.doors[:2], replace(WHOLE.doors[2], status=status, why="Why."))
    [lint] = found(doors=doors)
    assert (lint.grade.value, lint.code, lint.sentence) == expected
    assert (lint.path, lint.step, lint.fix.args) == (State.INVOICED, "source", ("stripe",))
    assert lint in found(doors=doors, parts={**WHOLE.parts, "billing": ""},
                         authorities={"billing": "stripe"})  # fmt: skip


def test_of_several_that_bring_proposals_one_that_is_open_is_enough():
    shut = replace(WHOLE.doors[1], status="disabled")
    doors = (WHOLE.doors[0], shut, WHOLE.doors[2])
    assert {one.code for one in found(doors=doors)} == {"authority-disabled"}
    more = Source("quotes", "Quotes", 1)
    assert found(doors=(*doors, Door("quotes", "Quotes")), sources=(more,)) == []
    both = found(doors=(*doors, Door("quotes", "Quotes", status="paused")), sources=(more,))
    assert {one.code for one in both} == {"authority-waits"}
    assert {one.fix.label for one in both} == {"Quotes"}
    named = found(doors=(*doors, Door("quotes", "Quotes")), sources=(more,),
                  authorities={"quoting": "pandadoc"})  # fmt: skip
    assert {one.code for one in named} == {"authority-disabled"}


def test_who_answers_for_a_contract_is_looked_at_once_however_much_it_asks_for():
    gone = {"owner": "person:ines@example.com"}
    assert codes(asked=(replace(DEAL, **gone), replace(TELL, **gone))) == [("error", "owner-gone")]
    there = Known(people={"ines@example.com"}, approvers={"ines@example.com"})
    named = one_asked(gate="person:ines@example.com", **gone)
    assert found(asked=named, known=there) == []


def test_a_contract_is_called_by_its_name():
    asked = one_asked(places=frozenset({"colour"}), contract_name="A proposal is sent")
    [lint] = found(asked=asked)
    assert lint.sentence == ("Deal of “A proposal is sent” names {colour}, which nothing fills.")


def test_a_quoting_tool_that_cannot_say_whose_a_proposal_is():
    pandadoc = Door("pandadoc", "PandaDoc", tells=frozenset({"title", "amount"}), is_mapped=True)
    doors = (WHOLE.doors[0], pandadoc)
    [lint] = found(doors=doors)
    assert (lint.code, lint.fix.url_name) == ("field-not-mapped", "connectors:mapping")
    assert "says nothing of their owner" in lint.sentence
    whole = replace(pandadoc, tells=pandadoc.tells | {"owner_email"})
    assert found(doors=(WHOLE.doors[0], whole)) == []


def test_a_field_that_no_event_told_is_mended_in_the_mapping():
    asked = one_asked(places=frozenset({"contact"}))
    assert [one.fix.url_name for one in found(asked=asked)] == ["connectors:connection"]
    doors = (*WHOLE.doors[:1], Door("pandadoc", "PandaDoc", is_mapped=True))
    assert [one.fix.url_name for one in found(asked=asked, doors=doors)] == ["connectors:mapping"]


def test_what_is_not_known_is_no_lint():
    assert found(rules=None, rotas=(), sources=()) == []
    assert found(sources=(replace(WHOLE.sources[0], events=4, told=frozenset()),)) == []


def test_the_gravest_come_first():
    amiss = {
        "rotas": (Rota("revops", "RevOps", False),), "fallback": "", "empty_teams": ("Sales",)
    }  # fmt: skip
    assert [one.grade for one in found(**amiss)] == [Grade.ERROR, Grade.WARNING, Grade.NOTE]


def test_a_field_behind_a_text_is_enough_by_any_of_its_names():
    contact = one_asked(places=frozenset({"contact"}))
    told = frozenset({"title", "contact_email"})
    assert found(asked=contact, sources=(replace(WHOLE.sources[0], told=told),)) == []


def test_a_gap_says_from_when_until_when_and_how_many_more():
    gaps = tuple((MONDAY, MONDAY.replace(hour=17)) for _ in range(3))
    [lint] = found(rotas=(replace(WHOLE.rotas[0], gaps=gaps),))
    assert "from Mon 2 Mar, 09:00 UTC to Mon 2 Mar, 17:00 UTC, and 2 more." in lint.sentence


def test_a_longer_circle_is_found_and_a_way_that_ends_is_none(monkeypatch):
    monkeypatch.setattr(
        against_itself, "LEADS_TO", {"a": State.VIEWED, "b": State.SIGNED, "c": State.SENT}
    )
    steps = [
        replace(DEAL, kind=kind, trigger=trigger, wanted=frozenset(), name=kind)
        for kind, trigger in (("a", State.SENT), ("b", State.VIEWED), ("c", State.SIGNED))
    ]
    assert {one.path for one in against_itself.circles(replace(WHOLE, asked=tuple(steps)))} == {
        State.SENT, State.VIEWED, State.SIGNED,
    }  # fmt: skip
    assert list(against_itself.circles(replace(WHOLE, asked=tuple(steps[:2])))) == []


LARGE = {"field": "amount", "op": "at_least", "value": "5000"}
BILL = Asked(
    contract="viewed", name="bill", kind="invoice.create", target="billing", trigger=State.VIEWED,
    wanted=frozenset({State.VIEWED}), contract_name="A large one", condition=LARGE,
)  # fmt: skip


def billed_after(trigger, condition):
    again = replace(BILL, contract="again", contract_name="Again", trigger=trigger,
                    wanted=frozenset({trigger}), condition=condition)  # fmt: skip
    door = replace(WHOLE.doors[2], carries=frozenset({"invoice.create"}))
    return found(asked=(*WHOLE.asked, BILL, again), doors=(*WHOLE.doors[:2], door))


def test_two_contracts_in_force_that_bill_one_proposal_are_an_error_on_the_map():
    [lint] = billed_after(State.SIGNED, {})
    assert (lint.grade.value, lint.code) == ("error", "asked-twice")
    assert lint.sentence == (
        "“A large one” asks for invoice.create after viewed and “Again” after signed: for one "
        "proposal it happens twice."
    )
    assert (lint.path, lint.step, lint.about) == (State.SIGNED, "outcomes", "again/bill")


def test_two_contracts_that_bill_one_proposal_or_the_other_are_fine():
    assert billed_after(State.SIGNED, {"not": LARGE}) == []
    deal = replace(DEAL, contract="viewed", trigger=State.VIEWED, wanted=frozenset({State.VIEWED}))
    assert found(asked=(*WHOLE.asked, deal)) == []
