"""What a person does to a proposal at the very moment in which it is carried, told or agreed on."""

import threading
from functools import partial

import pytest
from django.db import transaction

from exceptions.models import Ticket
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.policy import sources_of_truth
from meshline.policy.models import SourceOfTruth
from meshline.policy.truth import How, Truth
from meshline.shell.model_file import plan as model_file
from proposals import holds, lifecycle, outbox, releasing, whose_word
from proposals.contracts import approvals, publishing, versions
from proposals.models import Approval, Contract, Hold, Outcome, Proposal
from proposals.models.outcome import State
from proposals.states import State as Stage
from tests import factories
from tests.sessions import Other

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def crm(staff):
    factories.hubspot()


def put(proposal, by):
    at = instant.now()
    return holds.put(proposal_id=proposal.pk, kind="manual", reason="Wait.", by=by, at=at)


# --- Held while it is taken back ------------------------------------------------------------------
@pytest.fixture
def unwanted(tell):
    """A follow-up task that is being carried, and that nobody wants any more."""
    tell("sent")
    Outcome.objects.filter(name="deal").update(state=State.PROVEN, proven_at=instant.now())
    task = outbox.claim(["hubspot"], lease_seconds=600)
    assert task.name == "follow-up"
    tell("declined", date_declined="2026-03-02T10:00:00Z", date_modified="2026-03-02T10:00:00Z")
    return task


def prove(task):
    outbox.mark_proven(task, external_id="7", evidence="It is there.", at=instant.now())


def give_up(task):
    """A try whose answer never came: it may be there all the same."""
    outbox.give_up(task, because="No.", failure="refused", at=instant.now())


@pytest.mark.parametrize("come_home", [prove, give_up])
def test_what_is_taken_back_while_a_hold_is_set_waits_for_it(unwanted, olivia, come_home):
    with transaction.atomic():
        come_home(unwanted)
        other = Other(partial(put, unwanted.proposal, olivia))
        other.until_it_waits_or_is_over()
    assert isinstance(other.over(), Hold)
    back = Outcome.objects.get(name="follow-up-undo")
    assert (back.state, back.on_hold) == (State.HELD, True)


def test_what_is_taken_back_while_a_hold_is_lifted_does_not_wait_for_ever(unwanted, olivia):
    hold = put(unwanted.proposal, olivia)
    lift = partial(holds.lift, hold_id=hold.pk, reason="She said yes.", by=olivia, at=instant.now())
    with transaction.atomic():
        prove(unwanted)
        other = Other(lift)
        other.until_it_waits_or_is_over()
    assert isinstance(other.over(), Hold)
    back = Outcome.objects.get(name="follow-up-undo")
    assert (back.state, back.on_hold) == (State.DUE, False)


# --- Decided while it is told anew ----------------------------------------------------------------
@pytest.fixture
def gated(tell):
    """A proposal whose follow-up task waits for a manager."""
    content = versions.terms_of(Contract.objects.live().get(slug="sent")).content
    for row in content["outcomes"]:
        if row["name"] == "follow-up":
            row["gate"] = {"who": "role:manager", "within": 60}
    publishing.put_in_force(slug="sent", content=content, by=SETUP, at=instant.now())
    return tell("sent")


def test_who_approves_and_who_tells_it_anew_never_wait_in_a_ring(gated, staff, monkeypatch):
    let_go, decided, begun, giving = releasing.let_go, threading.Event(), threading.Event(), []

    def late(outcomes, *, at):
        """Decided, and what stands behind it not locked yet, when the other one comes."""
        decided.set()
        assert begun.wait(20)
        giving[0].until_it_waits_or_is_over()
        let_go(outcomes, at=at)

    monkeypatch.setattr(releasing, "let_go", late)
    rosa, at, waits = staff["rosa"], instant.now(), Approval.objects.get()
    approving = Other(partial(approvals.approve, approval_id=waits.pk, by=rosa, at=at))
    assert decided.wait(20)
    give = partial(
        lifecycle.assign, proposal_id=gated.pk, owner=staff["sam"], version=gated.version,
        reason="Better.", by=rosa, at=at,
    )  # fmt: skip
    giving.append(Other(give))
    begun.set()
    assert isinstance(approving.over(), Approval), approving.came_to
    assert isinstance(giving[0].over(), Proposal), giving[0].came_to


def test_no_ticket_says_it_is_late_while_it_is_being_called_off(gated, rosa):
    late = Approval.objects.get().due_at
    with transaction.atomic():
        lifecycle.move(
            proposal_id=gated.pk, to=Stage.CLOSED_LOST, version=gated.version, reason="",
            by=rosa, at=instant.now(),
        )  # fmt: skip
        other = Other(partial(approvals.open_overdue, at=late))
        other.until_it_waits_or_is_over()
    assert other.over() == 0
    assert not Ticket.objects.unresolved().filter(kind="approval-overdue").exists()


# --- Agreed on in a file and in the browser -------------------------------------------------------
AGREED = "sources_of_truth:\n- {record: proposal, field: title, how: ask, connection: null}\n"


def test_a_file_and_a_browser_that_agree_at_once_never_wait_in_a_ring(pandadoc, monkeypatch):
    agree, browsers = sources_of_truth.agree, []

    def publish():
        truth = Truth(How.ALWAYS, "pandadoc")
        return whose_word.publish(name="amount", agreed=truth, by=SETUP, at=instant.now())

    def agreed(**facts):
        """The file has agreed, and no proposal follows yet, when the browser comes."""
        row = agree(**facts)
        if facts["field"] == "title":
            browsers.append(Other(publish))
            browsers[0].until_it_waits_or_is_over()
        return row

    monkeypatch.setattr(sources_of_truth, "agree", agreed)
    done = model_file.apply(AGREED.encode(), by=SETUP, at=instant.now())
    assert len(done.differences) == 1
    assert browsers[0].over() == 0, browsers[0].came_to
    assert set(SourceOfTruth.objects.values_list("field", flat=True)) >= {"title", "amount"}


def test_a_browser_and_a_file_that_agree_at_once_never_wait_in_a_ring(pandadoc, monkeypatch):
    agree, files = sources_of_truth.agree, []
    apply = partial(model_file.apply, AGREED.encode(), by=SETUP, at=instant.now())

    def agreed(**facts):
        """The browser has agreed, and no proposal follows yet, when the file comes."""
        row = agree(**facts)
        if not files:
            files.append(Other(apply))
            files[0].until_it_waits_or_is_over()
        return row

    monkeypatch.setattr(sources_of_truth, "agree", agreed)
    truth = Truth(How.ALWAYS, "pandadoc")
    whose_word.publish(name="amount", agreed=truth, by=SETUP, at=instant.now())
    assert len(files[0].over().differences) == 1, files[0].came_to
    assert set(SourceOfTruth.objects.values_list("field", flat=True)) >= {"title", "amount"}
