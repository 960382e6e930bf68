"""Review gates: an outcome waits for whom its contract names, and goes out once they say so."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from connectors import holding
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from meshline.people.models import Absence, User
from meshline.people.permissions import NotAllowed
from meshline.policy import calendars, raci
from meshline.policy.models import Company, RaciAssignment
from meshline.policy.truth import How, Truth
from proposals import deciding, lateness, lifecycle, outbox, steering, waiting, whose_word
from proposals.contracts import approvals, publishing, versions
from proposals.contracts.approvals import Decided
from proposals.contracts.deciders import Deciders
from proposals.models import Approval, Contract, Outcome, Signal
from proposals.models.outcome import State
from proposals.states import State as Stage
from proposals.steering import NotNow
from tests import factories
from tests.filling import form
from tests.reading import words

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def crm(staff):
    factories.hubspot()


@pytest.fixture
def vera(staff):
    staff["vera"].approves_model = True
    staff["vera"].save()
    return staff["vera"]


def why_not(outcome):
    return holding.reason(outcome, at=instant.now())


def gate(who="role:manager", within=240, name="follow-up", slug="sent", **changes):
    """Let the contract's outcome wait for somebody."""
    content = versions.terms_of(Contract.objects.live().get(slug=slug)).content
    for row in content["outcomes"]:
        if row["name"] == name:
            row["gate"] = {"who": who, "within": within}
    return publishing.put_in_force(
        slug=slug, content={**content, **changes}, by=SETUP, at=instant.now()
    )


def outcome(name="follow-up"):
    return Outcome.objects.get(name=name)


def approval(name="follow-up"):
    return Approval.objects.get(outcome__name=name)


def approve(by, name="follow-up", comment=""):
    return approvals.approve(
        approval_id=approval(name).pk, comment=comment, by=by, at=instant.now()
    )


def reject(by, name="follow-up", reason="Not for this one."):
    return approvals.reject(approval_id=approval(name).pk, reason=reason, by=by, at=instant.now())


def refusal(user, name="follow-up"):
    return approvals.refusal_for(approval(name), user, at=instant.now())


# --- Waiting --------------------------------------------------------------------------------------
def test_an_outcome_with_a_gate_is_promised_and_held(tell, staff):
    gate()
    tell("sent")
    assert (outcome().state, outcome("deal").state) == (State.HELD, State.DUE)
    waits = approval()
    assert (waits.who, waits.caused_by, waits.is_waiting) == ("role:manager", None, True)
    assert why_not(outcome()).why == "It waits for the approval of a RevOps manager."
    told = Notice.objects.get(user=staff["rosa"], key__startswith="approval:")
    assert told.text == "Website relaunch: create the follow-up task waits for your approval."
    assert told.url == f"/approvals/{waits.pk}/"


def test_nothing_carries_it_and_nobody_retries_it(tell, rosa):
    gate()
    tell("sent")
    assert {one.name for one in outbox.claim_all(["hubspot"], lease_seconds=60, most=9)} == {"deal"}
    with pytest.raises(NotNow, match="It is held"):
        steering.retry(outcome_id=outcome().pk, by=rosa, at=instant.now())
    outbox.hurry(connection="hubspot", at=instant.now())
    outbox.play_role(role="crm", slug="hubspot", at=instant.now())
    assert outcome().state == State.HELD


def test_it_is_not_late_while_it_waits_and_neither_is_what_stands_behind_it(tell):
    gate(name="deal")
    tell("sent")
    later = instant.now() + timedelta(days=2)
    late = set(Outcome.objects.late(at=later).values_list("name", flat=True))
    assert late == {"tell-owner"}
    lateness.open_late_tickets(at=later)
    assert not Ticket.objects.filter(connection="hubspot").exists()


def test_once_approved_it_goes_out_with_its_whole_time(tell, rosa):
    gate(name="deal")
    tell("sent")
    Outcome.objects.update(budget_ends_at=instant.now() - timedelta(hours=1))
    found = approve(rosa, "deal", comment="Looks right.")
    assert (found.is_approved, found.decided_by, found.comment) == (True, rosa, "Looks right.")
    claimed = outbox.claim(["hubspot"], lease_seconds=60)
    assert claimed.name == "deal"
    # What stood behind it has its time anew, too.
    for name in ("deal", "follow-up"):
        assert outcome(name).budget_ends_at > instant.now() + timedelta(minutes=4)
    line = TrailLine.objects.get(what="outcome.approved")
    assert (line.actor_id, line.why, line.record) == (
        str(rosa.pk), "Looks right.", claimed.record,
    )  # fmt: skip


def test_rejected_it_is_called_off_for_good_and_a_ticket_says_why(tell, rosa):
    gate(severity="critical", owner="process:proposal-state")
    proposal = tell("sent")
    with pytest.raises(ValueError, match="Say why"):
        reject(rosa, reason=" ")
    reject(rosa, reason="They pay in advance.")
    assert (outcome().state, outcome().unwanted_why) == (
        State.CANCELLED, "Rosa Marin rejected it: They pay in advance.",
    )  # fmt: skip
    ticket = Ticket.objects.get(kind="approval-rejected")
    assert (ticket.severity, ticket.record) == ("critical", proposal.record)
    # The story goes on, and comes back: what a person rejected stays off.
    tell("viewed")
    tell("sent", name="Renamed")
    assert outcome().state == State.CANCELLED


def test_a_rejection_is_the_ticket_of_the_contracts_failure_path(tell, rosa):
    gate(ticket="dispute")
    tell("sent")
    reject(rosa)
    assert Ticket.objects.get().kind == "dispute"


def test_what_the_story_takes_back_waits_for_nobody(tell, rosa, pandadoc):
    gate()
    tell("sent")
    tell("declined", date_declined="2026-03-02T10:00:00Z", date_modified="2026-03-02T10:00:00Z")
    assert outcome().state == State.CANCELLED
    assert approvals.waiting_for(rosa, at=instant.now()) == []
    with pytest.raises(Decided, match="It was called off meanwhile"):
        approve(rosa)
    assert outcome().state == State.CANCELLED


def test_what_comes_back_undecided_waits_again(tell, rosa):
    content = {"field": "amount", "op": "at_least", "value": "1000"}
    gate(condition=content)
    tell("sent")
    tell("sent", grand_total={"amount": "5.00", "currency": "EUR"})
    assert outcome().state == State.CANCELLED
    tell("sent", grand_total={"amount": "5000.00", "currency": "EUR"})
    assert outcome().state == State.HELD
    assert approval().is_waiting
    approve(rosa)
    tell("sent", grand_total={"amount": "5.00", "currency": "EUR"})
    tell("sent", grand_total={"amount": "7000.00", "currency": "EUR"})
    # Approved once, it need not be approved again.
    assert outcome().state == State.DUE


def test_what_comes_back_has_its_whole_business_time_and_is_told_again(tell, staff):
    gate(within=480, condition={"field": "amount", "op": "at_least", "value": "1000"})
    tell("sent")
    # As if it had been asked before a weekend.
    Approval.objects.update(asked_at=instant.now() - timedelta(days=3))
    tell("sent", grand_total={"amount": "5.00", "currency": "EUR"})
    tell("sent", grand_total={"amount": "5000.00", "currency": "EUR"})
    waits = approval()
    assert waits.due_at == calendars.due(waits.asked_at, within=480, team=None)
    told = Notice.objects.filter(user=staff["rosa"], key__startswith="approval:")
    assert told.count() == 2


def test_a_mirror_waits_anew_for_every_content(tell, rosa):
    gate(name="deal")
    tell("sent")
    approve(rosa, "deal")
    tell("sent", name="Renamed")
    waits = Approval.objects.waiting().get()
    assert waits.outcome.params["title"] == "Renamed"


# --- Who ------------------------------------------------------------------------------------------
def test_a_role_decides_and_no_other(tell, staff):
    gate("role:sdr-manager")
    tell("sent")
    assert refusal(staff["sam"]) == ""
    assert refusal(staff["rosa"]) == "It waits for an SDR manager."
    for name in ("remy", "ada"):
        said = refusal(staff[name])
        assert "may not approve what waits at a review gate" in said
        assert said.endswith("or somebody with the approver's right.")
        assert "Viewer" not in said
        with pytest.raises(NotAllowed):
            approve(staff[name])
    assert approve(staff["sam"]).is_approved


def test_a_viewer_decides_with_the_right_alone(tell, staff, vera):
    gate("approvers")
    tell("sent")
    assert refusal(vera) == ""
    vera.approves_model = False
    vera.save()
    assert refusal(vera) == "A viewer approves only with the approver's right."
    with pytest.raises(NotAllowed):
        approve(vera)
    assert refusal(staff["rosa"]) == "It waits for somebody with the approver's right."


def test_an_admin_with_the_right_decides_on_nothing(tell, staff, vera):
    staff["ada"].approves_model = True
    staff["ada"].save()
    gate("approvers")
    tell("sent")
    assert "may not approve" in refusal(staff["ada"])


def test_a_person_decides_or_who_stands_in_for_them(tell, staff):
    gate("person:rosa@example.com")
    tell("sent")
    assert (refusal(staff["rosa"]), bool(refusal(staff["olivia"]))) == ("", True)
    now = instant.now()
    Absence.objects.create(
        user=staff["rosa"], stand_in=staff["olivia"], starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(hours=1),
    )  # fmt: skip
    assert (bool(refusal(staff["rosa"])), refusal(staff["olivia"])) == (True, "")


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "rep"}])
def test_for_who_has_left_or_may_not_approve_any_more_who_is_accountable_decides(
    tell, staff, change
):
    gate("person:sam@example.com")
    tell("sent")
    assert refusal(staff["rosa"]) == "It waits for sam@example.com."
    User.objects.filter(pk=staff["sam"].pk).update(**change)
    staff["sam"].refresh_from_db()
    assert refusal(staff["sam"])
    assert (refusal(staff["rosa"]), bool(refusal(staff["olivia"]))) == ("", True)
    assert approve(staff["rosa"]).is_approved


def test_who_is_out_comes_back_so_nobody_else_decides_but_their_stand_in(tell, staff):
    gate("person:sam@example.com")
    tell("sent")
    now = instant.now()
    Absence.objects.create(
        user=staff["sam"], starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=1)
    )
    assert refusal(staff["rosa"]) == "It waits for sam@example.com."


def test_who_is_accountable_decides(tell, staff):
    RaciAssignment.objects.filter(process="delivery", letter="accountable").update(
        user=staff["sam"]
    )
    gate("accountable:delivery")
    tell("sent")
    assert (refusal(staff["sam"]), bool(refusal(staff["rosa"]))) == ("", True)


def test_whoever_caused_it_does_not_decide(tell, staff):
    max_ = factories.person("max@example.com", "Max Hale", staff["rosa"].role, staff["rosa"].team)
    gate(slug="closed-lost", name="deal")
    proposal = tell("sent")
    lifecycle.move(
        proposal_id=proposal.pk, to=Stage.CLOSED_LOST, version=proposal.version, reason="",
        by=staff["rosa"], at=instant.now(),
    )  # fmt: skip
    waits = Approval.objects.get()
    assert waits.caused_by == staff["rosa"]
    assert approvals.refusal_for(waits, staff["rosa"], at=instant.now()) == (
        "You caused it, so somebody else decides."
    )
    with pytest.raises(NotAllowed):
        approvals.approve(approval_id=waits.pk, by=staff["rosa"], at=instant.now())
    assert [one.user for one in Notice.objects.filter(key__startswith="approval:")] == [max_]
    assert approvals.approve(approval_id=waits.pk, by=max_, at=instant.now()).is_approved


def test_whoever_gave_it_to_another_owner_caused_what_followed(tell, staff):
    gate(name="deal")
    proposal = tell("sent")
    lifecycle.assign(
        proposal_id=proposal.pk, owner=staff["sam"], version=proposal.version, reason="Better.",
        by=staff["rosa"], at=instant.now(),
    )  # fmt: skip
    waits = Approval.objects.waiting().get()
    assert waits.outcome.params["owner_email"] == "sam@example.com"
    assert waits.caused_by == staff["rosa"]


def test_whoever_took_a_value_or_agreed_whose_counts_caused_what_followed(tell, staff):
    max_ = factories.person("max@example.com", "Max Hale", staff["rosa"].role, staff["rosa"].team)
    factories.standard("crm")
    whose_word.publish(name="amount", agreed=Truth(How.ASK), by=max_, at=instant.now())
    gate(name="deal")
    proposal = tell("sent")
    body = {
        "type": "proposal.updated", "timestamp": "2026-03-02T10:00:00Z",
        "data": {"id": "doc-1", "source": "pandadoc",
                 "amount": {"amount": "2000.00", "currency": "EUR"}},
    }  # fmt: skip
    factories.post_standard(body, slug="crm")
    factories.digest_all()
    deciding.take(
        proposal_id=proposal.pk, field="amount", by=staff["rosa"], at=instant.now(),
        signal_id=Signal.objects.get(source="crm").pk,
    )  # fmt: skip
    assert Approval.objects.waiting().get().caused_by == staff["rosa"]
    whose_word.publish(
        name="amount", agreed=Truth(How.ALWAYS, "pandadoc"), by=max_, at=instant.now()
    )
    waits = Approval.objects.waiting().get()
    assert waits.outcome.params["amount"] == "1234.50"
    assert waits.caused_by == max_


def test_whoever_brought_back_what_was_called_off_caused_it(tell, staff):
    gate(condition={"field": "owner", "op": "is", "value": "remy@example.com"})
    proposal = tell("sent")
    assert approval().caused_by is None
    for name in ("sam", "remy"):
        proposal.refresh_from_db()
        lifecycle.assign(
            proposal_id=proposal.pk, owner=staff[name], version=proposal.version,
            reason="Better.", by=staff["rosa"], at=instant.now(),
        )  # fmt: skip
    assert (approval().is_waiting, approval().caused_by) == (True, staff["rosa"])


# --- Where nobody else could ----------------------------------------------------------------------
@pytest.fixture
def max_(staff):
    return factories.person("max@example.com", "Max Hale", staff["rosa"].role, staff["rosa"].team)


def caused(tell, who, by):
    """Somebody gave a proposal to another owner, and what follows waits at a gate."""
    gate(who, name="deal")
    proposal = tell("sent")
    lifecycle.assign(
        proposal_id=proposal.pk, owner=User.objects.get(email="sam@example.com"),
        version=proposal.version, reason="Better.", by=by, at=instant.now(),
    )  # fmt: skip
    waits = Approval.objects.waiting().get()
    assert waits.caused_by == by
    return waits


def decide(waits, by):
    return approvals.approve(approval_id=waits.pk, by=by, at=instant.now())


def seen(waits, user):
    """For whom it waits, why for them, and what this person reads."""
    found = approvals.see(waits, user, at=instant.now())
    return found.decision.whom, found.decision.why, found.refusal


def told_of(waits):
    return [one.user for one in Notice.objects.filter(url=f"/approvals/{waits.pk}/")]


def make_accountable(process, user):
    RaciAssignment.objects.filter(process=process, letter="accountable").update(user=user)


@pytest.mark.parametrize("who", ["person:olivia@example.com", "role:operator", "approvers"])
def test_what_the_only_one_who_may_decide_caused_goes_to_who_is_accountable(
    as_, tell, staff, olivia, rosa, who
):
    User.objects.filter(pk=olivia.pk).update(approves_model=True)
    waits = caused(tell, who, olivia)
    why = (
        "Olivia Ortiz caused it, so it goes to Rosa Marin. "
        "Rosa Marin is accountable for proposal state."
    )
    assert seen(waits, olivia) == (
        "Rosa Marin", why, "You caused it, so somebody else decides.",
    )  # fmt: skip
    assert seen(waits, staff["sam"])[2] == "It waits for Rosa Marin."
    assert told_of(waits) == [rosa]
    assert Notice.objects.get(url=f"/approvals/{waits.pk}/").text.endswith(why)
    for page in (f"/approvals/{waits.pk}/", "/approvals/"):
        assert why in words(as_("rosa").get(page))
    held = f"It waits for the approval of Rosa Marin. {why}"
    assert why_not(waits.outcome).why == held
    with pytest.raises(NotAllowed, match="You caused it"):
        decide(waits, olivia)
    assert decide(waits, rosa).is_approved


def test_it_goes_to_who_is_accountable_for_the_process_of_the_contracts_owner(tell, staff, olivia):
    make_accountable("delivery", staff["sam"])
    gate("person:olivia@example.com", name="deal", owner="process:delivery")
    waits = caused(tell, "person:olivia@example.com", olivia)
    assert seen(waits, staff["sam"])[::2] == ("Sam Dube", "")
    assert decide(waits, staff["sam"]).is_approved


def test_who_is_accountable_and_caused_it_leaves_it_to_the_other_managers(tell, rosa, max_):
    waits = caused(tell, "accountable:delivery", rosa)
    assert seen(waits, rosa) == (
        "a RevOps manager", "Rosa Marin caused it, so it goes to the managers.",
        "You caused it, so somebody else decides.",
    )  # fmt: skip
    assert told_of(waits) == [max_]
    assert decide(waits, max_).is_approved


def test_who_is_accountable_by_fallback_comes_after_the_managers(tell, staff, olivia, max_):
    RaciAssignment.objects.all().delete()
    Company.objects.update(fallback_owner=staff["sam"])
    waits = caused(tell, "role:operator", olivia)
    assert seen(waits, max_)[::2] == ("a RevOps manager", "")
    User.objects.filter(role="manager").update(role="rep")
    assert seen(waits, staff["sam"]) == (
        "Sam Dube",
        "Olivia Ortiz caused it, so it goes to Sam Dube. Sam Dube is the fallback owner.", "",
    )  # fmt: skip
    assert decide(waits, staff["sam"]).is_approved


def test_who_caused_it_is_out_and_nobody_stands_in_so_it_does_not_wait_for_them(
    tell, staff, olivia, rosa
):
    waits, now = caused(tell, "person:olivia@example.com", olivia), instant.now()
    out = Absence.objects.create(
        user=olivia, starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=1)
    )
    assert seen(waits, rosa)[::2] == ("Rosa Marin", "")
    # Who stands in is somebody else, and comes before all others.
    out.stand_in = staff["sam"]
    out.save()
    assert seen(waits, staff["sam"]) == ("olivia@example.com", "", "")


def test_who_caused_it_and_stands_in_for_whom_the_gate_names_does_not_decide(
    tell, staff, olivia, rosa
):
    waits, now = caused(tell, "person:sam@example.com", olivia), instant.now()
    Absence.objects.create(
        user=staff["sam"], stand_in=olivia, starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(hours=1),
    )  # fmt: skip
    assert seen(waits, olivia)[2] == "You caused it, so somebody else decides."
    assert decide(waits, rosa).is_approved


def test_whoever_caused_it_decides_at_no_stage(tell, staff, rosa):
    """Named, accountable, the only manager and the fallback at once: a ticket says it waits."""
    waits = caused(tell, "role:manager", rosa)
    why = "Rosa Marin caused it, and nobody else here may decide."
    assert seen(waits, rosa) == (
        "a RevOps manager", why, "You caused it, so somebody else decides.",
    )  # fmt: skip
    assert told_of(waits) == []
    for user in staff.values():
        with pytest.raises(NotAllowed):
            decide(waits, user)
    assert approvals.open_overdue(at=waits.due_at) == 1
    assert Ticket.objects.get(kind="approval-overdue").reason.endswith(why)
    # Somebody comes who may: it is theirs at once.
    User.objects.filter(pk=staff["sam"].pk).update(role="manager")
    staff["sam"].refresh_from_db()
    assert decide(waits, staff["sam"]).is_approved


def test_a_named_one_who_caused_nothing_is_waited_for(tell, staff, olivia, rosa):
    """That they are out is no reason to ask others: they come back."""
    waits, now = caused(tell, "person:sam@example.com", olivia), instant.now()
    Absence.objects.create(
        user=staff["sam"], starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=1)
    )
    assert seen(waits, rosa) == ("sam@example.com", "", "It waits for sam@example.com.")


# --- Twice, and in time ---------------------------------------------------------------------------
def test_the_second_who_decides_hears_who_was_faster(tell, staff, vera):
    gate("approvers")
    tell("sent")
    approve(vera)
    staff["olivia"].approves_model = True
    staff["olivia"].save()
    with pytest.raises(Decided, match="Vera Lind approved this 0 s ago"):
        reject(staff["olivia"])
    assert outcome().state == State.DUE
    assert TrailLine.objects.filter(what__in=["outcome.approved", "outcome.rejected"]).count() == 1


def test_what_is_not_answered_in_time_is_a_ticket_that_ends_with_the_answer(tell, rosa):
    gate(within=60)
    tell("sent")
    assert approvals.open_overdue(at=instant.now()) == 0
    later = approval().due_at
    assert approvals.open_overdue(at=later) == 1
    assert approvals.open_overdue(at=later) == 0
    ticket = Ticket.objects.get(kind="approval-overdue")
    assert ticket.reason == "It waits for a RevOps manager, and was to be answered by now."
    approve(rosa)
    ticket.refresh_from_db()
    assert (ticket.status, ticket.resolution) == ("resolved", "closed on evidence")


def test_a_ticket_for_what_waited_too_long_ends_when_it_is_called_off(tell):
    gate(within=60)
    tell("sent")
    approvals.open_overdue(at=approval().due_at)
    tell("declined", date_declined="2026-03-02T10:00:00Z", date_modified="2026-03-02T10:00:00Z")
    assert Ticket.objects.get(kind="approval-overdue").status == "resolved"


@pytest.mark.parametrize("comment", ["x" * 1001, "y" * 5000])
def test_a_comment_ends_somewhere(tell, rosa, comment):
    gate()
    tell("sent")
    with pytest.raises(ValueError, match="Keep it under 1,000 characters"):
        approve(rosa, comment=comment)
    assert approve(rosa, comment="a\0b").comment == "ab"


def test_many_that_one_caused_cost_no_more_questions_than_one(tell, rosa):
    gate("role:manager", name="deal")
    asked = []
    for number in (2, 12):
        for one in range(number):
            tell("sent", id=f"doc-{one}")
        Approval.objects.update(caused_by=rosa)
        with CaptureQueriesContext(connection) as made:
            found = approvals.seen_by(rosa, at=instant.now())
        assert {one.decision.why[:10] for one in found} == {"Rosa Marin"}
        asked.append(len(made))
    assert asked[0] == asked[1]


@pytest.mark.parametrize("who", ["person:rosa@example.com", "accountable:delivery", "role:manager"])
def test_many_that_wait_cost_no_more_questions_than_one(as_, tell, staff, who):
    gate(who)
    rosa, asked = as_("rosa"), []
    for number in (1, 20):
        for one in range(number):
            tell("sent", id=f"doc-{one}")
        rosa.get("/approvals/")
        for url in ("/approvals/count/", "/approvals/"):
            with CaptureQueriesContext(connection) as seen:
                assert rosa.get(url).status_code == 200
            asked.append((url, len(seen)))
    assert len(approvals.waiting_for(staff["rosa"], at=instant.now())) == 20
    assert asked[:2] == asked[2:]


def test_a_batch_that_asks_often_looks_up_once_whom_to_ask(staff, pandadoc, monkeypatch):
    gate("accountable:delivery")
    looked, find = [], raci.accountable_for
    monkeypatch.setattr(
        raci, "accountable_for", lambda name, *, at: looked.append(name) or find(name, at=at)
    )
    events = [factories.document("sent", id=f"doc-{number}") for number in range(20)]
    factories.post_pandadoc(events, event_id="many")
    factories.digest_all()
    assert Approval.objects.waiting().count() == 20
    assert looked.count("delivery") == 1


# --- The inbox ------------------------------------------------------------------------------------
def test_the_inbox_says_what_will_fire_and_for_how_much(as_, tell, staff, vera):
    gate("approvers")
    tell("sent")
    page = words(as_("vera").get("/approvals/"))
    for said in ("Website relaunch", "1,234.50 EUR", "Create the follow-up task", "HubSpot",
                 "Somebody with the approver's right", "Due in"):  # fmt: skip
        assert said in page, said
    assert "Nina" not in page
    assert words(as_("vera").get("/approvals/count/")) == "1 wait for you"
    # RevOps sees it waits, and for whom; others see nothing.
    assert "Waits for others" in words(as_("rosa").get("/approvals/"))
    assert words(as_("rosa").get("/approvals/count/")) == ""
    assert "Nothing waits for you" in words(as_("sam").get("/approvals/"))
    assert as_("sam").get(f"/approvals/{approval().pk}/").status_code == 404


def test_a_viewer_without_the_right_reads_why_the_inbox_is_empty(as_, staff):
    assert "only with the approver's right" in words(as_("vera").get("/approvals/"))


def test_approved_from_the_row_and_from_the_page(as_, tell, staff):
    gate()
    gate(name="tell-owner")
    tell("sent")
    rosa = as_("rosa")
    first, second = approval("follow-up"), approval("tell-owner")
    answer = rosa.post(f"/approvals/{first.pk}/approve/", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "Approved: create the follow-up task." in words(answer)
    page = rosa.get(f"/approvals/{second.pk}/")
    data = form(page, action=f"/approvals/{second.pk}/approve/") | {"comment": "Fine."}
    assert rosa.post(f"/approvals/{second.pk}/approve/", data).status_code == 303
    assert "Fine." in words(rosa.get(f"/approvals/{second.pk}/"))
    assert set(Outcome.objects.filter(connection="hubspot").values_list("state")) == {("due",)}


def test_a_no_is_answered_where_it_was_asked(as_, tell, staff):
    gate()
    tell("sent")
    rosa, url = as_("rosa"), f"/approvals/{approval().pk}/"
    assert rosa.post(f"{url}reject/", {"reason": ""}).status_code == 422
    long = rosa.post(f"{url}approve/", {"comment": "x" * 2000})
    assert long.status_code == 422
    assert "Keep it under 1,000 characters" in words(long)
    assert as_("olivia").post(f"{url}approve/").status_code == 403
    assert rosa.post(f"{url}reject/", {"reason": "No."}).status_code == 303
    again = rosa.post(f"{url}approve/")
    assert again.status_code == 409
    assert "Rosa Marin rejected this" in words(again)
    assert rosa.post(f"{url}approve/", headers={"HX-Request": "true"}).status_code == 409
    assert rosa.post("/approvals/999999/approve/").status_code == 404


def test_the_proposals_page_says_what_an_outcome_waits_for(as_, tell, staff):
    gate()
    proposal = tell("sent")
    page = words(as_("remy").get(f"/proposals/{proposal.pk}/"))
    assert "It waits for the approval of a RevOps manager." in page


def test_drafts_wait_there_for_a_second_person(as_, staff, vera):
    content = versions.terms_of(Contract.objects.live().get(slug="signed")).content
    publishing.save(
        slug="signed", content={**content, "name": "Signed it is"}, based_on=1, revision=0,
        by=staff["rosa"], at=instant.now(),
    )  # fmt: skip
    assert "Signed it is" not in words(as_("vera").get("/approvals/"))
    publishing.submit(slug="signed", revision=1, by=staff["rosa"], at=instant.now())
    assert "Signed it is" in words(as_("vera").get("/approvals/"))
    assert words(as_("vera").get("/approvals/count/")) == "1 wait for you"
    assert "Signed it is" not in words(as_("rosa").get("/approvals/"))


def test_whom_it_waits_for_is_asked_of_the_moment_given(tell, staff, monkeypatch):
    gate()
    tell("sent")
    moments, at = [], instant.now() - timedelta(days=3)
    monkeypatch.setattr(waiting, "Deciders", lambda at: moments.append(at) or Deciders(at))
    holding.reason(outcome(), at=at)
    assert moments == [at]
