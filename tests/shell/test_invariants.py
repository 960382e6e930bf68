"""What must be so at any instant: each invariant is broken once, by the owner, and named."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from connectors import connections, digest, jobs
from connectors.models import Connection, Message, Sync
from exceptions import desk, troubles
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.pulse import pulse
from meshline.pulse.models import Heartbeat, TaskRun
from meshline.shell import database_roles, invariants
from proposals import outbox
from proposals.contracts import approvals
from proposals.contracts.gates import Gate
from proposals.models import Outcome, Proposal
from tests import factories
from tests.factories import digest_all, document, post_pandadoc

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def busy(staff, pandadoc):
    """A company at work: a proposal with its outcomes, one message that cannot be read."""
    factories.hubspot()
    post_pandadoc([document("sent")])
    post_pandadoc([document("viewed", at=factories.MONDAY + timedelta(hours=1))], event_id="evt-2")
    post_pandadoc(b"{", event_id="evt-3")
    post_pandadoc([document("sent", id="doc-2")], event_id="evt-4")
    digest_all()
    post_pandadoc([document("sent", id="doc-3")], event_id="evt-5")


@contextmanager
def broken_by(*statements):
    """The rows as their owner may leave them; taken back afterwards."""
    with database_roles.as_owner(), transaction.atomic():
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        yield {breach.invariant.name: breach.sentences for breach in look()}
        transaction.set_rollback(True)


def look():
    return invariants.look(invariants.INVARIANTS)


def pause(slug, by):
    connections.set_status(slug=slug, status="paused", reason="Away", by=by, at=instant.now())


def test_a_company_at_work_breaks_nothing(busy, capsys):
    assert Message.objects.filter(status="quarantined").exists()
    call_command("check_invariants")
    assert capsys.readouterr().out == f"All {len(invariants.INVARIANTS)} invariants hold.\n"


def test_a_broken_one_is_named_and_the_exit_code_is_1(busy, capsys):
    message = Message.objects.get(status="accepted")
    Message.objects.filter(pk=message.pk).update(status="quarantined")
    with pytest.raises(CommandError) as refused:
        call_command("check_invariants")
    assert refused.value.returncode == 1
    said = capsys.readouterr().out
    assert said.startswith("messages-are-somewhere: Every message is done, waits with a due time")
    assert f"  Message {message.pk} is quarantined without a ticket.\n" in said


def test_a_message_that_is_never_due(busy):
    pk = Message.objects.get(status="accepted").pk
    update = "UPDATE connectors_message SET next_attempt_at = 'infinity' WHERE status = 'accepted'"
    with broken_by(update) as found:
        assert found == {"messages-are-somewhere": [f"Message {pk} waits, but is never due."]}


def test_a_message_in_a_state_there_is_not(busy):
    pk = Message.objects.get(status="accepted").pk
    with broken_by("UPDATE connectors_message SET status = 'lost' WHERE status = 'accepted'") as at:
        assert list(at) == ["messages-are-somewhere"]
        assert f"Message {pk} is lost" in at["messages-are-somewhere"][0]


def test_a_quarantined_message_whose_ticket_closed_by_itself(busy):
    held = Message.objects.get(status="quarantined")
    troubles.settle(subject=held.ref, because="It was read.", by=SETUP, at=instant.now())
    assert Ticket.objects.get(kind="message-unreadable").status == "resolved"
    assert [one.invariant.name for one in look()] == ["messages-are-somewhere"]


def test_a_quarantined_message_whose_ticket_a_person_closed(busy, staff):
    ticket = Ticket.objects.get(kind="message-unreadable")
    desk.resolve(ticket_id=ticket.pk, resolution="no action", by=staff["rosa"], at=instant.now())
    assert look() == []


@pytest.mark.parametrize(
    ("seconds", "broken"), [(10, False), (20, True)], ids=["within the grace", "beyond it"]
)
def test_a_lease_on_a_message_that_lapsed(busy, seconds, broken):
    message = Message.objects.get(status="accepted")
    message.lease_until = instant.now() - timedelta(seconds=seconds)
    message.save()
    named = {one.invariant.name: one.sentences for one in look()}
    assert list(named) == (["message-leases"] if broken else [])
    if broken:
        assert named["message-leases"] == [f"The lease on message {message.pk} lapsed 20 s ago."]


@pytest.mark.parametrize(
    ("seconds", "broken"), [(10, False), (20, True)], ids=["within the grace", "beyond it"]
)
def test_a_lease_on_an_outcome_that_lapsed(busy, seconds, broken):
    outcome = outbox.claim(["hubspot"], lease_seconds=-seconds)
    named = {one.invariant.name: one.sentences for one in look()}
    assert list(named) == (["outcome-leases"] if broken else [])
    if broken:
        assert named["outcome-leases"] == [f"The lease on outcome {outcome.pk} lapsed 20 s ago."]


def test_lapsed_leases_are_freed_also_behind_a_pause(busy, staff):
    message = Message.objects.get(status="accepted")
    [claimed] = digest._claim_fresh(1)
    assert claimed.pk == message.pk
    long_ago = instant.now() - timedelta(seconds=20)
    Message.objects.filter(pk=message.pk).update(lease_until=long_ago)
    outcome = outbox.claim(["hubspot"], lease_seconds=-20)
    for slug in ("pandadoc", "hubspot"):
        pause(slug, staff["rosa"])
    assert len(look()) == 2

    jobs.free_lapsed()
    assert look() == []
    message.refresh_from_db()
    assert (message.lease_owner, message.crashes) == (None, 1)
    fresh = Outcome.objects.get(pk=outcome.pk)
    assert (fresh.state, fresh.lease_owner, fresh.crashes) == ("due", None, 1)
    with pytest.raises(outbox.LeaseLost):
        outbox.put_back(outcome, until=instant.now(), because="Late", at=instant.now())


def test_a_version_that_counts_wrong(busy):
    proposal = Proposal.objects.order_by("pk").first()
    with broken_by(f"UPDATE proposals_proposal SET version = 7 WHERE id = {proposal.pk}") as found:
        sentence = f"Proposal {proposal.pk} has version 7, but 2 transition lines up to 2."
        assert found == {"versions-count-transitions": [sentence]}


def test_a_transition_that_is_gone(busy):
    proposal = Proposal.objects.order_by("pk").first()
    gone = f"DELETE FROM proposals_transition WHERE proposal_id = {proposal.pk} AND version = 1"
    with broken_by(gone) as found:
        sentence = f"Proposal {proposal.pk} has version 2, but 1 transition lines up to 2."
        assert found == {"versions-count-transitions": [sentence]}


def test_an_outcome_that_is_never_due(busy):
    pk = Outcome.objects.filter(state="due").order_by("pk").first().pk
    with broken_by(
        "ALTER TABLE proposals_outcome ALTER next_attempt_at DROP NOT NULL",
        f"UPDATE proposals_outcome SET next_attempt_at = NULL WHERE id = {pk}",
    ) as found:
        assert found == {"outcomes-are-due": [f"Outcome {pk} is due and never due again."]}


def test_an_outcome_that_is_given_up_without_a_ticket(busy):
    outcome = Outcome.objects.filter(state="due").order_by("pk").first()
    Outcome.objects.filter(pk=outcome.pk).update(state="given_up")
    sentence = f"Outcome {outcome.pk} ({outcome.kind}) is given up without one."
    assert [(one.invariant.name, one.sentences) for one in look()] == [
        ("given-up-has-a-ticket", [sentence])
    ]


def test_what_was_given_up_by_the_verb_has_its_ticket(busy):
    outcome = outbox.claim(["hubspot"], lease_seconds=60)
    outbox.give_up(outcome, because="No.", failure="refused", at=instant.now())
    assert look() == []


def test_an_outcome_held_by_nobody(busy, staff):
    outcome = Outcome.objects.filter(connection="hubspot").order_by("pk").first()
    Outcome.objects.filter(pk=outcome.pk).update(state="held")
    assert [one.sentences for one in look()] == [
        [f"Outcome {outcome.pk} is held, but nothing holds it."]
    ]
    approvals.ask([(outcome, Gate("role:manager", 60), None)], at=instant.now())
    assert look() == []


def test_an_outcome_that_passed_its_gate_without_an_approval(busy):
    outcome = Outcome.objects.filter(connection="hubspot").order_by("pk").first()
    approvals.ask([(outcome, Gate("role:manager", 60), None)], at=instant.now())
    assert [one.sentences for one in look()] == [
        [f"Outcome {outcome.pk} is due, but nobody approved it."]
    ]


def test_an_outcome_for_a_connection_there_is_not(busy):
    outcome = Outcome.objects.filter(connection="hubspot").order_by("pk").first()
    Outcome.objects.filter(pk=outcome.pk).update(connection="gone")
    assert [(one.invariant.name, one.sentences) for one in look()] == [
        ("rows-alone", [f"Outcome {outcome.pk} for 'gone' is due, but the drain does not see it."])
    ]


def test_a_message_of_a_connection_there_is_not(busy):
    pk = Message.objects.get(status="accepted").pk
    Message.objects.filter(pk=pk).update(connection_id=0)
    assert [(one.invariant.name, one.sentences) for one in look()] == [
        ("rows-alone", [f"Message {pk} is due, but the drain does not see it."])
    ]


@pytest.mark.parametrize(
    ("column", "lacks"),
    [
        ("owner_id", "no owner"),
        ("ack_due_at", "no time to acknowledge by"),
        ("fix_due_at", "no time to fix by"),
        ("next_step_at", "no next step"),
        ("cause", "no cause"),
        ("evidence", "no evidence"),
    ],
)
def test_a_ticket_nobody_could_work_on(busy, column, lacks):
    pk = Ticket.objects.get().pk
    loosened = (
        "ALTER TABLE exceptions_ticket DROP CONSTRAINT ticket_has_cause_and_evidence",
        "ALTER TABLE exceptions_ticket DROP CONSTRAINT an_open_ticket_has_a_next_step",
        f"ALTER TABLE exceptions_ticket ALTER {column} DROP NOT NULL",
        f"UPDATE exceptions_ticket SET {column} = NULL WHERE id = {pk}",
    )
    with broken_by(*loosened) as found:
        assert found == {"tickets-are-complete": [f"Ticket {pk} has {lacks}."]}


def test_a_step_that_the_clock_passed_by(busy):
    pk = Ticket.objects.get().pk
    for seconds, broken in ((30, []), (90, ["steps-are-taken"])):
        due = instant.now() - timedelta(seconds=seconds)
        Ticket.objects.update(next_step_at=due)
        # Without a look that came to its end nothing was passed by.
        assert [one.invariant.name for one in look()] == []
        pulse.task_begins("escalation", every=5)
        pulse.task_ended("escalation", seconds=0.0)
        assert [one.invariant.name for one in look()] == broken
        TaskRun.objects.all().delete()
    Ticket.objects.update(paused_since=due, paused_by_rule="record-on-hold")
    pulse.task_begins("escalation", every=5)
    pulse.task_ended("escalation", seconds=0.0)
    assert look() == []
    assert Ticket.objects.get().pk == pk


def test_a_sum_at_risk_that_is_not_what_hangs_on_it(busy):
    trouble = troubles.Trouble(
        kind="dispute", cause="x", title="x", reason="x", subject="a", evidence={"a": 1},
        record="proposal:1", amount=Decimal(5), currency="EUR",
    )  # fmt: skip
    for number, currency in enumerate(("EUR", "USD", "USD")):
        changes = {"subject": f"s{number}", "record": f"proposal:{number}", "currency": currency}
        ticket = troubles.open_ticket(replace(trouble, **changes), by=SETUP, at=instant.now())
    assert look() == []
    for broken in ("amount_at_risk = 7", "other_amounts = '{}'", "currency = 'GBP'"):
        change = f"UPDATE exceptions_ticket SET {broken} WHERE id = {ticket.pk}"
        with broken_by(change) as found:
            assert list(found) == ["money-adds-up"]
            assert found["money-adds-up"][0].startswith(f"Ticket {ticket.pk} has another sum")


def test_a_check_that_falls_silent_is_itself_a_ticket(busy):
    invariants.watch()
    Heartbeat.objects.filter(name=invariants.WATCHED).update(
        beat_at=instant.now() - timedelta(hours=1)
    )
    invariants.watch()
    assert not Ticket.objects.filter(kind="invariant-broken").exists()
    # It never looked at all, for longer than it may be silent.
    Heartbeat.objects.filter(name=invariants.WATCHED).update(
        beat_at=instant.now() - timedelta(hours=3)
    )
    invariants.watch()
    invariants.watch()
    ticket = Ticket.objects.get(kind="invariant-broken")
    assert ticket.occurrences == 1
    assert "The hourly check last looked 3 h ago." in ticket.reason
    invariants.hourly()
    invariants.watch()
    ticket.refresh_from_db()
    assert ticket.resolution == "closed on evidence"


def test_a_line_of_the_trail_that_was_changed(busy):
    tampered = (
        "ALTER TABLE audit_trailline DISABLE TRIGGER USER",
        "UPDATE audit_trailline SET why = 'Nothing.' "
        "WHERE id = (SELECT line_id FROM audit_traillink WHERE position = 3)",
    )
    with broken_by(*tampered) as found:
        assert found["trail-verifies"] == [
            "The trail does not hold. Position 3: The line at position 3 is not what was written."
        ]


def test_the_look_is_one_instant(busy, monkeypatch):
    """What changes while it looks is not seen by half."""
    first, *others = invariants.INVARIANTS
    seen = []

    def looks_and_is_overtaken():
        seen.append(Message.objects.filter(status="accepted").count())
        _in_another_session("UPDATE connectors_message SET status = 'lost'")
        seen.append(Message.objects.filter(status="accepted").count())
        return first.whole()

    monkeypatch.setattr(
        invariants,
        "INVARIANTS",
        [invariants.Invariant("x", "x", looks_and_is_overtaken), *others],
    )
    assert invariants.broken() == []
    assert seen == [1, 1]
    monkeypatch.undo()
    assert invariants.broken() != []


def _in_another_session(statement):
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(statement)
    finally:
        other.close()


def test_the_hourly_look_opens_a_ticket_and_closes_it_again(busy, staff):
    invariants.hourly()
    assert not Ticket.objects.filter(kind="invariant-broken").exists()
    message = Message.objects.get(status="accepted")
    Message.objects.filter(pk=message.pk).update(status="quarantined")
    invariants.hourly()
    invariants.hourly()
    ticket = Ticket.objects.get(kind="invariant-broken")
    assert (ticket.severity, ticket.status, ticket.occurrences) == ("critical", "open", 1)
    assert f"Message {message.pk} is quarantined without a ticket." in ticket.evidence["broken"]
    assert pulse.detail(invariants.CHECKED)["broken"] == ["messages-are-somewhere"]

    Message.objects.filter(pk=message.pk).update(status="accepted")
    invariants.hourly()
    ticket.refresh_from_db()
    assert (ticket.status, ticket.resolution) == ("resolved", "closed on evidence")


def test_the_hourly_look_recomputes_only_what_is_new_of_the_trail(busy):
    invariants.hourly()
    known = pulse.detail(invariants.VERIFIED)
    assert known["position"] > 3
    with database_roles.as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_trailline DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE audit_trailline SET why = 'Nothing.' "
            "WHERE id = (SELECT line_id FROM audit_traillink WHERE position = 3)"
        )
        cursor.execute("ALTER TABLE audit_trailline ENABLE TRIGGER USER")
    invariants.hourly()
    assert not Ticket.objects.filter(kind="invariant-broken").exists()
    invariants.daily()
    assert "position 3" in Ticket.objects.get(kind="invariant-broken").reason


def test_a_tail_that_was_cut_is_found_by_the_hourly_look(busy):
    invariants.hourly()
    post_pandadoc([document("sent", id="doc-9")], event_id="evt-9")
    digest_all()
    invariants.hourly()
    with database_roles.as_owner(), connection.cursor() as cursor:
        for table in ("audit_traillink", "audit_trailline", "audit_chainhead"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(
            "DELETE FROM audit_traillink WHERE position > 3; "
            "DELETE FROM audit_trailline WHERE id NOT IN (SELECT line_id FROM audit_traillink); "
            "UPDATE audit_chainhead SET position = 3, "
            "hash = (SELECT hash FROM audit_traillink WHERE position = 3)"
        )
        for table in ("audit_traillink", "audit_trailline", "audit_chainhead"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    invariants.hourly()
    assert Ticket.objects.get(kind="invariant-broken").evidence["invariant"] == "trail-verifies"


def test_a_sync_whose_worker_died_long_ago(busy):
    at = instant.now()
    there = Connection.objects.get(slug="hubspot")
    lapsed = Sync.objects.create(
        connection=there, kind="deals", mode="incremental", state="running", asked_at=at, until=at,
        lease_until=at - timedelta(minutes=2),
    )  # fmt: skip
    (sentence,) = {one.invariant.name: one.sentences for one in look()}["sync-leases"]
    assert sentence.startswith(f"The lease on sync {lapsed.pk} lapsed 12")
    # Behind a pause nobody is to take it.
    pause("hubspot", SETUP)
    assert "sync-leases" not in {one.invariant.name for one in look()}
