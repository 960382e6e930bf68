"""A ticket's replay: for all that hangs on it what will fire, what is suppressed, what is blocked
and what changed since; and then exactly that, or nothing."""

import copy
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connectors import judging, replay_facts, rereading, retrying, ticket_replay
from connectors.models import Connection, Message
from connectors.pandadoc import translate
from connectors.replay_words import Start, Verdict, Versions, Way
from connectors.replaying import ForNothing, Moved
from exceptions import desk
from exceptions.models import Occurrence, Ticket
from exceptions.states import MoveError
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from meshline.people.permissions import NotAllowed, Role
from proposals import holds
from proposals.contracts import approvals, publishing, versions
from proposals.models import Approval, Contract, Outcome, Proposal, Signal, Transition
from proposals.states import State
from tests import factories
from tests.connectors.crm import carry, carry_on, outcome, say, sweep_late
from tests.connectors.mapped import LEGAL, published, sent
from tests.factories import digest_all
from tests.reading import words

pytestmark = pytest.mark.django_db
STEP_THEN, STEP_NOW = Way(Start.STEP, Versions.THEN), Way(Start.STEP, Versions.NOW)
START_THEN, START_NOW = Way(Start.START, Versions.THEN), Way(Start.START, Versions.NOW)


def everything():
    models = (
        Message, Signal, Transition, Proposal, Outcome, Ticket, Occurrence, TrailLine, Notice,
    )  # fmt: skip
    return {one.__name__: list(one.objects.order_by("pk").values()) for one in models}


def look(ticket, by, way=STEP_THEN):
    return ticket_replay.preview(ticket_id=ticket.pk, way=way, by=by, at=instant.now())


def do(ticket, plan, by, way=STEP_THEN):
    return ticket_replay.carry_out(
        ticket_id=ticket.pk, way=way, shown=plan.fingerprint, by=by, at=instant.now()
    )


def verdicts(plan):
    return [(one.subject.partition(":")[0], one.verdict) for one in plan.lines]


def only(plan):
    (line,) = plan.lines
    return line


def shown_on(answer):
    return re.search(r'name="shown"\s+value="(\w+)"', answer.content.decode())[1]


@pytest.fixture
def olivia(staff):
    return staff["olivia"]


@pytest.fixture
def refused(crm):
    """A deal that HubSpot refused for good: given up, its follow-up waits behind it no more."""
    say("sent")
    crm.breaks({"kind": "status", "code": 400, "match": {"path": "deals"}})
    carry()
    crm.mend()
    assert outcome("deal").state == "given_up"
    return Ticket.objects.unresolved().get()


@pytest.fixture
def held(pandadoc, staff):
    """Three documents in a word nobody mapped, in quarantine on one ticket."""
    factories.hubspot()
    for minute in range(3):
        sent("in_legal_review", minute, id=f"doc-{minute}")
    digest_all()
    return Ticket.objects.get()


# --- Will fire ------------------------------------------------------------------------------------
def test_what_would_fire_is_told_and_nothing_of_it_is_kept(refused, olivia):
    before = everything()
    line = only(look(refused, olivia))
    assert everything() == before
    assert (line.verdict, line.is_done) == (Verdict.FIRES, True)
    assert line.name == "Create or update the deal in HubSpot"
    assert outcome("deal").key in line.effects[0].sentence
    assert "one effect" in line.why


def test_exactly_that_happens_once_and_the_ticket_says_so_and_closes(refused, crm, olivia):
    did = do(refused, look(refused, olivia), olivia)
    assert str(did) == "Replayed from the failed step, with the versions of then: 1 will fire."
    carry_on()
    refused.refresh_from_db()
    assert (refused.status, refused.resolution) == ("resolved", "closed on evidence")
    assert set(crm.created().values()) == {1}
    line = TrailLine.objects.get(what="ticket.remedied")
    assert line.after == {"did": str(did)}
    assert (line.actor_id, refused.last_act_at is not None) == (str(olivia.pk), True)


def test_what_is_quarantined_fires_once_its_words_are_mapped(held, olivia, staff, pandadoc):
    blocked = look(held, olivia, STEP_NOW)
    assert {one.verdict for one in blocked.lines} == {Verdict.BLOCKED}
    assert "It cannot be read:" in blocked.lines[0].why
    before = everything()
    with pytest.raises(ForNothing, match="Nothing would fire: 3 blocked"):
        do(held, blocked, olivia, STEP_NOW)
    assert everything() == before
    published(pandadoc, LEGAL, staff["rosa"])
    plan = look(held, olivia, STEP_NOW)
    assert verdicts(plan) == [("message", Verdict.FIRES)] * 3
    assert plan.lines[0].version == "By version 1 of the mapping, and under the contracts of now."
    assert "Its mapping is at version 1 since." in plan.lines[0].changed
    said = [effect.sentence for effect in plan.lines[-1].effects]
    assert any("Ticket resolved" in one for one in said)
    do(held, plan, olivia, STEP_NOW)
    held.refresh_from_db()
    assert (held.status, Proposal.objects.filter(state="sent").count()) == ("resolved", 3)


def test_by_the_versions_of_then_it_is_not_understood_even_now(held, olivia, staff, pandadoc):
    published(pandadoc, LEGAL, staff["rosa"])
    plan = look(held, olivia, STEP_THEN)
    assert {one.verdict for one in plan.lines} == {Verdict.BLOCKED}
    assert plan.lines[0].version.startswith("By what is built in, and under the contracts of then")


# --- Suppressed -----------------------------------------------------------------------------------
def test_from_the_start_what_is_proven_already_is_suppressed_and_says_why(refused, crm, olivia):
    told = Outcome.objects.get(kind="notice.tell")
    assert told.state == "proven"
    plan = look(refused, olivia, START_THEN)
    by_name = {one.name: one for one in plan.lines}
    message = plan.lines[0]
    assert (message.verdict, message.effects) == (Verdict.SUPPRESSED, ())
    assert "known under its key: nothing is done twice" in message.why
    assert any("Its signal" in one for one in message.already)
    assert by_name["Create or update the deal in HubSpot"].verdict is Verdict.FIRES
    owner = next(one for one in plan.lines if one.subject == told.ref)
    assert owner.verdict is Verdict.SUPPRESSED
    assert "Proven already under its key" in owner.why
    effects, outcomes = crm.effects(), Outcome.objects.count()
    do(refused, plan, olivia, START_THEN)
    carry_on()
    assert Outcome.objects.count() == outcomes
    assert (set(crm.created().values()), len(crm.effects())) == ({1}, len(effects) + 1)


def test_what_was_called_off_stays_called_off(refused, olivia):
    Outcome.objects.filter(name="deal").update(state="cancelled", unwanted_why="Not wanted.")
    line = only(look(refused, olivia))
    assert (line.verdict, line.why) == (Verdict.SUPPRESSED, "It was called off. Not wanted.")


def test_what_is_due_already_is_left_to_go_out_by_itself(refused, olivia):
    do(refused, look(refused, olivia), olivia)
    line = only(look(refused, olivia))
    assert (line.verdict, line.is_done) == (Verdict.SUPPRESSED, False)
    assert "due already" in line.why


# --- Blocked --------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", ["paused", "disabled"])
def test_a_connection_that_is_held_blocks_and_says_so(refused, olivia, status):
    Connection.objects.filter(slug="hubspot").update(status=status, status_why="They move.")
    line = only(look(refused, olivia))
    assert (line.verdict, line.is_done) == (Verdict.BLOCKED, True)
    assert line.why == f"It is due, and waits: HubSpot is {status}. They move."
    with pytest.raises(ForNothing, match="Nothing would fire: 1 blocked"):
        do(refused, look(refused, olivia), olivia)
    assert outcome("deal").state == "given_up"


def test_what_would_come_to_nothing_has_no_button_and_is_refused_with_the_reason(refused, olivia):
    Connection.objects.filter(slug="hubspot").update(status="paused", status_why="They move.")
    client = Client()
    client.force_login(olivia)
    page, before = f"/queue/{refused.pk}/replay/", everything()
    ahead = client.get(page)
    assert "Nothing would fire: 1 blocked. Each says why." in words(ahead)
    assert not re.search(r'type="submit" class="btn btn-primary"', ahead.content.decode())
    answer = client.post(page, {"from": "step", "by": "then", "shown": shown_on(ahead)})
    assert answer.status_code == 409
    assert "Not done. Nothing would fire: 1 blocked." in words(answer)
    assert everything() == before


def test_a_hold_blocks_and_nothing_is_done(refused, olivia, staff):
    proposal = Proposal.objects.get()
    holds.put(
        proposal_id=proposal.pk, kind="legal", reason="Legal looks.", by=staff["rosa"],
        at=instant.now(),
    )  # fmt: skip
    plan = look(refused, olivia)
    assert (only(plan).verdict, only(plan).is_done) == (Verdict.BLOCKED, False)
    assert "on hold" in only(plan).why
    with pytest.raises(ForNothing):
        do(refused, plan, olivia)
    assert not TrailLine.objects.filter(what="ticket.remedied").exists()


def test_a_field_that_is_missing_blocks_until_the_version_of_now_has_it(crm, billing, olivia):
    say("sent", recipients=[])
    say("completed", minute=5, recipients=[])
    carry_on()
    ticket = Ticket.objects.unresolved().get()
    assert outcome("invoice").state == "given_up"
    line = only(look(ticket, olivia))
    assert line.verdict is Verdict.BLOCKED
    assert line.why.startswith("What it carries has no contact email: it would be refused again.")
    assert only(look(ticket, olivia, STEP_NOW)).verdict is Verdict.BLOCKED
    # Put right at the source: what was promised stays, what would be promised now has it.
    say("completed", minute=6)
    line = only(look(ticket, olivia))
    assert "replay it with the versions of now" in line.why
    assert "Its contact email would be nina@customer.example.com today; it carries nothing." in (
        line.changed
    )
    plan = look(ticket, olivia, STEP_NOW)
    assert only(plan).verdict is Verdict.FIRES
    do(ticket, plan, olivia, STEP_NOW)
    carry_on()
    ticket.refresh_from_db()
    assert (outcome("invoice").state, ticket.resolution) == ("proven", "closed on evidence")
    assert TrailLine.objects.get(what="outcome.reworded").after["changed"] == [
        "contact email", "contact name",
    ]  # fmt: skip


# --- Changed since --------------------------------------------------------------------------------
def rephrased():
    """Another version of the contract for what is sent: its follow-up is due otherwise."""
    now = Contract.objects.live().get(slug="sent")
    content = copy.deepcopy(versions.terms_of(now).content)
    content["outcomes"][1]["params"]["due_within"] = 77
    return publishing.put_in_force(slug="sent", content=content, by=SETUP, at=instant.now())


def test_a_record_that_moved_on_is_said(crm, olivia):
    say("sent")
    crm.breaks({"kind": "status", "code": 400, "match": {"path": "tasks"}})
    carry_on()
    ticket = Ticket.objects.unresolved().get()
    assert only(look(ticket, olivia)).changed == ()
    say("viewed", minute=2)
    line = only(look(ticket, olivia))
    assert line.changed == ("The proposal moved on from version 1 to 2.",)


def test_where_anything_changed_meanwhile_nothing_is_done_and_the_new_preview_is_shown(
    refused, olivia
):
    client = Client()
    client.force_login(olivia)
    page = f"/queue/{refused.pk}/replay/"
    shown = shown_on(client.get(page))
    Connection.objects.filter(slug="hubspot").update(status="paused", status_why="They move.")
    before = everything()
    answer = client.post(page, {"from": "step", "by": "then", "shown": shown})
    assert answer.status_code == 409
    assert "Not done. Something changed since you looked" in words(answer)
    assert "HubSpot is paused" in words(answer)
    assert everything() == before
    Connection.objects.filter(slug="hubspot").update(status="active", status_why="")
    shown = shown_on(client.get(page))
    answer = client.post(page, {"from": "step", "by": "then", "shown": shown})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/queue/{refused.pk}/")


def test_nothing_by_half_one_of_three_that_changed_stops_all(held, olivia, staff, pandadoc):
    published(pandadoc, LEGAL, staff["rosa"])
    plan = look(held, olivia, STEP_NOW)
    last = Message.objects.order_by("-pk").first()
    rereading.release(message_id=last.pk, by=staff["rosa"], at=instant.now())
    before = everything()
    with pytest.raises(Moved):
        do(held, plan, olivia, STEP_NOW)
    assert everything() == before


# --- Bad input ------------------------------------------------------------------------------------
def test_a_second_click_is_told_and_does_nothing(refused, olivia):
    client = Client()
    client.force_login(olivia)
    page = f"/queue/{refused.pk}/replay/"
    asked = {"from": "step", "by": "then", "shown": shown_on(client.get(page))}
    assert client.post(page, asked).status_code == 303
    again = client.post(page, asked)
    assert (again.status_code, "due already" in words(again)) == (409, True)
    assert TrailLine.objects.filter(what="outcome.retried").count() == 1
    assert TrailLine.objects.filter(what="ticket.remedied").count() == 1


def test_somebody_elses_ticket_is_not_replayed(refused, olivia, staff):
    nils = factories.person("nils@example.com", "Nils Holm", Role.OPERATOR)
    desk.claim(ticket_id=refused.pk, by=nils, at=instant.now())
    with pytest.raises(NotAllowed, match="Nils Holm has claimed this"):
        look(refused, olivia)
    client = Client()
    client.force_login(olivia)
    for method in (client.get, client.post):
        answer = method(f"/queue/{refused.pk}/replay/")
        assert (answer.status_code, "Nils Holm has claimed this" in words(answer)) == (403, True)
    assert only(look(refused, nils)).verdict is Verdict.FIRES
    # A manager may take over.
    assert only(look(refused, staff["rosa"])).verdict is Verdict.FIRES


def test_a_resolved_ticket_has_nothing_to_replay(refused, olivia):
    desk.resolve(ticket_id=refused.pk, resolution="fixed", by=olivia, at=instant.now())
    with pytest.raises(MoveError):
        look(refused, olivia)
    client = Client()
    client.force_login(olivia)
    answer = client.post(f"/queue/{refused.pk}/replay/", {"shown": "x"})
    assert (answer.status_code, "This ticket is resolved." in words(answer)) == (409, True)


@pytest.mark.parametrize("asked", ["from=nowhere", "by=tomorrow", "from=%00", "by="])
def test_ways_there_are_not_are_not_found(refused, olivia, asked):
    client = Client()
    client.force_login(olivia)
    assert client.get(f"/queue/{refused.pk}/replay/?{asked}").status_code == 404
    assert client.get("/queue/999999/replay/").status_code == 404


def test_what_hangs_on_it_and_is_neither_is_told_beside(crm, olivia):
    say("sent")
    crm.breaks({"kind": "down"})
    carry_on(times=3)
    sweep_late()
    ticket = Ticket.objects.get()
    Occurrence.objects.create(
        ticket=ticket, subject="connection:hubspot", at=instant.now(), evidence={}
    )
    plan = look(ticket, olivia)
    assert plan.beside == ["connection:hubspot"]
    assert len(plan.lines) == 2


def test_what_waits_behind_one_that_fires_fires_with_it(crm, olivia):
    say("sent")
    crm.breaks({"kind": "down"})
    carry_on(times=3)
    sweep_late()
    crm.mend()
    ticket = Ticket.objects.get()
    plan = look(ticket, olivia)
    assert [one.verdict for one in plan.lines] == [Verdict.FIRES, Verdict.FIRES]
    assert "It waits behind the deal" in plan.lines[1].why
    do(ticket, plan, olivia)
    carry_on()
    assert set(crm.created().values()) == {1}


def test_the_retry_button_says_what_it_did_in_the_tickets_story(refused, olivia):
    said = retrying.retry_ticket(refused, by=olivia, at=instant.now())
    assert TrailLine.objects.get(what="ticket.remedied").after == {"did": said}


def test_more_than_can_be_waited_for_are_replayed_in_parts(held, olivia, staff, monkeypatch):
    monkeypatch.setattr(ticket_replay, "MOST", 2)
    plan = look(held, olivia, STEP_NOW)
    assert (len(plan.lines), plan.left) == (2, 1)


def test_a_later_version_of_the_contract_is_said_and_counts_only_where_one_asks_for_it(
    refused, olivia
):
    later = rephrased()
    line = only(look(refused, olivia))
    assert line.version == f"As version 1 of “{later.name}” says."
    assert (
        f"The contract “{later.name}” is at version 2 since; this was promised by version 1."
        in line.changed
    )
    plan = look(refused, olivia, STEP_NOW)
    assert only(plan).version == f"As version 2 of “{later.name}” says."
    do(refused, plan, olivia, STEP_NOW)
    assert outcome("deal").contract_id == later.pk
    # What goes by another version is still the same outcome to the story.
    say("sent", minute=3, name="Another name")
    assert Outcome.objects.filter(name="deal").exclude(state="cancelled").count() == 1


def test_what_that_version_does_not_ask_for_is_blocked(refused, olivia):
    now = Contract.objects.live().get(slug="sent")
    content = copy.deepcopy(versions.terms_of(now).content)
    content["outcomes"] = [one for one in content["outcomes"] if one["name"] != "deal"]
    publishing.put_in_force(slug="sent", content=content, by=SETUP, at=instant.now())
    line = only(look(refused, olivia, STEP_NOW))
    assert (line.verdict, line.is_done) == (Verdict.BLOCKED, False)
    assert line.why == f"Version 2 of “{now.name}” asks for no such thing."
    assert only(look(refused, olivia)).verdict is Verdict.FIRES


def test_a_gate_of_the_version_of_now_is_not_gone_around(refused, olivia, staff):
    now = Contract.objects.live().get(slug="sent")
    content = copy.deepcopy(versions.terms_of(now).content)
    for one in content["outcomes"]:
        if one["name"] == "deal":
            one["gate"] = {"who": "role:manager", "within": 60}
    publishing.put_in_force(slug="sent", content=content, by=SETUP, at=instant.now())
    plan = look(refused, olivia, STEP_NOW)
    assert (only(plan).verdict, only(plan).is_done) == (Verdict.BLOCKED, True)
    assert "has it wait for a RevOps manager first" in only(plan).why
    client = Client()
    client.force_login(olivia)
    asked = {"from": "step", "by": "now", "shown": plan.fingerprint}
    assert client.post(f"/queue/{refused.pk}/replay/", asked).status_code == 303
    # Nothing fired: it is not told in green.
    told = client.get(f"/queue/{refused.pk}/").context["messages"]
    assert [one.level_tag for one in told] == ["info"]
    assert outcome("deal").state == "held"
    waits = Approval.objects.get()
    assert (waits.asked_by, waits.caused_by) == (olivia, None)
    assert "waits for the approval of a RevOps manager" in only(look(refused, olivia)).why


def gated(who="role:manager"):
    """The contract for what is signed, with an invoice that waits for somebody."""
    now = Contract.objects.live().get(slug="signed")
    content = copy.deepcopy(versions.terms_of(now).content)
    for one in content["outcomes"]:
        if one["name"] == "invoice":
            one["gate"] = {"who": who, "within": 60}
    return publishing.put_in_force(slug="signed", content=content, by=SETUP, at=instant.now())


@pytest.fixture
def approved(crm, billing, staff):
    """An invoice that Rosa approved, and that Stripe refused for good."""
    gated()
    say("sent")
    say("completed", minute=5)
    approvals.approve(
        approval_id=Approval.objects.get().pk, comment="Right.", by=staff["rosa"], at=instant.now()
    )
    billing.breaks({"kind": "status", "code": 400, "match": {"path": "invoices"}})
    carry_on()
    billing.mend()
    assert outcome("invoice").state == "given_up"
    return Ticket.objects.unresolved().get()


def test_what_was_approved_is_approved_anew_where_it_says_something_else_by_now(
    approved, crm, olivia, staff
):
    say("completed", minute=6, grand_total={"amount": "90000.00", "currency": "EUR"})
    Notice.objects.all().delete()
    plan = look(approved, olivia, STEP_NOW)
    assert only(plan).verdict is Verdict.BLOCKED
    assert "has it wait for a RevOps manager first" in only(plan).why
    do(approved, plan, olivia, STEP_NOW)
    waits = Approval.objects.get()
    assert (outcome("invoice").state, outcome("invoice").params["amount"]) == ("held", "90000.00")
    assert (waits.is_waiting, waits.is_approved, waits.comment) == (True, None, "")
    assert waits.asked_by == olivia
    assert Notice.objects.filter(user=staff["rosa"], key__startswith="approval:").exists()
    assert "You asked for it" in approvals.refusal_for(waits, olivia, at=instant.now())
    approvals.approve(approval_id=waits.pk, by=staff["rosa"], at=instant.now())
    carry_on()
    assert outcome("invoice").state == "proven"


def test_what_says_the_same_stays_approved_and_leaves_no_line(approved, olivia):
    do(approved, look(approved, olivia, STEP_NOW), olivia, STEP_NOW)
    assert (outcome("invoice").state, Approval.objects.get().is_approved) == ("due", True)
    assert not TrailLine.objects.filter(what="outcome.reworded").exists()


def test_who_another_gate_names_approves_it_anew(approved, olivia):
    gated("role:sdr-manager")
    do(approved, look(approved, olivia, STEP_NOW), olivia, STEP_NOW)
    waits = Approval.objects.get()
    assert (waits.who, waits.is_waiting) == ("role:sdr-manager", True)


def test_who_caused_it_does_not_approve_it_because_another_one_asked(crm, approved, staff, olivia):
    """The one who led to it, and the one who had it worded anew."""
    Approval.objects.update(caused_by=staff["sam"])
    gated("role:operator")
    max_ = factories.person("max@example.com", "Max Hale", Role.MANAGER, staff["rosa"].team)
    ticket_replay.carry_out(
        ticket_id=approved.pk, way=STEP_NOW, by=max_, at=instant.now(),
        shown=look(approved, max_, STEP_NOW).fingerprint,
    )  # fmt: skip
    waits = Approval.objects.get()
    assert (waits.caused_by, waits.asked_by) == (staff["sam"], max_)
    Approval.objects.update(caused_by=olivia)
    waits.refresh_from_db()
    assert "You caused it" in approvals.refusal_for(waits, olivia, at=instant.now())
    seen = approvals.see(waits, staff["rosa"], at=instant.now())
    assert (seen.refusal, max_ in seen.decision.people) == ("", False)
    assert seen.decision.why == (
        "Max Hale asked for it and Olivia Ortiz caused it, so it goes to Rosa Marin. "
        "Rosa Marin is accountable for proposal state."
    )


def test_what_is_blocked_for_a_missing_field_stays_as_it_was(crm, billing, olivia):
    say("sent", recipients=[])
    say("completed", minute=5, recipients=[])
    carry_on()
    ticket, before = Ticket.objects.unresolved().get(), outcome("invoice").params
    say("completed", minute=6, recipients=[], name="Another name")
    line = only(look(ticket, olivia, STEP_NOW))
    assert (line.verdict, line.is_done) == (Verdict.BLOCKED, False)
    assert line.why.endswith("Have it put right in the quoting tool first.")
    invoice = Outcome.objects.select_related("contract", "proposal").get(name="invoice")
    looked = judging.replay(
        invoice, Versions.NOW, replay_facts.of([invoice]), (), by=olivia, at=instant.now()
    )
    assert looked.verdict is Verdict.BLOCKED
    assert outcome("invoice").params == before


@pytest.mark.parametrize("way", [STEP_THEN, STEP_NOW])
def test_what_came_in_before_a_contract_changed_counts_under_that_of_then_or_of_now(
    held, olivia, monkeypatch, way
):
    """A word that the connector itself knows by now."""
    known = {**translate.STATES, "document.in_legal_review": State.SENT}
    monkeypatch.setattr(translate, "STATES", known)
    old = Contract.objects.live().get(slug="sent")
    later = rephrased()
    do(held, look(held, olivia, way), olivia, way)
    under = set(Outcome.objects.filter(name="deal").values_list("contract", flat=True))
    assert under == {old.pk if way is STEP_THEN else later.pk}


def test_what_a_message_on_it_calls_off_is_not_carried_any_more(held, olivia, staff, pandadoc):
    """The message tells that it was signed; its follow-up hangs on the same ticket."""
    say("sent", id="doc-0", minute=-5)
    task = Outcome.objects.get(name="follow-up", proposal__external_id="doc-0")
    Outcome.objects.filter(pk=task.pk).update(state="given_up")
    Occurrence.objects.create(ticket=held, subject=task.ref, at=instant.now(), evidence={})
    signed = {"words": {"document.in_legal_review": "signed"}, "fields": {}}
    published(pandadoc, signed, staff["rosa"])
    plan = look(held, olivia, STEP_NOW)
    assert plan.lines[-1].verdict is Verdict.SUPPRESSED
    assert "It was called off." in plan.lines[-1].why
    do(held, plan, olivia, STEP_NOW)
    task.refresh_from_db()
    assert task.state == "cancelled"


# --- Beside others -------------------------------------------------------------------------------
def test_whose_word_counts_stays_from_before_the_first_row_is_held(refused, olivia):
    with CaptureQueriesContext(connection) as asked:
        look(refused, olivia)
    locks = [one["sql"] for one in asked if " FOR " in one["sql"] or "advisory" in one["sql"]]
    assert "pg_advisory_xact_lock_shared" in locks[0]


# --- Many lines -----------------------------------------------------------------------------------
# What one outcome that fires takes: a savepoint, its row locked, asked whether another one took its
# place, written, told to the trail, the savepoint let go; then it is read as it stands by now, and
# who is in front of it, which changes with each that is carried.
ITS_OWN_ACT = 8


def all_refused(crm, path, numbers):
    """For each of these numbers what HubSpot refused for good, all on one ticket."""
    crm.breaks({"kind": "status", "code": 400, "match": {"path": path}})
    for number in numbers:
        say("sent", id=f"doc-{number}")
    carry_on()
    crm.mend()
    return Ticket.objects.unresolved().get()


def lines_and_questions(ticket, by, way):
    with CaptureQueriesContext(connection) as asked:
        plan = look(ticket, by, way)
    assert {one.verdict for one in plan.lines} == {Verdict.FIRES}
    return len(plan.lines), len(asked)


@pytest.mark.parametrize("way", [STEP_THEN, STEP_NOW])
def test_another_line_costs_its_own_act_and_no_more(crm, olivia, way):
    lines, one = lines_and_questions(all_refused(crm, "deals", [1]), olivia, way)
    assert lines == 1
    ticket = all_refused(crm, "deals", [2, 3, 4, 5])
    lines, five = lines_and_questions(ticket, olivia, way)
    assert lines == 5
    assert five - one == 4 * ITS_OWN_ACT


def test_each_line_is_told_of_its_own_proposal(crm, olivia):
    ticket = all_refused(crm, "tasks", [1, 2])
    say("sent", id="doc-2", minute=3, name="Another name")
    first, second = look(ticket, olivia).lines
    assert first.changed == ()
    assert second.changed == (
        "The proposal moved on from version 1 to 2.",
        "Its subject would be Follow up: Another name today; it carries Follow up: "
        "Website relaunch.",
    )
