"""Digesting: in batches, alone where it must be, nothing lost and nothing twice."""

import json
import uuid
from datetime import timedelta

import pytest
from django.db import connection as database

from connectors import connections, crosswalk, digest, inbox, jobs, rereading
from connectors.models import Message, RecordLink
from connectors.pandadoc import translate
from connectors.rereading import NotNow
from connectors.turns import Turns
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.people.permissions import NotAllowed
from proposals import intake
from proposals.models import Outcome, Proposal, Signal
from proposals.tiers import Tier
from tests import factories
from tests.factories import MONDAY, digest_all, document, post_pandadoc

pytestmark = pytest.mark.django_db


def send(*docs, **changes):
    """A post of its own for each document; the messages in that order."""
    return [
        factories.message(post_pandadoc([document(id=doc, **changes)], event_id=f"evt-{doc}"))
        for doc in docs
    ]


def again(message):
    message.refresh_from_db()
    return message


def lapse(*messages):
    """Whoever held these was killed: the lease is over, and nobody let go of it."""
    long_ago = instant.now() - timedelta(minutes=5)
    Message.objects.filter(pk__in=[m.pk for m in messages]).update(lease_until=long_ago)


def killed_while_digesting(*messages):
    assert digest._claim_fresh(100) or digest._claim_alone()
    lapse(*messages)


def due_now():
    Message.objects.filter(status="accepted").update(next_attempt_at=instant.now())


class Fault(Exception):
    """Our own fault, in the depth."""


@pytest.fixture
def hurts(monkeypatch):
    """Digesting anything about these documents fails in the core, not in translation."""
    documents = set()
    whole = intake.receive_all

    def receive_all(batch, *, at):
        if {one.external_id for one in batch} & documents:
            raise Fault("out of order\0")
        return whole(batch, at=at)

    monkeypatch.setattr(intake, "receive_all", receive_all)
    return documents


# --- The good case -------------------------------------------------------------------------------
def test_a_message_becomes_a_signal_once_and_knows_what_it_led_to(pandadoc):
    (message,) = send("a")
    assert digest_all() == 1
    again(message)
    signal = Signal.objects.get()
    assert (message.status, message.signal_id) == ("digested", signal.pk)
    assert message.record == Proposal.objects.get().record
    assert message.digested_at
    assert (message.lease_owner, message.lease_until) == (None, None)
    assert signal.origin == message.ref
    assert RecordLink.objects.get(kind="document").external_id == "a"
    assert digest_all() == 0


def test_a_hundred_messages_are_one_batch(pandadoc):
    send(*(f"doc-{n}" for n in range(12)))
    assert digest.digest_batch(most=10) == 10
    assert digest.digest_batch(most=10) == 2
    assert set(Message.objects.values_list("status", flat=True)) == {"digested"}


def test_what_came_late_is_kept_as_superseded(pandadoc):
    send("a", state="completed", at=MONDAY + timedelta(hours=2))
    digest_all()
    late = factories.message(
        post_pandadoc([document("viewed", id="a", at=MONDAY)], event_id="late")
    )
    digest_all()
    assert again(late).status in {"superseded", "digested"}
    assert Proposal.objects.get().state == "signed"
    older = factories.message(
        post_pandadoc([document("sent", id="a", at=MONDAY, name="An older name")], event_id="x")
    )
    digest_all()
    assert again(older).signal_id
    assert Proposal.objects.get().title == "Website relaunch"


def test_an_event_that_only_carries_fields_moves_no_state(pandadoc):
    send("a")
    digest_all()
    told = document("completed", id="a", name="Renamed", at=MONDAY + timedelta(hours=1))
    post_pandadoc([{**told, "event": "document_updated"}], event_id="renamed")
    digest_all()
    proposal = Proposal.objects.get()
    assert (proposal.state, proposal.title) == ("sent", "Renamed")


# --- One harms no other --------------------------------------------------------------------------
def test_when_a_batch_fails_each_is_tried_alone_and_the_innocent_pass(pandadoc, hurts, caplog):
    first, bad, last = send("a", "bad", "z")
    hurts.add("bad")
    digest.digest_batch()
    assert [again(m).status for m in (first, bad, last)] == ["digested", "accepted", "digested"]
    assert bad.why == "Fault: out of order"
    assert bad.lease_owner is None
    assert bad.next_attempt_at > instant.now()
    assert "each is tried alone" in caplog.text


def test_what_failed_comes_back_alone_and_passes_once_the_fault_is_gone(pandadoc, hurts):
    (bad,) = send("bad")
    hurts.add("bad")
    digest.digest_batch()
    hurts.clear()
    due_now()
    assert digest.digest_batch() == 1
    assert again(bad).status == "digested"


def test_after_five_failures_a_person_looks_at_it(pandadoc, hurts):
    (bad,) = send("bad")
    hurts.add("bad")
    for _ in range(5):
        assert again(bad).status == "accepted"
        due_now()
        digest.digest_batch()
    assert again(bad).status == "quarantined"
    ticket = Ticket.objects.get()
    assert ticket.kind == "processing-failed"
    assert ticket.reason == "Fault: out of order"
    assert ticket.evidence["message"] == bad.pk
    due_now()
    assert digest.digest_batch() == 0


def test_each_failure_waits_longer_than_the_one_before(pandadoc, hurts):
    (bad,) = send("bad")
    hurts.add("bad")
    waits = []
    for _ in range(4):
        due_now()
        before = instant.now()
        digest.digest_batch()
        waits.append(again(bad).next_attempt_at - before)
    assert waits == sorted(waits)
    assert waits[-1] > timedelta(seconds=15)


def test_looks_for_a_record_that_is_not_known_yet_are_no_failures(pandadoc, hurts):
    """However often it looked: its first hiccup is its first."""
    (waits,) = send("bad")
    Message.objects.update(attempts=crosswalk.MOST_LOOKS)
    hurts.add("bad")
    before = instant.now()
    digest.digest_batch()
    assert (again(waits).status, waits.failures) == ("accepted", 1)
    assert waits.next_attempt_at - before < timedelta(seconds=5)


def test_who_releases_it_lets_it_fail_anew(pandadoc, hurts, rosa):
    (bad,) = send("bad")
    hurts.add("bad")
    for _ in range(5):
        due_now()
        digest.digest_batch()
    assert again(bad).status == "quarantined"
    rereading.release(message_id=bad.pk, by=rosa, at=instant.now())
    digest.digest_batch()
    assert (again(bad).status, bad.failures) == ("accepted", 1)


def test_what_takes_its_worker_down_is_taken_alone_and_quarantined_after_three(pandadoc):
    bad, innocent = send("bad", "innocent")
    killed_while_digesting(bad, innocent)
    for _ in range(2):
        assert digest._claim_fresh(100) == []
        (taken,) = digest._claim_alone()
        assert taken.pk == bad.pk
        lapse(bad)
    assert digest.digest_batch() == 1
    assert again(bad).status == "quarantined"
    assert bad.why == "It took down what digested it."
    assert digest.digest_batch() == 1
    assert again(innocent).status == "digested"
    assert Ticket.objects.get().kind == "processing-failed"


def test_what_was_being_digested_when_the_worker_died_is_found_again(pandadoc):
    messages = send("a", "b", "c")
    killed_while_digesting(*messages)
    assert digest.something_is_due()
    assert digest_all() == 3
    assert [again(m).status for m in messages] == ["digested"] * 3
    assert [m.crashes for m in messages] == [1, 1, 1]
    assert Signal.objects.count() == 3


def test_what_another_worker_holds_is_left_to_it(pandadoc):
    send("a")
    assert len(digest._claim_fresh(100)) == 1
    assert digest.digest_batch() == 0
    assert not digest.something_is_due()


# --- The lease -----------------------------------------------------------------------------------
@pytest.fixture
def taken_over(monkeypatch):
    """Messages that somebody else takes over right after we claimed them; under which lease."""
    theirs, lost, whole = uuid.uuid4(), [], digest._claim

    def claim(*args, **facts):
        claimed = whole(*args, **facts)
        Message.objects.filter(pk__in=[m.pk for m in lost]).update(lease_owner=theirs)
        return claimed

    monkeypatch.setattr(digest, "_claim", claim)
    return theirs, lost


def test_whoever_lost_the_lease_keeps_nothing_of_what_they_did(pandadoc, taken_over):
    theirs, lost = taken_over
    (message,) = send("a")
    lost.append(message)
    digest.digest_batch()
    assert Signal.objects.count() == Proposal.objects.count() == Outcome.objects.count() == 0
    again(message)
    assert (message.status, message.lease_owner) == ("accepted", theirs)
    assert (message.why, message.crashes) == ("", 0)


def test_whoever_lost_one_of_a_batch_still_digests_the_others(pandadoc, taken_over):
    theirs, lost = taken_over
    first, other = send("a", "b")
    lost.append(first)
    digest.digest_batch()
    again(first)
    assert (first.status, first.lease_owner) == ("accepted", theirs)
    assert again(other).status == "digested"
    assert Signal.objects.get().origin == other.ref


def test_a_failure_after_the_lease_was_lost_disturbs_nobody(pandadoc, taken_over, hurts):
    theirs, lost = taken_over
    (message,) = send("bad")
    hurts.add("bad")
    lost.append(message)
    digest.digest_batch()
    again(message)
    assert message.lease_owner == theirs
    assert (message.why, message.crashes) == ("", 0)


@pytest.fixture
def burst(pandadoc):
    """Thirty events of somebody who can wait hours."""
    factories.pandadoc("archive", tier=Tier.HOURS)
    for number in range(30):
        slow = document(id=f"slow-{number}")
        post_pandadoc([slow], event_id=f"slow-{number}", slug="archive")


def test_a_burst_of_patient_events_stands_in_no_urgent_ones_way(burst):
    """Whoever can wait hours counts as due ten minutes later, comes a few at a time, and never in
    one batch with those who cannot."""
    (urgent,) = send("urgent")
    assert digest._claim_fresh(5) == [urgent]
    assert digest._claim_fresh(5, patient=False) == []
    assert len(digest._claim_fresh(100)) == digest.PATIENT_MOST


def test_while_urgent_ones_come_the_patient_rest_between_their_batches(burst):
    send("urgent")
    turns = Turns()
    assert [jobs._digest_next(turns) for _ in range(3)] == [1, digest.PATIENT_MOST, 0]


def test_by_themselves_the_patient_need_no_rest(burst):
    turns = Turns()
    assert [jobs._digest_next(turns) for _ in range(3)] == [digest.PATIENT_MOST] * 3


def test_but_whoever_waited_their_ten_minutes_comes_before_the_newest(pandadoc):
    factories.pandadoc("archive", tier=Tier.HOURS)
    post_pandadoc([document(id="slow")], event_id="slow", slug="archive")
    Message.objects.update(next_attempt_at=instant.now() - timedelta(minutes=11))
    send("urgent")
    (first,) = digest._claim_fresh(1, patient=False)
    assert first.connection.slug == "archive"


def test_what_was_in_trouble_has_its_turn_also_while_fresh_events_keep_coming(pandadoc):
    (troubled,) = send("troubled")
    Message.objects.filter(pk=troubled.pk).update(crashes=1)
    for number in range(12):
        send(f"fresh-{number}")
        digest.digest_batch(most=1)
    again(troubled)
    assert troubled.status == "digested"


def hold_up(monkeypatch, slow):
    """Translate PandaDoc's events by `slow`."""
    entry = digest.registry.SYSTEMS["pandadoc"]
    emitter = entry.emitter
    monkeypatch.setitem(
        digest.registry.SYSTEMS, "pandadoc", _with(entry, emitter=_with(emitter, translate=slow))
    )


def _with(one, **changes):
    return type(one)(**{**vars(one), **changes})


@pytest.mark.django_db(transaction=True)
def test_what_fails_at_the_very_end_is_tried_alone_with_its_lease(pandadoc, monkeypatch):
    messages = send("a", "b")
    settle = digest._settle

    def fails_for_two(taken, at):
        if len(taken) > 1:
            raise Fault("at the very end")
        settle(taken, at)

    monkeypatch.setattr(digest, "_settle", fails_for_two)
    digest.digest_batch()
    assert [again(m).status for m in messages] == ["digested"] * 2
    assert Signal.objects.count() == 2


# --- Quarantine, release, replay -----------------------------------------------------------------
def unreadable(number):
    return factories.message(post_pandadoc([{"event": "document_updated"}], event_id=f"u{number}"))


def test_quarantine_and_its_ticket_come_together_or_not_at_all(pandadoc, monkeypatch):
    message = unreadable(1)

    def fails(*args, **named):
        raise Fault("no desk today")

    monkeypatch.setattr(digest.troubles, "open_ticket", fails)
    digest.digest_batch()
    assert again(message).status == "accepted"
    assert Ticket.objects.count() == 0
    monkeypatch.undo()
    due_now()
    digest.digest_batch()
    assert again(message).status == "quarantined"
    assert Ticket.objects.get().evidence["message"] == message.pk


def test_one_cause_is_one_ticket_with_every_message_on_it(pandadoc):
    messages = [unreadable(number) for number in range(3)]
    digest_all()
    ticket = Ticket.objects.get()
    subjects = list(ticket.all_occurrences.order_by("pk").values_list("subject", flat=True))
    assert subjects == [message.ref for message in messages]
    assert ticket.remedies[0]["url_name"] == "connectors:release-ticket"
    assert "data is missing" in ticket.reason


def test_released_messages_are_digested_in_order_and_their_ticket_closes(
    pandadoc, rosa, monkeypatch
):
    whole = translate.translate

    def not_yet(payload, options):
        raise digest.Unreadable("The mapping is wrong.")

    hold_up(monkeypatch, not_yet)
    messages = send("a", "b", "c")
    digest_all()
    ticket = Ticket.objects.get()
    assert ticket.occurrences == 3
    order = []

    def by_now(payload, options):
        order.append(json.loads(payload)["data"]["id"])
        return whole(payload)

    hold_up(monkeypatch, by_now)
    for message in messages:
        rereading.release(message_id=message.pk, by=rosa, at=instant.now())
    digest_all()
    assert order == ["a", "b", "c"]
    assert {again(m).status for m in messages} == {"digested"}
    ticket.refresh_from_db()
    assert ticket.status == "resolved"
    assert ticket.resolution_note == "It was digested."


def test_released_messages_that_still_cannot_be_read_stay_on_their_ticket(pandadoc, rosa):
    message = unreadable(1)
    digest_all()
    rereading.release(message_id=message.pk, by=rosa, at=instant.now())
    digest_all()
    assert again(message).status == "quarantined"
    ticket = Ticket.objects.get()
    assert ticket.is_unresolved
    assert ticket.all_occurrences.get().times == 2


def test_what_crashed_and_is_released_closes_its_ticket_too(pandadoc, rosa):
    (message,) = send("a")
    Message.objects.update(crashes=3, lease_until=instant.now() - timedelta(hours=1))
    digest_all()
    assert again(message).status == "quarantined"
    rereading.release(message_id=message.pk, by=rosa, at=instant.now())
    digest_all()
    assert again(message).status == "digested"
    assert not Ticket.objects.get().is_unresolved


def test_only_a_quarantined_message_is_released_and_only_by_who_may(pandadoc, rosa, staff):
    (message,) = send("a")
    with pytest.raises(NotAllowed, match="may not release a quarantined message"):
        rereading.release(message_id=message.pk, by=staff["sam"], at=instant.now())
    with pytest.raises(NotNow, match="Only a quarantined message is released"):
        rereading.release(message_id=message.pk, by=rosa, at=instant.now())


def everything_it_led_to():
    return [
        list(Signal.objects.order_by("pk").values()),
        list(Outcome.objects.order_by("pk").values()),
        list(Proposal.objects.values("state", "version", "owner", "amount", "title")),
        Ticket.objects.count(),
        RecordLink.objects.count(),
    ]


def test_a_replay_changes_nothing_twice(pandadoc, rosa):
    messages = send("a", "b")
    digest_all()
    before = everything_it_led_to()
    for _ in range(3):
        for message in messages:
            rereading.replay(message_id=message.pk, by=rosa, at=instant.now())
        digest_all()
    assert everything_it_led_to() == before
    assert {again(m).status for m in messages} == {"digested"}
    lines = TrailLine.objects.filter(what="message.replayed", subject_id=str(messages[0].pk))
    assert [line.before for line in lines] == [{"status": "digested"}] * 3


def test_what_waits_to_be_digested_is_not_replayed(pandadoc, rosa):
    (message,) = send("a")
    with pytest.raises(NotNow, match="about to be digested anyway"):
        rereading.replay(message_id=message.pk, by=rosa, at=instant.now())


def test_an_operator_replays_what_concerns_their_own_proposals_alone(pandadoc, olivia, rosa):
    theirs, hers = send("theirs"), send("hers", owner="olivia@example.com")
    digest_all()
    rereading.replay(message_id=hers[0].pk, by=olivia, at=instant.now())
    # Its owner is a rep, who replays nothing: so it is not them whom one is sent to.
    with pytest.raises(NotAllowed, match="Only a RevOps manager may replay this message; ask one"):
        rereading.replay(message_id=theirs[0].pk, by=olivia, at=instant.now())
    rereading.replay(message_id=theirs[0].pk, by=rosa, at=instant.now())


def test_what_is_about_no_record_is_nobodys_own_and_a_manager_replays_it(pandadoc, olivia, rosa):
    ignored = factories.message(post_pandadoc([{"event": "quote_updated", "data": {}}]))
    digest_all()
    with pytest.raises(NotAllowed, match="Only a RevOps manager may replay this message; ask one"):
        rereading.replay(message_id=ignored.pk, by=olivia, at=instant.now())
    assert again(ignored).status == "ignored"
    rereading.replay(message_id=ignored.pk, by=rosa, at=instant.now())
    assert again(ignored).status == "accepted"


def test_an_ignored_message_replayed_is_ignored_again(pandadoc, rosa):
    answer = post_pandadoc([{"event": "quote_updated", "data": {}}])
    message = factories.message(answer)
    rereading.replay(message_id=message.pk, by=rosa, at=instant.now())
    digest_all()
    assert again(message).status == "ignored"
    assert message.why == "quote_updated tells nothing of a proposal's state."


# --- Holding -------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", ["paused", "disabled"])
def test_what_is_stored_waits_while_its_connection_does_not_run(pandadoc, status):
    (message,) = send("a")
    now = instant.now()
    connections.set_status(slug="pandadoc", status=status, reason="Test", by=SETUP, at=now)
    assert not digest.something_is_due()
    assert digest_all() == 0
    connections.set_status(slug="pandadoc", status="active", reason="", by=SETUP, at=now)
    assert digest.something_is_due()
    assert digest_all() == 1
    assert again(message).attempts == 1


def test_a_batch_costs_a_handful_of_queries_however_long_it_is(
    pandadoc, django_assert_max_num_queries
):
    send(*(f"doc-{number}" for number in range(30)))
    with django_assert_max_num_queries(60):
        assert digest.digest_batch() == 30


def test_an_unsplit_post_says_again_why_when_it_is_released(pandadoc, rosa):
    answer = post_pandadoc([document()], event_id="")
    message = factories.message(answer)
    assert inbox.is_unsplit(message.key)
    for _ in range(2):
        digest_all()
        assert "Event-Id is missing" in again(message).why
        rereading.release(message_id=message.pk, by=rosa, at=instant.now())


def test_every_claim_counts_in_the_row_itself(pandadoc):
    (message,) = send("a")
    digest._claim_fresh(1)
    again(message)
    assert (message.attempts, message.crashes) == (1, 0)
    assert timedelta(seconds=40) < message.lease_until - instant.now() <= timedelta(seconds=50)
    with database.cursor() as cursor:
        cursor.execute("SELECT lease_until > clock_timestamp() FROM connectors_message")
        assert cursor.fetchone()[0]
