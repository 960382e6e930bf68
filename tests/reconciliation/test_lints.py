"""Each lint: what it finds, where it is mended, and that a whole model has none."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from proposals.states import State
from reconciliation import lints
from reconciliation.gathering import BEHIND
from reconciliation.lints import Grade
from reconciliation.model_facts import (
    Answer,
    Asked,
    Door,
    Facts,
    Hours,
    Promise,
    Rota,
    Rule,
    Source,
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
        ({"processes": (replace(OWNERS, gone=("Ines",)),)}, ("error", "owner-gone")),
        ({"processes": (replace(OWNERS, is_fallback=True),)}, ("warning", "owner-fallback")),
        ({"fallback": ""}, ("warning", "owner-gone")),
        ({"fallback_is_active": False}, ("error", "owner-gone")),
        ({"left_behind": {"Ines Falk": 3}}, ("error", "owner-gone")),
        ({"empty_teams": ("Sales",)}, ("error", "owner-gone")),
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
        ({"rotas": (Rota("revops", "RevOps", False),)}, ("note", "rota-none")),
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
            {"asked": (*WHOLE.asked, replace(DEAL, contract="sent-2"))},
            ("warning", "contradiction"),
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
    monkeypatch.setattr(lints, "LEADS_TO", {"a": State.VIEWED, "b": State.SIGNED, "c": State.SENT})
    steps = [
        replace(DEAL, kind=kind, trigger=trigger, wanted=frozenset(), name=kind)
        for kind, trigger in (("a", State.SENT), ("b", State.VIEWED), ("c", State.SIGNED))
    ]
    assert {one.path for one in lints.circles(replace(WHOLE, asked=tuple(steps)))} == {
        State.SENT, State.VIEWED, State.SIGNED,
    }  # fmt: skip
    assert list(lints.circles(replace(WHOLE, asked=tuple(steps[:2])))) == []
