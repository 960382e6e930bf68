"""Follow-ups: scheduled with the state, completed, taken back and moved by people."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.people.permissions import NotAllowed, Role
from meshline.rota import absences
from proposals import delegation, follow_ups, invariants, lifecycle
from proposals.contracts import publishing
from proposals.follow_ups import TimeError
from proposals.lifecycle import Conflict
from proposals.models import Contract, FollowUp, Outcome, Proposal
from proposals.states import MoveError, State
from tests import factories
from tests.factories import MONDAY, reread

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# Two working days of eight hours after Monday, 09:30.
DUE = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
SOON = MONDAY + HOUR


@pytest.fixture
def remy(staff):
    return staff["remy"]


@pytest.fixture
def open_one(sent):
    return FollowUp.objects.open().get()


def complete(one, by, at=SOON, **more):
    asked = {"version": one.version, "note": "", **more}
    return follow_ups.complete(follow_up_id=one.pk, by=by, at=at, **asked)


def undo(one, by, at=SOON + timedelta(seconds=5)):
    return follow_ups.undo(follow_up_id=one.pk, version=one.version, by=by, at=at)


def move(one, due_at, by, reason="They are on holiday.", at=SOON):
    return follow_ups.reschedule(
        follow_up_id=one.pk, version=one.version, due_at=due_at, reason=reason, by=by, at=at
    )


def task_of(one):
    return Outcome.objects.get(pk=one.outcome_id)


def carried(one, state="proven"):
    """As its carrier leaves its task."""
    Outcome.objects.filter(pk=one.outcome_id).update(
        state=state, attempts=1, external_id="512", delivered_at=MONDAY,
        proven_at=MONDAY if state == "proven" else None,
    )  # fmt: skip


def lines(what):
    return list(TrailLine.objects.filter(what=f"follow-up.{what}").order_by("pk"))


# --- Scheduled with the state --------------------------------------------------------------------
def test_what_is_sent_is_followed_up_by_its_owner_in_business_time(sent, remy):
    one = FollowUp.objects.get()
    assert (one.kind, one.state, one.owner, one.due_at) == ("follow-up", "open", remy, DUE)
    assert (one.since, one.contract.slug, one.within) == (MONDAY, "sent", 960)
    assert task_of(one).name == "follow-up"
    assert sent.next_follow_up_at == DUE
    (line,) = lines("scheduled")
    assert (line.subject_id, line.record) == (str(one.pk), sent.record)
    assert line.after["owner"] == "Remy Park"


def test_viewed_keeps_it_and_signed_asks_for_the_next_one(tell, open_one):
    tell("viewed", at=MONDAY + HOUR)
    assert reread(open_one).is_open
    signed = tell("completed", at=MONDAY + 2 * HOUR)
    one, onboarding = FollowUp.objects.order_by("pk")
    assert (one.state, one.how, one.completed_at) == ("cancelled", "superfluous", None)
    assert (onboarding.kind, onboarding.state) == ("onboarding", "open")
    assert signed.next_follow_up_at == onboarding.due_at
    assert [line.why for line in lines("cancelled")] == ["The proposal is signed now."]


def test_what_is_closed_has_nothing_left_to_follow_up(sent, open_one, rosa):
    lifecycle.move(
        proposal_id=sent.pk, to=State.CLOSED_LOST, version=sent.version, reason="No budget",
        by=rosa, at=SOON,
    )  # fmt: skip
    assert not FollowUp.objects.open().exists()
    assert reread(sent).next_follow_up_at is None


def test_sent_anew_after_a_draft_is_followed_up_anew(tell, open_one):
    tell("draft", at=MONDAY + HOUR)
    again = tell("sent", at=MONDAY + DAY)
    fresh = FollowUp.objects.open().get()
    assert fresh.pk != open_one.pk
    assert (fresh.since, again.next_follow_up_at) == (MONDAY + DAY, DUE + DAY)


def test_an_earlier_event_that_comes_late_moves_it_and_makes_no_second_one(tell, remy):
    tell("viewed", at=MONDAY + 2 * HOUR)
    tell("sent", at=MONDAY + 3 * HOUR)
    tell("sent", at=MONDAY)
    one = FollowUp.objects.get()
    assert (one.state, one.due_at) == ("open", DUE)


def test_one_of_a_kind_is_open_the_database_sees_to_that(sent, open_one):
    open_one.pk = None
    with (
        pytest.raises(IntegrityError, match="one_open_follow_up_of_a_kind"), transaction.atomic()
    ):  # fmt: skip
        open_one.save(force_insert=True)


ENDED = {"ended_at": SOON, "ended_by_label": "Remy Park"}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"state": "completed"}, "follow_up_ended"),
        ({"state": "completed", "how": "here", "ended_at": SOON}, "follow_up_ended"),
        ({"state": "completed", "how": "superfluous", **ENDED}, "follow_up_ended"),
        ({"state": "cancelled", "how": "crm", **ENDED}, "follow_up_ended"),
        (ENDED, "follow_up_ended"),
        ({"moved_at": SOON}, "follow_up_moved"),
        ({"moved_why": "They are on holiday."}, "follow_up_moved"),
        ({"first_touch_at": SOON}, "follow_up_touched"),
        ({"first_touch": "call"}, "follow_up_touched"),
        ({"stands_in_for": F("owner")}, "follow_up_owner_stands_in"),
    ],
)
def test_half_of_what_became_of_it_is_refused_by_the_database(open_one, changes, named):
    with pytest.raises(IntegrityError, match=named), transaction.atomic():
        FollowUp.objects.filter(pk=open_one.pk).update(**changes)


def test_a_follow_up_without_its_trail_line_is_none(tell, monkeypatch):
    def broken(lines):
        raise RuntimeError("The trail is away.")

    monkeypatch.setattr("proposals.scheduling.trail.record_all", broken)
    with pytest.raises(Proposal.DoesNotExist):
        tell("sent")
    assert not FollowUp.objects.exists()


# --- An SLA is changed ---------------------------------------------------------------------------
def other_sla(minutes, at=SOON):
    contract = Contract.objects.live().get(slug="sent")
    rows = [dict(row) for row in contract.outcomes]
    for row in rows:
        if row["name"] == "follow-up":
            row["params"] = {**row["params"], "due_within": minutes}
    content = {"name": contract.name, "trigger": contract.trigger, "outcomes": rows}
    publishing.put_in_force(slug="sent", content=content, by=SETUP, at=at)


def test_another_sla_moves_what_is_open_and_leaves_what_a_person_moved(tell, open_one, remy):
    tell("sent", id="doc-2")
    moved = move(FollowUp.objects.open().exclude(pk=open_one.pk).get(), DUE + DAY, remy)
    assert sum(follow_ups.retime(at=SOON)) == 0
    other_sla(60)
    assert sum(follow_ups.retime(at=SOON)) == 2
    assert sum(follow_ups.retime(at=SOON)) == 0
    one = reread(open_one)
    assert (one.due_at, one.within, one.scheduled_at) == (SOON, 60, open_one.scheduled_at)
    assert reread(one.proposal).next_follow_up_at == SOON
    assert reread(moved).due_at == DUE + DAY
    assert [line.after["due"] for line in lines("moved")] == ["2026-03-02T10:30:00Z"]


# --- Completed here ------------------------------------------------------------------------------
def test_completed_here_its_task_is_closed_there_a_moment_later(open_one, remy):
    carried(open_one)
    one = complete(open_one, remy, note="  She signs on Friday. ")
    assert (one.state, one.how, one.ended_at, one.ended_by) == ("completed", "here", SOON, remy)
    assert one.note == "She signs on Friday."
    closing = task_of(one).undone_by
    assert (closing.kind, closing.params["of_id"]) == ("task.complete", "512")
    assert closing.next_attempt_at > SOON + timedelta(seconds=10)
    assert reread(one.proposal).next_follow_up_at is None
    (line,) = lines("completed")
    assert (line.actor_label, line.after["note"]) == (
        "Remy Park (Rep)", "She signs on Friday.",
    )  # fmt: skip


def test_a_task_that_its_contract_lets_stand_is_closed_all_the_same(tell, remy):
    tell("completed", at=MONDAY)
    onboarding = FollowUp.objects.open().get()
    assert task_of(onboarding).undo == ""
    carried(onboarding)
    one = complete(onboarding, remy)
    assert task_of(one).undone_by.kind == "task.complete"
    undo(one, remy)
    assert task_of(one).undo == ""


def test_what_was_not_made_there_yet_is_not_made(open_one, remy):
    one = complete(open_one, remy)
    task = task_of(one)
    assert (task.state, task.unwanted_why) == (
        "cancelled", "Remy Park completed the follow-up here.",
    )  # fmt: skip
    assert not Outcome.objects.filter(undo_of=task).exists()


def test_what_happens_afterwards_makes_it_no_second_time(tell, open_one, remy):
    for state in ("due", "proven"):
        one = complete(reread(open_one), remy)
        tell("viewed", at=MONDAY + HOUR, name=f"While it was {state}")
        assert reread(one).state == "completed"
        assert not FollowUp.objects.open().exists()
        assert task_of(one).state != "due"
        undo(one, remy)
        carried(one)
    complete(reread(open_one), remy)
    tell("completed", at=MONDAY + 2 * HOUR)
    assert Outcome.objects.filter(undo_of=open_one.outcome_id).count() == 1
    assert reread(open_one).state == "completed"


def test_what_is_on_its_way_is_closed_once_it_is_through(open_one, remy):
    leased = {"lease_owner": "00000000-0000-4000-8000-000000000001", "lease_until": DUE}
    Outcome.objects.filter(pk=open_one.outcome_id).update(state="leased", attempts=1, **leased)
    task = task_of(complete(open_one, remy))
    assert (task.state, task.unwanted_at) == ("leased", SOON)
    assert not Outcome.objects.filter(undo_of=task).exists()


def test_nobody_completes_it_twice_or_unseen(open_one, remy, rosa):
    complete(open_one, remy)
    with pytest.raises(Conflict, match=r"^Remy Park completed it already\.$"):
        complete(open_one, rosa)
    assert len(lines("completed")) == 1


def test_who_saw_an_older_one_looks_again(open_one, remy):
    move(open_one, DUE + DAY, remy)
    with pytest.raises(Conflict, match="changed since you looked"):
        complete(open_one, remy)


def test_what_is_superfluous_cannot_be_completed(tell, open_one, remy):
    tell("completed", at=MONDAY + HOUR)
    with pytest.raises(Conflict, match="the proposal has moved on"):
        complete(open_one, remy)


def test_a_note_has_its_length(open_one, remy):
    with pytest.raises(ValueError, match="at most 1000 characters; it has 10000"):
        complete(open_one, remy, note="x" * 10_000)
    assert reread(open_one).is_open


def test_a_rep_completes_their_own_and_others_by_their_rights(open_one, staff):
    other = factories.person("ines@example.com", "Ines Falk", Role.REP, staff["remy"].team)
    for somebody in (other, staff["vera"], staff["ada"]):
        with pytest.raises(NotAllowed):
            complete(open_one, somebody)
    complete(open_one, staff["sam"])


# --- Taken back ----------------------------------------------------------------------------------
def test_what_was_completed_a_moment_ago_is_taken_back(open_one, remy):
    carried(open_one)
    one = undo(complete(open_one, remy, note="Too fast"), remy)
    assert (one.state, one.how, one.note, one.ended_at) == ("open", "", "", None)
    task = task_of(one)
    assert (task.state, task.unwanted_at, task.undone_by.state) == ("proven", None, "cancelled")
    assert reread(one.proposal).next_follow_up_at == DUE
    # And the next time its task is closed after all.
    complete(one, remy)
    assert reread(task.undone_by).state == "due"


def test_what_was_not_made_there_is_made_after_all(open_one, remy):
    undo(complete(open_one, remy), remy)
    task = task_of(open_one)
    assert (task.state, task.unwanted_at) == ("due", None)


def test_once_it_is_carried_it_cannot_be_taken_back(open_one, remy):
    carried(open_one)
    one = complete(open_one, remy)
    Outcome.objects.filter(undo_of=one.outcome_id).update(attempts=1)
    with pytest.raises(MoveError, match="closed already"):
        undo(one, remy)
    assert reread(one).state == "completed"


def test_others_and_later_do_not_take_it_back(open_one, remy, rosa):
    one = complete(open_one, remy)
    with pytest.raises(MoveError, match="too late"):
        undo(one, rosa)
    with pytest.raises(MoveError, match="too late"):
        undo(one, remy, at=SOON + 2 * MINUTE)


def test_taken_back_after_the_story_moved_on_it_is_superfluous(tell, open_one, remy):
    one = complete(open_one, remy)
    tell("completed", at=MONDAY + 2 * HOUR)
    assert undo(one, remy).state == "cancelled"


def test_signed_after_it_was_taken_back_closes_its_task(tell, open_one, remy):
    carried(open_one)
    undo(complete(open_one, remy), remy)
    tell("completed", at=MONDAY + 2 * HOUR)
    assert task_of(open_one).undone_by.state == "due"


# --- Moved ---------------------------------------------------------------------------------------
def test_a_person_moves_it_and_no_event_moves_it_back(tell, open_one, remy):
    one = move(open_one, DUE + DAY, remy)
    assert (one.due_at, one.moved_by, one.moved_why) == (DUE + DAY, remy, "They are on holiday.")
    tell("viewed", at=MONDAY + HOUR)
    assert reread(one).due_at == DUE + DAY
    assert reread(one.proposal).next_follow_up_at == DUE + DAY
    (line,) = lines("rescheduled")
    assert (line.before["due"], line.why) == ("2026-03-04T09:30:00Z", "They are on holiday.")


@pytest.mark.parametrize(
    ("due_at", "said"),
    [
        (SOON, "That is past"),
        (SOON + 31 * DAY, "within 30 days"),
        (datetime(2026, 3, 7, 10, tzinfo=UTC), r"Monday, 9 Mar 2026, 09:00 \("),
        (datetime(2026, 3, 5, 3, tzinfo=UTC), r"Thursday, 5 Mar 2026, 09:00 \("),
    ],
    ids=["past", "far", "weekend", "night"],
)
def test_it_is_due_when_somebody_works_and_soon(open_one, remy, due_at, said):
    with pytest.raises(TimeError, match=said):
        move(open_one, due_at, remy)
    assert reread(open_one).due_at == DUE


def test_moving_takes_a_reason(open_one, remy):
    for reason, said in ((" ", "Say why"), ("x" * 301, "at most 300")):
        with pytest.raises(ValueError, match=said):
            move(open_one, DUE + DAY, remy, reason=reason)


# --- With whom it is -----------------------------------------------------------------------------
def test_it_goes_with_its_proposal_while_somebody_is_out_and_comes_back(open_one, staff):
    ines = factories.person("ines@example.com", "Ines Falk", Role.REP, staff["remy"].team)
    absences.plan(
        user=staff["remy"], stand_in=ines, starts_at=MONDAY + DAY, ends_at=MONDAY + 7 * DAY,
        by=SETUP, at=MONDAY,
    )  # fmt: skip
    sum(delegation.hand_over(at=MONDAY + DAY))
    one = reread(open_one)
    assert (one.owner, one.stands_in_for, one.due_at) == (ines, staff["remy"], DUE)
    assert FollowUp.objects.visible_to(staff["remy"]).filter(pk=one.pk).exists()
    sum(delegation.hand_over(at=MONDAY + 7 * DAY))
    one = reread(open_one)
    assert (one.owner, one.stands_in_for) == (staff["remy"], None)
    assert [line.after["owner"] for line in lines("handed-over")] == ["Ines Falk", "Remy Park"]


def test_given_to_somebody_it_is_theirs_and_kept_it_stays(sent, open_one, staff):
    lifecycle.assign(
        proposal_id=sent.pk, owner=staff["olivia"], version=sent.version, reason="She knows them",
        by=staff["rosa"], at=SOON,
    )  # fmt: skip
    assert reread(open_one).owner == staff["olivia"]


def test_whoever_keeps_it_for_good_has_its_follow_up_for_good(open_one, staff):
    ines = factories.person("ines@example.com", "Ines Falk", Role.REP, staff["remy"].team)
    now = instant.now()
    absences.plan(
        user=staff["remy"], stand_in=ines, starts_at=now, ends_at=now + DAY, by=SETUP, at=now
    )
    sum(delegation.hand_over(at=now))
    proposal = Proposal.objects.get()
    delegation.keep(proposal_id=proposal.pk, version=proposal.version, by=ines, at=now)
    one = reread(open_one)
    assert (one.owner, one.stands_in_for) == (ines, None)
    assert invariants.follow_ups_with_others() == []


def test_a_follow_up_of_somebody_else_is_found(open_one, rosa):
    assert invariants.follow_ups_with_others() == []
    FollowUp.objects.update(owner=rosa)
    (said,) = invariants.follow_ups_with_others()
    assert said == f"Follow-up {open_one.pk} is Rosa Marin's, and its proposal is Remy Park's."


def test_a_follow_up_of_what_is_closed_is_found(open_one):
    Proposal.objects.update(state=State.CLOSED_LOST)
    (said,) = invariants.follow_ups_with_others()
    assert said == f"Follow-up {open_one.pk} is open, its proposal is closed."


def test_a_proposal_that_shows_another_time_is_found(open_one):
    assert invariants.next_follow_ups() == []
    Proposal.objects.update(next_follow_up_at=None)
    (said,) = invariants.next_follow_ups()
    assert "does not show" in said
