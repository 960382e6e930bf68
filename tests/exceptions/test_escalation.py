"""What the clock does about open tickets: each step once, in order, late where it was away."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError

from exceptions import desk, escalation, escalation_terms, jobs
from exceptions.models import Step, Ticket
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from meshline.people.models import OnCallShift, Team, User
from meshline.people.permissions import Role
from tests import factories
from tests.exceptions.conftest import MONDAY, TrailBroken, look, open_one
from tests.factories import reread

pytestmark = pytest.mark.django_db


def after(**span):
    return MONDAY + timedelta(**span)


def taken(ticket):
    return list(ticket.steps.order_by("pk").values_list("name", flat=True))


def told(ticket):
    """Whom the notices of a ticket went to, and of which kind."""
    rows = Notice.objects.filter(key__startswith=f"ticket:{ticket.pk}:").order_by("pk")
    return [(row.user.get_short_name(), row.kind) for row in rows.select_related("user")]


@pytest.fixture
def nils(staff):
    """Second on call for RevOps, whose lead is Lena."""
    team = Team.objects.get(slug="revops")
    team.lead = factories.person("lena@example.com", "Lena Voss", Role.MANAGER, team)
    team.save()
    nils = factories.person("nils@example.com", "Nils Aker", Role.OPERATOR, team)
    OnCallShift.objects.create(
        team=team, user=nils, layer="secondary", starts_at=MONDAY - timedelta(days=1),
        ends_at=MONDAY + timedelta(days=8),
    )  # fmt: skip
    return nils


# --- In order and once -----------------------------------------------------------------------
def test_a_ticket_nobody_takes_is_warned_of_and_handed_up(ticket, nils, rosa):
    """High severity: 30 minutes to acknowledge, 4 hours to fix, opened at 9:30."""
    for minutes in (0, 15, 24, 30, 45, 60, 120, 192, 240, 270, 360):
        look(after(minutes=minutes))
    assert taken(ticket) == [
        "ack-quiet", "ack-owner", "ack-lead", "ack-accountable", "up-secondary", "up-lead",
        "fix-quiet", "fix-owner", "fix-lead", "up-accountable", "fix-accountable",
    ]  # fmt: skip
    assert told(ticket)[1:] == [
        ("Olivia", "sla-50"), ("Olivia", "sla-80"), ("Olivia", "sla-100"), ("Lena", "sla-100"),
        ("Rosa", "sla-150"), ("Nils", "escalated"), ("Lena", "escalated"),
        ("Lena", "sla-50"), ("Lena", "sla-80"), ("Lena", "sla-100"),
        ("Rosa", "escalated"), ("Rosa", "sla-150"),
    ]  # fmt: skip
    handed = reread(ticket)
    assert (handed.owner, handed.escalated, handed.team.slug) == (rosa, 3, "revops")
    assert not ticket.steps.filter(is_late=True).exists()


def test_a_look_twice_does_nothing_twice(ticket, nils):
    look(after(minutes=45))
    before = taken(ticket), told(ticket), reread(ticket).escalated
    look(after(minutes=45))
    Ticket.objects.update(next_step_at=MONDAY)
    look(after(minutes=46))
    assert (taken(ticket), told(ticket), reread(ticket).escalated) == before


def test_without_the_rows_each_look_would_do_it_again(ticket, nils, monkeypatch):
    """The control: with nothing known of what was taken, it is taken again; the table refuses."""
    look(after(minutes=15))
    whole = escalation._facts

    def forgetful(row, hours):
        return escalation.Facts(
            ack=whole(row, hours).ack, fix=whole(row, hours).fix, hours=hours, active_at=MONDAY
        )

    monkeypatch.setattr(escalation, "_facts", forgetful)
    with pytest.raises(IntegrityError, match="each_step_once_in_a_round"):
        escalation.take(ticket_id=ticket.pk, at=after(minutes=16))
    monkeypatch.undo()


def test_after_a_downtime_all_of_it_is_done_in_order_and_marked_late(ticket, nils):
    look(after(minutes=15))
    look(after(hours=3))
    assert taken(ticket) == [
        "ack-quiet", "ack-owner", "ack-lead", "ack-accountable", "up-secondary", "up-lead",
        "fix-quiet",
    ]  # fmt: skip
    assert [step.is_late for step in ticket.steps.order_by("pk")] == [False] + [True] * 6
    dues = list(ticket.steps.order_by("pk").values_list("due_at", flat=True))
    assert dues == sorted(dues)
    words = Notice.objects.get(user=nils, kind="escalated").text
    assert words.startswith("Escalated to you (late: it was due 2 Mar, 10:15 UTC)")


def test_what_broke_in_the_middle_did_not_happen_and_happens_later(ticket, nils, monkeypatch):
    def breaks(*args, **named):
        raise TrailBroken

    with monkeypatch.context() as broken:
        broken.setattr(escalation.keeping.trail, "record", breaks)
        look(after(minutes=15))
    assert (taken(ticket), told(ticket)[1:]) == ([], [])
    look(after(minutes=17))
    assert taken(ticket) == ["ack-quiet"]


def test_one_ticket_that_cannot_be_helped_does_not_stand_before_the_others(
    ticket, nils, monkeypatch
):
    other, take = open_one("two", at=after(minutes=1)), escalation.take

    def takes(*, ticket_id, **more):
        if ticket_id == ticket.pk:
            raise ValueError("Broken")
        return take(ticket_id=ticket_id, **more)

    monkeypatch.setattr(escalation, "take", takes)
    look(after(minutes=16))
    assert (taken(ticket), taken(other)) == ([], ["ack-quiet"])


def test_who_claimed_it_and_did_not_acknowledge_it_has_it_no_more_and_is_told(ticket, nils):
    ben = factories.person("ben@example.com", "Ben Okafor", Role.OPERATOR, nils.team)
    desk.claim(ticket_id=ticket.pk, by=ben, at=MONDAY)
    look(after(minutes=45))
    found = reread(ticket)
    assert (found.owner, found.status, found.claimed_by) == (nils, "open", None)
    words = "It went up to Nils Aker, and is not claimed by you any more"
    assert Notice.objects.of(ben).filter(text__startswith=words).count() == 1
    # Whoever has it now can claim it.
    desk.claim(ticket_id=ticket.pk, by=nils, at=after(minutes=46))


def test_the_job_takes_what_is_due_by_now(ticket):
    with instant.stopped(after(minutes=15)):
        jobs.take_steps()
    assert taken(ticket) == ["ack-quiet"]


def test_a_look_costs_the_same_however_many_are_not_due(
    staff, django_assert_num_queries, django_assert_max_num_queries
):
    for number in range(3):
        open_one(f"n{number}")
    with django_assert_max_num_queries(20) as first:
        look(MONDAY)
    for number in range(30):
        open_one(f"m{number}")
    with django_assert_num_queries(len(first)):
        look(MONDAY)
    with django_assert_num_queries(4):
        look(after(minutes=1))


# --- Who is next -----------------------------------------------------------------------------
def test_nothing_is_handed_up_to_who_may_not_work_it(ticket, nils, rosa):
    User.objects.filter(pk__in=[nils.pk, nils.team.lead_id]).update(role=Role.REP)
    look(after(minutes=45))
    assert reread(ticket).owner == rosa


def test_without_a_second_on_call_the_lead_is_next_and_then_the_accountable(ticket, nils, rosa):
    OnCallShift.objects.all().delete()
    look(after(minutes=45))
    assert reread(ticket).owner.name == "Lena Voss"
    assert reread(ticket).owner_why == "Escalated: Lena Voss leads Revenue Operations."
    look(after(minutes=60))
    assert reread(ticket).owner == rosa
    look(after(minutes=270))
    assert Step.objects.get(name="up-accountable").what == (
        "Rosa Marin has it already, and was told."
    )
    assert reread(ticket).escalated == 2


def test_handing_up_is_on_the_trail_and_says_how_much_it_is_overdue(ticket, nils):
    look(after(minutes=47))
    line = TrailLine.objects.get(what="ticket.escalated")
    assert line.why == "Nobody acknowledged it; it is 17 min of business time overdue."
    assert (line.before, line.after) == ({"owner": "Olivia Ortiz"}, {"owner": "Nils Aker"})
    assert line.actor_label == "The escalation"


def test_what_was_acknowledged_is_not_handed_up_any_more(ticket, nils, olivia):
    desk.claim(ticket_id=ticket.pk, by=olivia, at=after(minutes=44))
    desk.acknowledge(ticket_id=ticket.pk, by=olivia, at=after(minutes=44))
    look(after(hours=2))
    assert not [name for name in taken(ticket) if name.startswith("up")]
    # What was missed before it is told all the same.
    assert taken(ticket)[:3] == ["ack-quiet", "ack-owner", "ack-lead"]
    assert reread(ticket).owner == olivia


def test_acknowledged_while_the_clock_was_away_it_stays_where_it_is(ticket, nils, olivia):
    desk.claim(ticket_id=ticket.pk, by=olivia, at=after(minutes=50))
    desk.acknowledge(ticket_id=ticket.pk, by=olivia, at=after(minutes=50))
    look(after(minutes=52))
    step = Step.objects.get(name="up-secondary")
    assert (step.is_late, step.what) == (
        True, "It was acknowledged meanwhile, and stays where it is.",
    )  # fmt: skip
    assert reread(ticket).owner == olivia


def test_what_is_resolved_is_left_alone(ticket, olivia):
    desk.resolve(ticket_id=ticket.pk, resolution="fixed", by=olivia, at=after(minutes=1))
    look(after(hours=5))
    assert taken(ticket) == []
    assert reread(ticket).next_step_at is None


# --- Lapsing ---------------------------------------------------------------------------------
@pytest.fixture
def acknowledged(ticket, olivia):
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    return desk.acknowledge(ticket_id=ticket.pk, by=olivia, at=MONDAY)


def test_an_acknowledgement_after_which_nothing_happens_lapses(acknowledged, olivia):
    look(after(hours=4))
    lapsed = reread(acknowledged)
    assert (lapsed.status, lapsed.claimed_by, lapsed.acknowledged_at) == ("open", None, None)
    assert lapsed.first_acknowledged_at == MONDAY
    # It is to be acknowledged anew, whatever is left for the fix: none.
    assert (lapsed.ack_due_at, lapsed.fix_due_at) == (after(hours=4, minutes=30), after(hours=4))
    line = TrailLine.objects.get(what="ticket.lapsed")
    assert line.before["claimed by"] == "Olivia Ortiz"
    assert told(acknowledged)[-1] == ("Olivia", "sla-100")


def test_a_note_keeps_it_from_lapsing(acknowledged, olivia):
    desk.note(ticket_id=acknowledged.pk, text="Called them.", by=olivia, at=after(hours=3))
    look(after(hours=4))
    assert reread(acknowledged).status == "acknowledged"
    look(after(hours=7))
    assert reread(acknowledged).status == "open"


def test_a_lapse_begins_a_second_round_of_the_first_clock_alone(acknowledged, nils):
    look(after(hours=4))
    look(after(hours=4, minutes=45))
    assert taken(acknowledged) == [
        "fix-quiet", "fix-owner", "fix-lead", "ack-lapses", "ack-quiet", "ack-owner", "ack-lead",
        "ack-accountable", "up-secondary",
    ]  # fmt: skip
    assert set(acknowledged.steps.filter(name__startswith="ack").values_list("name", "round")) == {
        ("ack-lapses", 0), ("ack-quiet", 1), ("ack-owner", 1), ("ack-lead", 1),
        ("ack-accountable", 1),
    }  # fmt: skip


def test_when_all_is_done_it_is_called_to_mind_every_working_day(ticket, rosa):
    look(after(hours=6))
    look(after(days=1, hours=6))
    look(after(days=2, hours=6))
    assert taken(ticket)[-2:] == ["again-1", "again-2"]
    # After a long downtime once, not once for each day of it.
    look(after(days=9, hours=6))
    assert taken(ticket)[-1] == "again-3"


# --- The agreement ---------------------------------------------------------------------------
def test_a_new_agreement_counts_for_open_tickets(ticket, nils, rosa):
    look(after(minutes=1))
    escalation_terms.change(
        {"quiet_at": 10, "secondary_after": 1}, by=rosa, at=after(minutes=2)
    )  # fmt: skip
    look(after(minutes=3))
    assert taken(ticket) == ["ack-quiet"]
    look(after(minutes=31))
    assert reread(ticket).owner == nils


def test_every_open_ticket_has_a_next_step_ahead(ticket, nils):
    for minutes in range(0, 600, 7):
        look(after(minutes=minutes))
        assert reread(ticket).next_step_at > after(minutes=minutes)


def test_friday_half_past_four_escalates_on_monday(staff, nils):
    friday = datetime(2026, 3, 6, 16, 30, tzinfo=UTC)
    late = open_one("friday", at=friday)
    look(friday + timedelta(days=2))
    assert reread(late).owner == staff["olivia"]
    look(datetime(2026, 3, 9, 9, 14, 59, tzinfo=UTC))
    assert reread(late).owner == staff["olivia"]
    look(datetime(2026, 3, 9, 9, 15, tzinfo=UTC))
    assert reread(late).owner == nils
