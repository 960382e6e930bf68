"""Contracts are drafted, published, taken back, retired; what is under way keeps its version."""

import copy
from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from meshline.people.permissions import NotAllowed
from meshline.policy import drafts
from meshline.policy.drafts import SecondPerson
from meshline.policy.models import Draft
from meshline.policy.operating_model import ModelError, Stale
from proposals import lifecycle
from proposals.contracts import publishing, versions
from proposals.models import Contract, Outcome, Signal
from proposals.models.outcome import State as OutcomeState
from proposals.states import State
from tests import factories
from tests.factories import MONDAY, digest_all, document, post_pandadoc

pytestmark = pytest.mark.django_db


@pytest.fixture
def crm(staff):
    return factories.hubspot()


@pytest.fixture
def max_(staff):
    """Another manager."""
    team = staff["rosa"].team
    return factories.person("max@example.com", "Max Hale", staff["rosa"].role, team)


@pytest.fixture
def vera(staff):
    """The CRO, who signs the operating model."""
    staff["vera"].approves_model = True
    staff["vera"].save()
    return staff["vera"]


def said(slug="sent"):
    return copy.deepcopy(versions.terms_of(Contract.objects.live().get(slug=slug)).content)


def with_due(minutes):
    """The contract for what is sent, its follow-up due otherwise."""
    content = said()
    content["outcomes"][1]["params"]["due_within"] = minutes
    return content


def in_force(slug="sent"):
    head = Contract.objects.head(slug)
    return head.version if head else 0


def save(by, content, slug="sent", revision=0, based_on=None, **more):
    based_on = in_force(slug) if based_on is None else based_on
    return publishing.save(
        slug=slug, content=content, based_on=based_on, revision=revision, by=by, at=MONDAY, **more
    )


def publish(by, slug="sent", revision=1):
    return publishing.publish(slug=slug, revision=revision, by=by, at=instant.now())


def put(content, slug="sent", by=SETUP):
    return publishing.put_in_force(slug=slug, content=content, by=by, at=instant.now())


@transaction.atomic
def by_file(content, slug):
    """Put in force as one of many, and then looked at together with them."""
    at = instant.now()
    publishing.put_in_force(slug=slug, content=content, together=False, by=SETUP, at=at)
    publishing.check_standing(slug)


def lines(what):
    return TrailLine.objects.filter(what=what)


# --- Drafting and publishing ----------------------------------------------------------------------
def test_a_draft_changes_nothing_until_it_is_published(olivia, rosa):
    before = said()
    save(olivia, with_due(240), note="Sooner.")
    assert (said(), in_force()) == (before, 1)
    contract = publish(rosa)
    assert (contract.version, contract.is_live, contract.why) == (2, True, "Sooner.")
    assert contract.author == "Olivia Ortiz (RevOps operator)"
    assert contract.published_by == "Rosa Marin (RevOps manager)"
    assert said() == with_due(240)
    line = lines("contract.published").latest("pk")
    assert line.before == {"follow-up: due within, in business time": "16 business hours"}
    assert line.after["follow-up: due within, in business time"] == "4 business hours"
    assert not Draft.objects.exists()


def test_what_is_wrong_is_refused_when_it_is_saved_with_its_place(olivia):
    content = with_due(240)
    content["outcomes"][1]["params"]["subject"] = "{colour}"
    with pytest.raises(ModelError, match="Nothing here is called") as caught:
        save(olivia, content)
    assert caught.value.field == "outcomes.1.subject"
    assert not Draft.objects.exists()


def test_what_contradicts_another_contract_is_refused(olivia):
    with pytest.raises(ModelError, match="“A proposal is sent” promises deal there as well"):
        save(olivia, said(), slug="sent-too")


def test_a_customer_is_not_billed_by_two_contracts(olivia, rosa, max_):
    billing = said("signed") | {"name": "Billed once more"}
    (invoice,) = [row for row in billing["outcomes"] if row["kind"] == "invoice.create"]
    billing["outcomes"] = [invoice | {"name": "bill"}]
    with pytest.raises(ModelError, match="“A proposal is signed” does it for the same state"):
        save(olivia, billing, slug="billed")
    with pytest.raises(ModelError, match="it happens twice"):
        put(billing, slug="billed")
    with pytest.raises(ModelError, match="it happens twice"):
        by_file(billing, slug="billed")
    # Nothing was wrong when it was drafted; by the time it is signed something is.
    signed = said("signed")
    put(signed | {"outcomes": [row for row in signed["outcomes"] if row["name"] != "invoice"]},
        slug="signed")  # fmt: skip
    save(olivia, billing, slug="billed")
    put(signed, slug="signed")
    with pytest.raises(ModelError, match="it happens twice"):
        publish(rosa, slug="billed")
    assert not Contract.objects.filter(slug="billed").exists()


def test_a_customer_is_not_billed_in_two_states_either(olivia, rosa):
    """Who views it and then signs it would have two invoices."""
    (invoice,) = [row for row in said("signed")["outcomes"] if row["kind"] == "invoice.create"]
    wanted = ["viewed", "signed", "invoiced"]
    viewed = {
        "name": "Seen", "trigger": "viewed",
        "outcomes": [invoice | {"name": "bill", "wanted": wanted}],
    }  # fmt: skip
    twice = "“A proposal is signed” does it when a proposal is signed as well"
    for way in (partial(save, olivia), put, by_file):
        with pytest.raises(ModelError, match=twice) as caught:
            way(viewed, slug="seen")
        assert caught.value.field == "outcomes.0"
    signed = said("signed")
    put(signed | {"outcomes": [row for row in signed["outcomes"] if row["name"] != "invoice"]},
        slug="signed")  # fmt: skip
    put(viewed, slug="seen")
    with pytest.raises(ModelError, match="“Seen” does it when a proposal is viewed as well"):
        publishing.roll_back(slug="signed", to=1, in_force=2, reason="", by=rosa, at=MONDAY)


@pytest.mark.parametrize("slug", ["", "Big Deals", "a" * 61, "new", "a\0", "../x", "-a"])
def test_a_contract_has_a_name_that_fits_into_an_address(olivia, slug):
    with pytest.raises(ModelError):
        save(olivia, with_due(60), slug=slug, based_on=0)


def test_a_new_contract_begins_with_its_first_version(olivia, rosa):
    content = said()
    content["outcomes"] = [{**content["outcomes"][2], "name": "tell-again"}]
    save(olivia, content, slug="sent-too", based_on=0)
    assert publish(rosa, slug="sent-too").version == 1


def test_who_did_not_see_the_newest_version_publishes_nothing(olivia, rosa, max_):
    save(olivia, with_due(240))
    put(with_due(60))
    with pytest.raises(Stale) as caught:
        publish(rosa)
    assert (caught.value.seen, caught.value.now) == ({"version": 1}, {"version": 2})
    with pytest.raises(Stale):
        save(rosa, with_due(90), revision=1, based_on=1)
    save(rosa, with_due(90), revision=1, based_on=2)
    assert publish(max_, revision=2).version == 3


def test_who_may_only_draft_does_not_publish(olivia, staff):
    save(olivia, with_due(240))
    for name in ("olivia", "sam", "remy", "ada", "vera"):
        with pytest.raises(NotAllowed):
            publish(staff[name])
    for name in ("sam", "remy", "ada", "vera"):
        with pytest.raises(NotAllowed):
            save(staff[name], with_due(60), revision=1)
    assert in_force() == 1


# --- A second person ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("slug", "why"),
    [("signed", "It writes to billing"), ("closed-won", "It is about a proposal's end")],
)
def test_billing_and_closing_take_a_second_person(rosa, max_, slug, why):
    content = {**said(slug), "name": "Otherwise"}
    assert publishing.why_second(slug, content).startswith(why)
    save(rosa, content, slug=slug)
    with pytest.raises(SecondPerson, match="Rosa Marin wrote this"):
        publish(rosa, slug=slug)
    assert publish(max_, slug=slug).version == 2


def test_taking_billing_out_takes_a_second_person_too(rosa):
    content = said("signed")
    content["outcomes"] = [row for row in content["outcomes"] if row["name"] != "invoice"]
    assert publishing.why_second("signed", content).startswith("It writes to billing")
    save(rosa, content, slug="signed")
    with pytest.raises(SecondPerson):
        publish(rosa, slug="signed")


def test_an_approver_publishes_what_they_were_asked_for(rosa, vera, staff):
    save(rosa, {**said("signed"), "name": "Otherwise"}, slug="signed")
    with pytest.raises(NotAllowed, match="Nobody has asked for approval yet"):
        publish(vera, slug="signed")
    publishing.submit(slug="signed", revision=1, by=rosa, at=MONDAY)
    told = Notice.objects.filter(text__contains="asks you to approve")
    assert [notice.user for notice in told] == [vera]
    assert told.get().text.endswith("approve a change of the contract “A proposal is signed”.")
    contract = publish(vera, slug="signed")
    assert (contract.author, contract.published_by) == (
        "Rosa Marin (RevOps manager)", "Vera Lind (Viewer)",
    )  # fmt: skip


def test_a_second_person_is_not_asked_for_where_there_is_none(rosa, staff):
    save(rosa, {**said("signed"), "name": "Otherwise"}, slug="signed")
    with pytest.raises(ModelError, match="Nobody else could be the second person"):
        publishing.submit(slug="signed", revision=1, by=rosa, at=MONDAY)
    drafts.discard(kind="contract", slug="signed", revision=1, by=rosa, at=MONDAY)
    with pytest.raises(ModelError, match="Nobody else could be the second person"):
        retire(rosa, "signed")
    assert drafts.of("contract", "signed") is None
    # What takes no second person may be asked for: a manager publishes it.
    save(rosa, with_due(240))
    assert not publishing.submit(slug="sent", revision=1, by=rosa, at=MONDAY).takes_two


def test_an_approver_publishes_nothing_that_takes_no_second_person(rosa, vera):
    save(rosa, with_due(240))
    publishing.submit(slug="sent", revision=1, by=rosa, at=MONDAY)
    with pytest.raises(NotAllowed):
        publish(vera)


def test_who_was_asked_may_send_it_back_with_a_reason(rosa, vera):
    save(rosa, {**said("signed"), "name": "Otherwise"}, slug="signed")
    publishing.submit(slug="signed", revision=1, by=rosa, at=MONDAY)
    facts = {"slug": "signed", "revision": 1, "at": MONDAY}
    with pytest.raises(SecondPerson):
        publishing.send_back(**facts, reason="Mine.", by=rosa)
    with pytest.raises(ModelError, match="Say what is not right"):
        publishing.send_back(**facts, reason=" ", by=vera)
    publishing.send_back(**facts, reason="Ask finance first.", by=vera)
    assert drafts.of("contract", "signed").submitted_at is None
    told = Notice.objects.get(user=rosa).text
    assert told.endswith("sent the contract “A proposal is signed” back: Ask finance first.")
    assert lines("contract.sent-back").get().why == "Ask finance first."


def test_a_reason_that_no_database_keeps_is_kept_without_that(rosa, vera):
    save(rosa, {**said("signed"), "name": "Otherwise"}, slug="signed")
    publishing.submit(slug="signed", revision=1, by=rosa, at=MONDAY)
    facts = {"slug": "signed", "revision": 1, "by": vera, "at": MONDAY}
    with pytest.raises(ModelError):
        publishing.send_back(**facts, reason="\0")
    assert drafts.of("contract", "signed").submitted_at
    publishing.send_back(**facts, reason="Ask\0 finance.")
    assert Notice.objects.get(user=rosa).text.endswith("Ask finance.")


def test_a_person_does_not_put_billing_in_force_by_a_file_alone(rosa):
    content = {**said("signed"), "name": "Otherwise"}
    with pytest.raises(SecondPerson, match="Draft it in the browser"):
        put(content, slug="signed", by=rosa)
    assert put(content, slug="signed").version == 2
    assert put(with_due(30), by=rosa).version == 2


# --- Back and away --------------------------------------------------------------------------------
def back(by, to, reason="It was better.", **more):
    return publishing.roll_back(
        slug=more.pop("slug", "sent"), to=to, in_force=more.pop("in_force", in_force()),
        reason=reason, by=by, at=MONDAY,
    )  # fmt: skip


def test_an_old_content_becomes_a_new_version(rosa):
    before = said()
    put(with_due(240))
    contract = back(rosa, 1)
    assert (contract.version, said()) == (3, before)
    assert contract.why == "Back to version 1: It was better."
    assert list(
        Contract.objects.filter(slug="sent").order_by("version").values_list("is_live", flat=True)
    ) == [False, False, True]


@pytest.mark.parametrize(
    ("to", "reason", "in_force"),
    [(2, "why", 2), (9, "why", 2), (1, "why", 1)],
)
def test_what_cannot_be_gone_back_to(rosa, to, reason, in_force):
    put(with_due(240))
    with pytest.raises(ModelError):
        back(rosa, to, reason, in_force=in_force)
    assert Contract.objects.head("sent").version == 2


def test_going_back_on_billing_waits_for_a_second_person(rosa, max_):
    put({**said("signed"), "name": "Otherwise"}, slug="signed")
    draft = back(rosa, 1, slug="signed", in_force=2)
    assert isinstance(draft, Draft)
    assert (draft.submitted_by, draft.note) == (rosa, "Back to version 1: It was better.")
    assert in_force("signed") == 2
    contract = publish(max_, slug="signed")
    assert (contract.version, contract.name) == (3, "A proposal is signed")


def test_somebodys_draft_is_not_overwritten_by_going_back(olivia, rosa):
    put({**said("signed"), "name": "Otherwise"}, slug="signed")
    save(olivia, {**said("signed"), "name": "Third"}, slug="signed")
    with pytest.raises(ModelError, match="Olivia Ortiz has a draft of it"):
        back(rosa, 1, slug="signed", in_force=2)


def retire(by, slug="sent", **more):
    return publishing.retire(
        slug=slug, in_force=more.pop("in_force", in_force(slug)),
        reason=more.pop("reason", "Nobody wants it."), by=by, at=MONDAY,
    )  # fmt: skip


def test_a_retired_contract_asks_for_nothing_and_can_come_back(rosa, crm, tell):
    retire(rosa)
    assert lines("contract.retired").get().why == "Nobody wants it."
    proposal = tell("sent")
    assert not Outcome.objects.of(proposal).exists()
    with pytest.raises(ModelError, match="not in force"):
        retire(rosa)
    assert back(rosa, 1).version == 3
    assert Outcome.objects.of(tell("sent", id="doc-2")).count() == 3
    # What began without it goes on without it.
    tell("sent", id="doc-1", name="Renamed")
    assert not Outcome.objects.of(proposal).exists()


def test_retiring_billing_waits_for_a_second_person(rosa, max_):
    assert isinstance(retire(rosa, "signed"), Draft)
    with pytest.raises(SecondPerson):
        publish(rosa, "signed")
    contract = publish(max_, "signed")
    assert (contract.is_retired, contract.is_live) == (True, False)
    assert not Contract.objects.live().filter(slug="signed").exists()


def test_only_who_may_publish_goes_back_or_retires(olivia):
    put(with_due(240))
    with pytest.raises(NotAllowed):
        back(olivia, 1)
    with pytest.raises(NotAllowed):
        retire(olivia)


# --- What is under way ----------------------------------------------------------------------------
def open_names(proposal):
    rows = Outcome.objects.open().of(proposal).order_by("name")
    return list(rows.values_list("name", "contract__version"))


def without_follow_up():
    content = said()
    del content["outcomes"][1]
    return content


def test_what_is_under_way_goes_on_under_the_version_it_began_with(crm, tell):
    proposal = tell("sent")
    put(without_follow_up())
    # Its content changes: the deal is carried anew, and the follow-up stays.
    tell("sent", name="Renamed")
    assert open_names(proposal) == [("deal", 1), ("follow-up", 1), ("tell-owner", 1)]
    # What comes in now begins under the new one.
    assert open_names(tell("sent", id="doc-2")) == [("deal", 2), ("tell-owner", 2)]


def test_what_a_new_version_adds_is_not_asked_for_belatedly(crm, tell):
    put(without_follow_up())
    proposal = tell("sent")
    put(said() | {"outcomes": [*said()["outcomes"], {
        "name": "tell-again", "kind": "notice.tell", "wanted": ["sent"],
        "params": {"subject": "Again."},
    }]})  # fmt: skip
    tell("sent", name="Renamed")
    assert open_names(proposal) == [("deal", 2), ("tell-owner", 2)]


def test_the_next_stretch_of_the_same_proposal_begins_under_the_new_version(crm, pandadoc):
    def event(state, minute):
        at = MONDAY + timedelta(minutes=minute)
        post_pandadoc([document(state, at=at)], event_id=f"{state}-{minute}")
        digest_all()

    event("sent", 0)
    put(without_follow_up())
    event("declined", 5)
    event("sent", 10)
    sent = Outcome.objects.open().filter(contract__slug="sent")
    assert set(sent.values_list("name", "contract__version")) == {("deal", 2), ("tell-owner", 2)}


def test_every_signal_says_under_which_contracts_it_came_in(tell, staff):
    newest = versions.newest()
    proposal = tell("sent")
    put(with_due(240))
    lifecycle.move(
        proposal_id=proposal.pk, to=State.CLOSED_LOST, version=1, reason="", by=staff["rosa"],
        at=instant.now(),
    )  # fmt: skip
    unders = list(Signal.objects.order_by("pk").values_list("under", flat=True))
    assert unders == [newest, versions.newest()]
    assert newest < versions.newest()


# --- Conditions -----------------------------------------------------------------------------------
def only_from(amount):
    content = said()
    content["condition"] = {"field": "amount", "op": "at_least", "value": str(amount)}
    return content


def total(amount):
    return {"amount": str(amount), "currency": "EUR"}


def test_a_contract_counts_only_where_its_condition_holds(crm, tell):
    put(only_from(5000))
    small = tell("sent", grand_total=total(100))
    large = tell("sent", id="doc-2", grand_total=total(9000))
    assert not Outcome.objects.of(small).exists()
    assert len(open_names(large)) == 3


def test_when_a_condition_stops_holding_what_is_not_carried_is_called_off(crm, tell):
    put(only_from(5000))
    proposal = tell("sent", grand_total=total(9000))
    tell("sent", grand_total=total(100))
    states = dict(Outcome.objects.of(proposal).order_by("pk").values_list("name", "state"))
    assert set(states.values()) == {OutcomeState.CANCELLED}
    why = Outcome.objects.get(name="follow-up").unwanted_why
    assert why == (
        "“A proposal is sent” counts where the amount is at least 5,000; that is not so."
    )  # fmt: skip
    # And when it holds again, the same come back; the deal with its newest content.
    tell("sent", grand_total=total(9000))
    assert len(open_names(proposal)) == 3
    assert Outcome.objects.filter(name="follow-up").count() == 1


def test_what_was_carried_is_undone_when_the_condition_stops_holding(crm, tell):
    put(only_from(5000))
    proposal = tell("sent", grand_total=total(9000))
    Outcome.objects.filter(name="follow-up").update(
        state=OutcomeState.PROVEN, proven_at=instant.now(), external_id="7"
    )
    tell("sent", grand_total=total(100))
    undo = Outcome.objects.get(name="follow-up-undo")
    assert (undo.state, undo.proposal) == (OutcomeState.DUE, proposal)


def test_a_tier_of_its_own_counts_instead_of_that_of_the_event(crm, tell):
    put({**said(), "tier": "daily"})
    tell("sent")
    assert set(Outcome.objects.values_list("tier", "tier_rank")) == {("daily", 3)}
