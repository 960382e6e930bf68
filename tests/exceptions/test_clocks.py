"""Clocks stand still by rule alone, and the time they stood still comes on top."""

from datetime import timedelta

import pytest

from exceptions import clocks, deadlines, desk, troubles
from exceptions.clocks import Still
from exceptions.models import Ticket
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.policy.sla import Terms
from tests.exceptions.conftest import CARRIER, MONDAY, TrailBroken, look, open_one
from tests.factories import reread

pytestmark = pytest.mark.django_db
RUNNING = Still({}, {})


def after(**span):
    return MONDAY + timedelta(**span)


def held(*records, since=MONDAY):
    return Still(dict.fromkeys(records, since), {})


def down(slug="hubspot", since=MONDAY):
    return Still({}, {slug: since})


def keep(still, at):
    return list(clocks.keep(still, at=at))


def taken(ticket):
    return list(ticket.steps.order_by("pk").values_list("name", flat=True))


def test_while_its_record_is_on_hold_both_clocks_stand_still(ticket):
    keep(held("proposal:17", since=after(minutes=10)), after(minutes=11))
    stopped = reread(ticket)
    assert (stopped.paused_since, stopped.paused_by_rule) == (
        after(minutes=10), "record-on-hold",
    )  # fmt: skip
    look(after(hours=3))
    assert taken(ticket) == []
    keep(RUNNING, after(hours=2, minutes=10))
    on = reread(ticket)
    assert (on.ack_due_at, on.fix_due_at) == (after(hours=2, minutes=30), after(hours=6))
    assert (on.paused_since, on.paused_for) == (None, timedelta(hours=2))
    look(after(hours=2, minutes=15))
    assert taken(ticket) == ["ack-quiet"]


def test_it_is_on_the_trail_and_a_second_look_changes_nothing(ticket):
    for _ in range(2):
        keep(held("proposal:17"), after(minutes=1))
    for _ in range(2):
        keep(RUNNING, after(minutes=2))
    lines = TrailLine.objects.filter(what__in=["ticket.paused", "ticket.resumed"]).order_by("pk")
    assert [(line.what, line.why) for line in lines] == [
        ("ticket.paused", "Both clocks stand still while its record is on hold."),
        ("ticket.resumed", "Not any more: its record is on hold."),
    ]  # fmt: skip


def test_only_business_time_is_added(ticket):
    """From Monday 16:30 to Tuesday 9:30 is an hour of work."""
    keep(held("proposal:17", since=after(hours=7)), after(hours=7))
    keep(RUNNING, after(days=1))
    assert reread(ticket).paused_for == timedelta(hours=1)


def test_one_record_of_several_on_hold_stops_nothing(ticket):
    open_one(subject="outcome:two", record="proposal:18")
    keep(held("proposal:17"), MONDAY)
    assert reread(ticket).paused_since is None
    # Once the other one came right, all that is left is on hold.
    troubles.settle(subject="outcome:two", because="x", by=CARRIER, at=after(minutes=1))
    keep(held("proposal:17"), after(minutes=1))
    assert reread(ticket).paused_by_rule == "record-on-hold"


def test_the_ticket_of_the_hold_itself_goes_on(staff):
    hold = open_one("hold", kind="on-hold", subject="hold:3")
    keep(held("proposal:17"), after(minutes=1))
    assert reread(hold).paused_since is None


def test_while_its_connection_is_down_its_tickets_wait_and_the_outage_does_not(ticket):
    outage = open_one("outage", subject="connection:hubspot", record="")
    keep(down(), after(minutes=1))
    assert reread(ticket).paused_by_rule == "connection-down"
    assert reread(outage).paused_since is None


def test_a_pause_survives_a_change_of_the_sla(ticket, rosa):
    keep(held("proposal:17"), MONDAY)
    keep(RUNNING, after(hours=1))
    deadlines.publish(kind="", severity="high", agreed=Terms(60, 120), by=rosa, at=after(hours=1))
    changed = reread(ticket)
    assert (changed.ack_due_at, changed.fix_due_at) == (after(hours=2), after(hours=3))


def test_an_sla_changed_while_it_stands_still_counts_with_the_pause(ticket, rosa):
    keep(held("proposal:17"), MONDAY)
    deadlines.publish(kind="", severity="high", agreed=Terms(60, 120), by=rosa, at=after(hours=1))
    keep(RUNNING, after(hours=2))
    assert reread(ticket).fix_due_at == after(hours=4)
    deadlines.follow(kind="", severity="high", by=SETUP, at=after(hours=2))
    assert reread(ticket).fix_due_at == after(hours=4)


def test_what_was_due_before_it_stopped_is_done_all_the_same(ticket):
    keep(held("proposal:17", since=after(minutes=20)), after(hours=2))
    assert taken(ticket) == ["ack-quiet"]
    keep(RUNNING, after(hours=2, minutes=20))
    assert reread(ticket).ack_due_at == after(hours=2, minutes=30)


def test_what_stands_still_is_overdue_only_as_far_as_it_was(ticket):
    keep(held("proposal:17", since=after(minutes=10)), after(minutes=10))
    assert not Ticket.objects.overdue(at=after(hours=8)).exists()
    keep(RUNNING, after(minutes=20))
    assert Ticket.objects.overdue(at=after(minutes=41)).exists()
    keep(held("proposal:17", since=after(minutes=50)), after(minutes=50))
    assert Ticket.objects.overdue(at=after(hours=8)).exists()


def test_an_acknowledgement_does_not_lapse_while_it_waits(ticket, olivia):
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    desk.acknowledge(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    keep(held("proposal:17"), after(minutes=1))
    keep(RUNNING, after(hours=5))
    look(after(hours=5))
    assert reread(ticket).status == "acknowledged"
    # What was acknowledged in time keeps the time it was to be acknowledged by.
    assert reread(ticket).ack_due_at == after(minutes=30)


def test_what_is_not_on_the_trail_did_not_stop(ticket, broken_trail):
    broken_trail()
    keep(held("proposal:17"), MONDAY)
    assert reread(ticket).paused_since is None


def test_one_that_cannot_be_helped_does_not_stand_before_the_others(ticket, monkeypatch):
    other, stop = open_one("two"), clocks._stop

    def stops(one, *more):
        if one.pk == ticket.pk:
            raise TrailBroken
        stop(one, *more)

    monkeypatch.setattr(clocks, "_stop", stops)
    keep(held("proposal:17"), MONDAY)
    assert [reread(one).paused_since for one in (ticket, other)] == [None, MONDAY]


def test_who_has_time_for_one_only_begins_with_the_rest_the_next_time(ticket, monkeypatch):
    tickets = [ticket, open_one("two"), open_one("three")]
    for _ in tickets:
        next(clocks.keep(held("proposal:17"), at=MONDAY))
    assert [reread(one).paused_since for one in tickets] == [MONDAY] * 3
    # What is as it should be is not even held again.
    monkeypatch.setattr(clocks.keeping, "locked", None)
    assert keep(held("proposal:17"), after(minutes=1)) == []


def test_the_many_of_one_outage_do_not_stand_before_everything_else(ticket):
    many = [ticket, *(open_one(f"more-{number}") for number in range(5))]
    held_up = open_one("held", record="proposal:18", connection="billing")
    goes_on = open_one("back", record="proposal:19", connection="billing")
    keep(held("proposal:19"), MONDAY)
    both = Still({"proposal:18": MONDAY}, {"hubspot": MONDAY})
    turns = keep(both, after(minutes=1))
    assert set(turns[:3]) == {many[0].pk, held_up.pk, goes_on.pk}
    assert turns[3:] == [one.pk for one in many[1:]]


def test_what_was_resolved_meanwhile_is_left_alone(ticket, olivia):
    other = open_one("two")
    keep(held("proposal:17"), MONDAY)
    going = clocks.keep(RUNNING, at=after(minutes=1))
    assert next(going) == ticket.pk
    desk.claim(ticket_id=other.pk, by=olivia, at=MONDAY)
    desk.resolve(ticket_id=other.pk, resolution="fixed", by=olivia, at=MONDAY)
    before = TrailLine.objects.count()
    list(going)
    assert (reread(other).next_step_at, TrailLine.objects.count()) == (None, before)
