"""Follow-ups and the CRM: done here and carried there, done there and found by looking."""

from datetime import timedelta

import pytest

from connectors.models import Connection, Message, RecordLink
from connectors.sandbox import times
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.policy import business_time, calendars
from meshline.shell import sandbox_control
from proposals import follow_ups
from proposals.models import FollowUp, Outcome, Proposal, Signal
from tests.connectors.crm import carry_on, say, soon
from tests.connectors.looked import look_again, look_at_all, real
from tests.factories import digest_all, reread

pytestmark = pytest.mark.django_db

REMY = "remy@example.com"


@pytest.fixture
def one(crm):
    """A follow-up whose task is in the CRM."""
    say("sent")
    carry_on()
    begun = instant.now() - timedelta(hours=2)
    Connection.objects.filter(slug="hubspot").update(created_at=begun)
    return FollowUp.objects.get()


def there(path, monkeypatch, *, minutes=30, by=REMY, **asked):
    """Somebody, or something, at HubSpot does this so long ago."""
    with monkeypatch.context() as patch:
        patch.setattr(times, "now", lambda: real() - timedelta(minutes=minutes))
        return sandbox_control.ask("POST", f"/hubspot/{path}", {**asked, "by": by})


def complete_there(one, monkeypatch, **more):
    done = {"hs_task_status": "COMPLETED"}
    there(f"tasks/{one.outcome.external_id}/set", monkeypatch, properties=done, **more)


def touch(kind, monkeypatch, *, minutes, by=REMY, deal=None, **properties):
    at = times.milli(real() - timedelta(minutes=minutes))
    deal = deal or RecordLink.objects.get(kind="deal").external_id
    there(
        kind, monkeypatch, minutes=minutes, by=by, deal=deal,
        properties={"hs_timestamp": at, **properties},
    )  # fmt: skip


def found():
    look_at_all()
    digest_all()


def status(crm):
    (task,) = crm.tasks()
    return task["hs_task_status"]


def ago(moment):
    return round((instant.now() - moment).total_seconds() / 60)


# --- Completed here ------------------------------------------------------------------------------
def test_completed_here_its_task_is_completed_there_and_read_back(one, crm, staff):
    follow_ups.complete(
        follow_up_id=one.pk, version=one.version, by=staff["remy"], at=instant.now()
    )
    assert status(crm) == "NOT_STARTED"
    soon()
    carry_on()
    assert status(crm) == "COMPLETED"
    closing = Outcome.objects.get(undo_of=one.outcome)
    assert (closing.kind, closing.state) == ("task.complete", "proven")


def test_our_own_completion_coming_back_is_no_news(one, staff):
    follow_ups.complete(
        follow_up_id=one.pk, version=one.version, by=staff["remy"], at=instant.now()
    )
    soon()
    carry_on()
    before = Signal.objects.count()
    found()
    assert Signal.objects.count() == before
    assert (reread(one).how, reread(one).ended_by_label) == ("here", "Remy Park")


# --- Moved here ----------------------------------------------------------------------------------
def move(one, staff, due_at):
    return follow_ups.reschedule(
        follow_up_id=one.pk, version=reread(one).version, due_at=due_at, by=staff["remy"],
        reason="They are on holiday.", at=instant.now(),
    )  # fmt: skip


def a_moment(one, days):
    """A moment so many business days ahead."""
    hours = calendars.hours_of(one.owner.team)
    return business_time.add(instant.now() + timedelta(days=days), 1, hours)


def due_there(crm):
    (task,) = crm.tasks()
    return times.read(task["hs_timestamp"])


def test_moved_here_its_task_is_moved_there_and_read_back(one, crm, staff):
    due_at = a_moment(one, 3)
    move(one, staff, due_at)
    soon()
    carry_on()
    assert abs(due_there(crm) - due_at) < timedelta(milliseconds=1)
    made = Outcome.objects.get(kind="task.move")
    assert (made.state, made.external_id) == ("proven", one.outcome.external_id)
    # What happens to its proposal leaves the move as it is.
    say("viewed", minute=5)
    made.refresh_from_db()
    assert (made.state, made.unwanted_at) == ("proven", None)


def test_moved_twice_the_newest_counts_also_where_the_first_gave_up(one, crm, staff):
    crm.breaks({"kind": "status", "code": 400, "match": {"method": "PATCH"}})
    move(one, staff, a_moment(one, 3))
    carry_on()
    first = Outcome.objects.get(kind="task.move")
    assert first.state == "given_up"
    crm.mend()
    due_at = a_moment(one, 5)
    move(one, staff, due_at)
    carry_on()
    first.refresh_from_db()
    assert first.state == "cancelled"
    assert abs(due_there(crm) - due_at) < timedelta(milliseconds=1)
    assert not Ticket.objects.exclude(status="resolved").exists()


def test_moved_before_its_task_is_made_it_is_made_so(crm, staff):
    say("sent")
    one = FollowUp.objects.get()
    due_at = a_moment(one, 3)
    move(one, staff, due_at)
    carry_on()
    assert abs(due_there(crm) - due_at) < timedelta(milliseconds=1)
    assert not Outcome.objects.filter(kind="task.move").exists()


def test_moved_and_completed_at_once_it_is_both_there(one, crm, staff):
    move(one, staff, a_moment(one, 3))
    now = reread(one)
    follow_ups.complete(
        follow_up_id=now.pk, version=now.version, by=staff["remy"], at=instant.now()
    )
    carry_on()
    assert status(crm) == "COMPLETED"
    assert set(Outcome.objects.values_list("kind", "state")) >= {
        ("task.move", "proven"), ("task.complete", "proven"),
    }  # fmt: skip


# --- Completed there -----------------------------------------------------------------------------
def test_completed_there_it_is_completed_here_with_their_moment(one, monkeypatch):
    complete_there(one, monkeypatch)
    found()
    now = reread(one)
    assert (now.state, now.how, now.ended_by, now.ended_by_label) == (
        "completed", "crm", None, "HubSpot",
    )  # fmt: skip
    assert 29 <= ago(now.ended_at) <= 31
    assert Proposal.objects.get().next_follow_up_at is None
    line = TrailLine.objects.get(what="follow-up.completed")
    message = Message.objects.get(connection__slug="hubspot", late=True)
    assert (line.actor_label, line.cause) == ("HubSpot", message.ref)
    look_again()
    digest_all()
    assert TrailLine.objects.filter(what="follow-up.completed").count() == 1


def test_when_it_is_signed_then_nothing_is_left_to_close(one, crm, monkeypatch):
    complete_there(one, monkeypatch)
    found()
    say("completed", minute=5)
    carry_on()
    assert not Outcome.objects.filter(undo_of=one.outcome).exists()
    assert reread(one).how == "crm"


@pytest.mark.parametrize("by", ["workflow"])
def test_what_a_workflow_completed_nobody_did(one, monkeypatch, by):
    complete_there(one, monkeypatch, by=by)
    found()
    assert reread(one).is_open


@pytest.mark.parametrize("signed_first", [True, False])
def test_completed_there_before_it_was_signed_whichever_is_heard_of_first(
    one, monkeypatch, signed_first
):
    complete_there(one, monkeypatch)
    if signed_first:
        say("completed", minute=5)
        found()
    else:
        found()
        say("completed", minute=5)
    now = reread(one)
    assert (now.state, now.how) == ("completed", "crm")
    assert FollowUp.objects.open().get().kind == "onboarding"
    assert TrailLine.objects.filter(what="follow-up.completed").count() == 1


# --- First touch ---------------------------------------------------------------------------------
def test_the_first_touch_is_a_persons_and_the_earliest(one, monkeypatch):
    touch("notes", monkeypatch, minutes=50, by="workflow")
    touch("emails", monkeypatch, minutes=45, hs_email_direction="INCOMING_EMAIL")
    touch("meetings", monkeypatch, minutes=20)
    found()
    assert (reread(one).first_touch, ago(reread(one).first_touch_at)) == ("meeting", 20)
    touch("calls", monkeypatch, minutes=30)
    look_again()
    digest_all()
    now = reread(one)
    assert (now.first_touch, ago(now.first_touch_at), now.state) == ("call", 30, "open")
    lines = TrailLine.objects.filter(what="follow-up.touched").order_by("pk")
    assert [line.after["by"] for line in lines] == ["Meeting", "Call"]


def test_what_was_there_before_it_was_wanted_is_no_touch_of_it(one, monkeypatch):
    touch("calls", monkeypatch, minutes=30, hs_timestamp="2026-03-01T12:00:00.000Z")
    found()
    assert Signal.objects.filter(kind="touch.call").exists()
    assert reread(one).first_touch_at is None


def test_what_belongs_to_deals_of_others_is_left_where_it_is(one, monkeypatch):
    theirs = there("deals", monkeypatch, properties={"dealname": "Somebody else's"})["id"]
    touch("calls", monkeypatch, minutes=30, deal=theirs)
    before = Message.objects.count()
    found()
    assert Message.objects.count() == before
    assert reread(one).first_touch_at is None


def test_without_the_scope_it_says_so_and_goes_on_delivering(one, crm, monkeypatch):
    crm.breaks({"kind": "status", "code": 403, "match": {"path": "/calls/search"}})
    complete_there(one, monkeypatch)
    syncs = {sync.kind: sync for sync in look_at_all()}
    digest_all()
    assert syncs["calls"].state == "done"
    assert syncs["calls"].note == "HubSpot does not let our app read calls; give it that scope."
    assert Connection.objects.get(slug="hubspot").is_active
    assert reread(one).how == "crm"
