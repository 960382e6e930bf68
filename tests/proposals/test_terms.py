"""What a contract may say, and every way of saying it wrong: without a database."""

import json
from dataclasses import replace

import pytest

from exceptions.kinds import KINDS
from meshline.sentences import NO_TAGS
from meshline.shell.founding import CONTRACTS
from proposals.contracts import conditions, differences, promises, terms
from proposals.contracts.catalogue import DEEDS, TARGETS
from proposals.contracts.gates import Known
from proposals.contracts.terms import TermsError
from proposals.states import State

KNOWN = Known(
    processes={"delivery", "proposal-state"},
    people={"rosa@example.com"},
    approvers={"rosa@example.com", "vera@example.com"},
)
NOTICE = {
    "name": "tell-owner", "kind": "notice.tell", "wanted": ["signed"],
    "params": {"subject": "{contact} signed {title}."},
}  # fmt: skip
INVOICE = {
    "name": "invoice", "kind": "invoice.create", "target": "billing",
    "wanted": ["signed", "invoiced"], "once": True, "facts": True, "params": {},
}  # fmt: skip


def content(*outcomes, **changes):
    return {
        "name": "Signed",
        "trigger": "signed",
        "outcomes": list(outcomes or [NOTICE]),
        **changes,
    }


def read(*outcomes, **changes):
    return terms.read(content(*outcomes, **changes), KNOWN)


def refused(*outcomes, **changes):
    with pytest.raises(TermsError) as caught:
        read(*outcomes, **changes)
    return caught.value.place, str(caught.value)


def founded():
    return {
        slug: terms.read({"name": name, "trigger": trigger, "outcomes": outcomes}, KNOWN)
        for slug, name, trigger, outcomes in CONTRACTS
    }


def test_what_every_installation_begins_with_is_fine_as_it_stands():
    for slug, found in founded().items():
        terms.check_together(slug, found, founded())
    said = {slug: outcomes for slug, _, _, outcomes in CONTRACTS}
    for slug, found in founded().items():
        assert json.loads(json.dumps(said[slug])) == found.outcomes


def test_what_was_read_reads_the_same_again():
    whole = read(
        {**INVOICE, "gate": {"who": "approvers", "within": 240}, "proof": "It is in the books."},
        condition={"all": [{"field": "amount", "op": "at_least", "value": "5000"}]},
        tier="hours", retry="patient", owner="process:delivery", ticket="delivery-failed",
        severity="critical",
    )  # fmt: skip
    assert terms.read(json.loads(json.dumps(whole.content)), KNOWN) == whole


def test_what_is_not_said_is_not_kept():
    kept = read({**NOTICE, "once": False, "undo": "", "gate": None, "proof": ""}).outcomes[0]
    assert kept == {**NOTICE, "target": "meshline"}


@pytest.mark.parametrize("node", [None, {}, {"all": []}])
def test_a_condition_of_nothing_holds_always(node):
    assert read(condition=node).condition == {}


# --- Bad input ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        ({"trigger": "sold"}, "trigger", "There is no such state; there is draft"),
        ({"trigger": None}, "trigger", "no such state"),
        ({"trigger": ["signed"]}, "trigger", "no such state"),
        ({"name": " "}, "name", "1 to 120"),
        ({"name": "x" * 121}, "name", "1 to 120"),
        ({"name": "a\0b"}, "name", "printable"),
        ({"name": 7}, "name", "printable"),
        ({"outcomes": []}, "outcomes", "at least one"),
        ({"outcomes": None}, "outcomes", "at least one"),
        ({"outcomes": {"a": 1}}, "outcomes", "at least one"),
        ({"outcomes": [NOTICE] * 10_000}, "outcomes", "At most 50 outcomes; this has 10,000."),
        ({"tier": "soon"}, "tier", "Choose one of"),
        ({"retry": "hourly"}, "retry", "Choose one of never, patient"),
        ({"owner": "process:nothing"}, "owner", "There is no process “nothing”"),
        ({"owner": "person:nobody@example.com"}, "owner", "Nobody active here"),
        ({"owner": "rosa@example.com"}, "owner", "process:… or person:…"),
        ({"owner": 3}, "owner", "Name one"),
        ({"ticket": "nonsense"}, "ticket", "Choose one of"),
        ({"severity": "grave"}, "severity", "Choose one of critical"),
        ({"colour": "red"}, "", "there is no key “colour”"),
        ({"condition": {"field": "colour", "op": "is", "value": "red"}}, "condition",
         "There is no field “colour”"),
        ({"condition": {"all": [{"field": "amount", "op": "is", "value": "much"}]}},
         "condition.1", "is no number"),
        ({"condition": {"cel": "1 + " * 25_000 + "1 > 0"}}, "condition", "At most 1000 characters"),
        ({"condition": {"cel": "[1].all(x, x > 0)"}}, "condition", "loops"),
        ({"condition": {"cel": "title.__class__ == 'x'"}}, "condition", "No field has a part"),
        ({"condition": {"cel": "__class__ == 'x'"}}, "condition", "There is no field"),
        ({"condition": "amount > 3"}, "condition", "Write a clause"),
        ({"condition": [1]}, "condition", "Write a clause"),
    ],
)  # fmt: skip
def test_what_a_contract_cannot_say(change, place, words):
    found, sentence = refused(**change)
    assert found == place
    assert words in sentence


@pytest.mark.parametrize("node", [7, "x", None, [], True])
def test_a_contract_is_a_mapping(node):
    with pytest.raises(TermsError, match="written in keys"):
        terms.read(node, KNOWN)


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        ({"kind": "rocket.launch"}, "kind", "Nothing can carry that; choose deal.upsert"),
        ({"kind": None}, "kind", "Nothing can carry that"),
        ({"kind": ["notice.tell"]}, "kind", "Nothing can carry that"),
        ({"target": "crm"}, "target", "that is the part of Meshline"),
        ({"target": "moon"}, "target", "that is the part of Meshline"),
        ({"name": "Tell Owner"}, "name", "small letters"),
        ({"name": "a" * 41}, "name", "small letters"),
        ({"name": "task-undo"}, "name", "taking it back"),
        ({"name": None}, "name", "small letters"),
        ({"wanted": ["sent"]}, "wanted", "It must be wanted while it is signed."),
        ({"wanted": ["signed", "sold"]}, "wanted", "no such state"),
        ({"wanted": "signed"}, "wanted", "List the states"),
        ({"wanted": [[1]]}, "wanted", "no such state"),
        ({"wanted": ["signed"] * 10_000}, "wanted", "List the states"),
        ({"params": {}}, "subject", "Write a text"),
        ({"params": {"subject": 5}}, "subject", "Write a text"),
        ({"params": {"subject": "{colour} it is"}}, "subject",
         "Nothing here is called {colour}; there is {title}"),
        ({"params": {"subject": "{% load x %}"}}, "subject", "Braces name a place"),
        ({"params": {"subject": "{{ title }}"}}, "subject", "Braces name a place"),
        ({"params": {"subject": "{title.__class__}"}}, "subject", "Braces name a place"),
        ({"params": {"subject": "{title!r}"}}, "subject", "Braces name a place"),
        ({"params": {"subject": "{__class__}"}}, "subject", "Nothing here is called"),
        ({"params": {"subject": "x" * 301}}, "subject", "At most 300 characters"),
        ({"params": {"subject": "a\0"}}, "subject", "printable"),
        ({"params": {"subject": "x", "size": 3}}, "", "there is no parameter “size”"),
        ({"params": [1]}, "", "written in parameters"),
        ({"undo": "task.complete"}, "undo", "nothing takes that back"),
        ({"undo": ["x"]}, "undo", "nothing takes that back"),
        ({"mirrors": True}, "mirrors", "nothing of this kind does"),
        ({"once": "yes"}, "once", "Write true or false."),
        ({"proof": "x" * 301}, "proof", "1 to 300"),
        ({"colour": 1}, "", "there is no key “colour”"),
        ({"gate": {"who": "role:rep", "within": 60}}, "gate", "one of the roles operator"),
        ({"gate": {"who": "role:admin", "within": 60}}, "gate", "one of the roles operator"),
        ({"gate": {"who": "role:", "within": 60}}, "gate", "one of the roles operator"),
        ({"gate": {"who": "person:remy@example.com", "within": 60}}, "gate", "nobody here who"),
        ({"gate": {"who": "accountable:x", "within": 60}}, "gate", "There is no process"),
        ({"gate": {"who": 3, "within": 60}}, "gate", "Say who approves"),
        ({"gate": {"who": "approvers"}}, "gate.within", "business minutes"),
        ({"gate": {"who": "approvers", "within": 0}}, "gate.within", "business minutes"),
        ({"gate": {"who": "approvers", "within": -5}}, "gate.within", "business minutes"),
        ({"gate": {"who": "approvers", "within": 10**30}}, "gate.within", "business minutes"),
        ({"gate": {"who": "approvers", "within": True}}, "gate.within", "business minutes"),
        ({"gate": "approvers"}, "gate", "written in keys"),
    ],
)  # fmt: skip
def test_what_an_outcome_cannot_say(change, place, words):
    found, sentence = refused({**NOTICE, **change})
    assert found == ".".join(filter(None, ["outcomes.0", place]))
    assert words in sentence


def test_a_gate_that_nobody_could_answer_is_refused():
    nobody = replace(KNOWN, has_signers=False, roles={"operator"})
    for who, words in (
        ("approvers", "Nobody here has the approver's right yet."),
        ("role:manager", "Nobody active here is a RevOps manager."),
    ):
        gated = {**NOTICE, "gate": {"who": who, "within": 60}}
        with pytest.raises(TermsError, match=words):
            terms.read(content(gated), nobody)
        assert terms.read(content(gated), KNOWN).outcomes[0]["gate"]["who"] == who


def test_an_outcome_is_a_mapping():
    assert refused("notice")[0] == "outcomes.0"


def test_two_outcomes_of_one_name_are_refused():
    assert refused(NOTICE, NOTICE) == ("outcomes.1.name", "Two outcomes are called tell-owner.")


def test_a_ticket_is_opened_at_once_and_waits_for_nobody():
    ticket = {
        "name": "ticket", "kind": "ticket.open", "wanted": ["signed"],
        "params": {"ticket": "dispute", "subject": "x", "body": "y"},
        "gate": {"who": "approvers", "within": 60},
    }  # fmt: skip
    assert refused(ticket) == (
        "outcomes.0.gate", "Open a ticket here: that happens at once and waits for nobody.",
    )  # fmt: skip


@pytest.mark.parametrize("within", [None, 0, -1, 3.5, "4 h", True, 10**9])
def test_a_task_says_when_it_is_due(within):
    task = {
        "name": "call", "kind": "task.create", "wanted": ["signed"],
        "params": {"subject": "Call {contact}", "due_within": within},
    }  # fmt: skip
    assert refused(task)[0] == "outcomes.0.due_within"


def test_what_needs_the_facts_must_take_them_along():
    assert refused({**INVOICE, "facts": False})[0] == "outcomes.0.facts"
    deal = {"name": "deal", "kind": "deal.upsert", "wanted": ["signed"]}
    assert refused(deal)[0] == "outcomes.0.mirrors"
    assert refused({**deal, "mirrors": True, "once": True})[0] == "outcomes.0.once"
    assert read({**deal, "mirrors": True}).outcomes[0]["target"] == "crm"


# --- Among each other -----------------------------------------------------------------------------
def test_a_contract_that_sets_itself_off_is_refused():
    place, sentence = refused({**INVOICE, "wanted": ["invoiced"]}, trigger="invoiced")
    assert (place, sentence) == (
        "outcomes.0.kind", "It makes the proposal invoiced, which is what sets it off.",
    )  # fmt: skip


@pytest.mark.parametrize("text", ["{{ settings }}", "{% load x %}", "<b>Bold</b>"])
def test_tags_do_nothing_in_a_name_and_are_refused_as_in_a_rules(text):
    assert refused(name=text) == ("name", NO_TAGS)
    assert refused({**NOTICE, "proof": text}) == ("outcomes.0.proof", NO_TAGS)
    assert read(name="Over > 25k, a < b").name == "Over > 25k, a < b"


def test_a_ring_of_contracts_is_refused_and_named():
    # As if somebody taught the catalogue an outcome that brings a proposal back.
    deeds = {**DEEDS, "notice.tell": replace(DEEDS["notice.tell"], leads_to={State.SIGNED})}
    billed = read(INVOICE)
    back = read({**NOTICE, "wanted": ["invoiced"]}, trigger="invoiced")
    with pytest.raises(TermsError, match="round for ever: back → billed → back"):
        terms.check_together("back", back, {"billed": billed}, deeds=deeds)
    terms.check_together("back", back, {"billed": billed})


def test_two_contracts_that_promise_the_same_there_contradict_each_other():
    other = read(NOTICE, name="Another")
    with pytest.raises(TermsError, match="“Another” promises tell-owner there as well") as caught:
        terms.check_together("mine", read(INVOICE, NOTICE), {"another": other})
    assert caught.value.place == "outcomes.1"
    # Its own earlier version is nobody else's; neither is one of another state.
    terms.check_together("another", read(NOTICE), {"another": other})
    sent = read({**NOTICE, "wanted": ["sent"]}, trigger="sent")
    terms.check_together("mine", sent, {"another": other})


SECOND = {**INVOICE, "name": "bill"}
DEAL = {"name": "deal", "kind": "deal.upsert", "wanted": ["signed"], "mirrors": True}


@pytest.mark.parametrize("row", [INVOICE, DEAL])
def test_what_a_proposal_has_once_is_not_asked_for_twice_by_one_contract(row):
    place, sentence = refused(row, NOTICE, {**row, "name": "again"})
    assert place == "outcomes.2"
    assert f"{row['name']} does it already, so it happens twice." in sentence
    assert read(NOTICE, {**NOTICE, "name": "again"})


@pytest.mark.parametrize("row", [INVOICE, DEAL])
def test_what_a_proposal_has_once_is_not_asked_for_by_two_contracts(row):
    other = read({**row, "name": "again"}, name="Another")
    with pytest.raises(TermsError, match="“Another” does it for the same state") as caught:
        terms.check_together("mine", read(NOTICE, row), {"another": other})
    assert caught.value.place == "outcomes.1"
    terms.check_together("another", read(row), {"another": other})


def test_an_invoice_is_not_asked_for_in_two_states_that_one_proposal_passes():
    other = read({**INVOICE, "name": "again"}, name="Another")
    mine = {**INVOICE, "wanted": ["viewed", "signed", "invoiced"]}
    with pytest.raises(TermsError, match="“Another” does it when a proposal is signed") as caught:
        terms.check_together("mine", read(mine, trigger="viewed"), {"another": other})
    assert (caught.value.place, "so it happens twice" in str(caught.value)) == ("outcomes.0", True)
    # Nobody closes one both ways; and only one of two conditions holds.
    lost = read({**INVOICE, "wanted": ["closed-lost"]}, trigger="closed-lost")
    won = read({**INVOICE, "wanted": ["closed-won"]}, trigger="closed-won", name="Won")
    terms.check_together("mine", lost, {"another": won})
    small = read(mine, trigger="viewed", condition=SMALL)
    large = read(INVOICE, condition=LARGE, name="Another")
    terms.check_together("mine", small, {"another": large})


def test_an_invoice_is_not_made_again_when_its_state_comes_again():
    """Signed, disputed and signed again."""
    place, sentence = refused({**INVOICE, "once": False})
    assert (place, "say once: true" in sentence) == ("outcomes.0.once", True)


def test_a_deal_follows_through_several_states():
    other = read({**DEAL, "name": "again"}, name="Another")
    viewed = read({**DEAL, "wanted": ["viewed"]}, trigger="viewed")
    terms.check_together("mine", viewed, {"another": other})


LARGE = {"field": "amount", "op": "at_least", "value": "5000"}
SMALL = {"field": "amount", "op": "less_than", "value": "5000"}
TINY = {"field": "amount", "op": "less_than", "value": "100"}


@pytest.mark.parametrize(
    ("mine", "theirs", "is_fine"),
    [
        (LARGE, SMALL, True), (SMALL, LARGE, True), (LARGE, {"not": LARGE}, True),
        ({"any": [LARGE, TINY]}, {"all": [{"not": LARGE}, {"not": TINY}]}, True),
        (SMALL, TINY, False), ({}, LARGE, False), (LARGE, {}, False),
        (LARGE, {"cel": "amount < 5000.0"}, False),
        (LARGE, {"field": "currency", "op": "is", "value": "EUR"}, False),
    ],
)  # fmt: skip
def test_two_contracts_of_which_only_one_can_hold_may_both_bill(mine, theirs, is_fine):
    other = read(SECOND, name="Another", condition=theirs)
    asked = read(INVOICE, condition=mine)
    if is_fine:
        terms.check_together("mine", asked, {"another": other})
        return
    with pytest.raises(TermsError, match="it happens twice"):
        terms.check_together("mine", asked, {"another": other})


def test_what_takes_a_second_person():
    founding = founded()
    assert [slug for slug, one in founding.items() if terms.writes_to_billing(one)] == ["signed"]
    assert [slug for slug, one in founding.items() if terms.closes(one)] == [
        "closed-won", "closed-lost",
    ]  # fmt: skip


# --- The catalogue --------------------------------------------------------------------------------
def test_what_a_condition_asks_about_is_a_fact():
    class Nobody:
        email, team = "remy@example.com", None

    class Told:
        owner, contact_email = Nobody, "nina@Customer.example.com"
        amount = currency = source = title = contact_name = invoice_status = invoiced = None
        owner_is_temporary = False

    facts = conditions.facts(Told)
    assert set(facts) == set(conditions.FIELDS)
    assert facts["contact_domain"] == "customer.example.com"


def test_parameters_that_are_chosen_offer_what_there_is():
    assert set(DEEDS["ticket.open"].parameter("ticket").choices) == set(KINDS)
    assert {"crm", "billing", "meshline"} <= set(TARGETS)


# --- What is different ----------------------------------------------------------------------------
def test_differences_are_told_word_by_word():
    gated = {**INVOICE, "gate": {"who": "role:manager", "within": 240}}
    change = differences.between(read(INVOICE, NOTICE), read(gated, tier="hours"))
    assert change["after"] == {
        "tier": "hours", "invoice: waits for": "a RevOps manager, at most 4 business hours",
    }  # fmt: skip
    assert change["before"]["tell-owner: text"] == "{contact} signed {title}."
    assert differences.between(read(), read()) == {"before": {}, "after": {}}


def test_an_older_version_counts_for_what_began_under_it():
    old = promises.ContractSpec(3, "a", State.SENT, (), since=3, until=7)
    new = promises.ContractSpec(7, "a", State.SENT, (), since=7)
    in_force = {under: (old.is_in_force(under), new.is_in_force(under)) for under in (2, 3, 6, 7)}
    assert in_force == {
        2: (False, False), 3: (True, False), 6: (True, False), 7: (False, True),
    }  # fmt: skip
    assert (old.is_in_force(None), new.is_in_force(None)) == (False, True)
