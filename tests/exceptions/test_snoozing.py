"""A ticket sleeps: its clocks go on, it is in nobody's way, and it comes back by itself."""

from datetime import timedelta

import pytest

from exceptions import (
    clocks,
    delegation,
    desk,
    handing,
    jobs,
    metrics,
    owners,
    remedying,
    snoozing,
)  # fmt: skip
from exceptions.models import Ticket
from exceptions.states import MoveError
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from meshline.people.permissions import NotAllowed
from meshline.timetable import TASKS
from tests.exceptions.conftest import MONDAY, TrailBroken, look, open_one
from tests.factories import reread

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday", "staff")]
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def sleeps(ticket, by, *, until=MONDAY + 20 * MINUTE, at=MONDAY, reason="They call back."):
    return snoozing.snooze(ticket_id=ticket.pk, until=until, reason=reason, by=by, at=at)


def in_tab(name, user, at=MONDAY):
    return set(Ticket.objects.filter(metrics.tabs(user, at=at)[name]).values_list("pk", flat=True))


def story(ticket):
    lines = TrailLine.objects.filter(subject_kind="ticket", subject_id=str(ticket.pk))
    return [(line.what, line.actor_label, line.why) for line in lines.order_by("pk")][1:]


def test_it_leaves_the_default_views_and_is_found_among_those_asleep(ticket, olivia):
    other = open_one("other")
    sleeps(ticket, olivia)
    for tab in ("mine", "unclaimed"):
        assert in_tab(tab, olivia) == {other.pk}
    assert in_tab("asleep", olivia) == {ticket.pk}
    assert in_tab("open", olivia) == {ticket.pk, other.pk}


def test_what_somebody_has_claimed_leaves_their_view_as_well(ticket, olivia):
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    sleeps(ticket, olivia)
    assert in_tab("mine", olivia) == set()


def test_its_clocks_go_on(ticket, olivia):
    before = (ticket.ack_due_at, ticket.fix_due_at)
    sleeps(ticket, olivia, until=MONDAY + timedelta(days=3))
    assert (reread(ticket).ack_due_at, reread(ticket).fix_due_at) == before
    # Due before it wakes: overdue all the same.
    assert in_tab("overdue", olivia, MONDAY + HOUR) == {ticket.pk}


def test_it_comes_back_when_its_time_is_over_even_before_the_clock_looks(ticket, olivia):
    sleeps(ticket, olivia)
    assert in_tab("mine", olivia, MONDAY + 20 * MINUTE) == {ticket.pk}


def test_the_clock_wakes_it_once_and_says_so(ticket, olivia, rosa):
    sleeps(ticket, rosa)
    assert snoozing.wake_due(at=MONDAY + 19 * MINUTE) == 0
    for _ in range(2):
        with instant.stopped(MONDAY + 20 * MINUTE):
            jobs.wake()
    assert reread(ticket).snoozed_until is None
    assert [line[:2] for line in story(ticket)] == [
        ("ticket.snoozed", "Rosa Marin (RevOps manager)"), ("ticket.woken", "The alarm"),
    ]  # fmt: skip
    words = "Awake. Its time to sleep is over: Delivery of one failed"
    for user in (olivia, rosa):
        assert Notice.objects.of(user).filter(text=words).count() == 1
    assert "exceptions.jobs.wake" in {task.run for task in TASKS}


def test_coming_due_wakes_it_before_its_time(ticket, olivia):
    sleeps(ticket, olivia, until=MONDAY + timedelta(days=3))
    assert snoozing.wake_due(at=ticket.ack_due_at - MINUTE) == 0
    assert snoozing.wake_due(at=ticket.ack_due_at) == 1
    assert story(ticket)[-1][2] == "It is due."


def test_once_acknowledged_its_second_deadline_wakes_it(ticket, olivia):
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    desk.acknowledge(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    sleeps(ticket, olivia, until=MONDAY + timedelta(days=3))
    assert snoozing.wake_due(at=ticket.ack_due_at) == 0
    assert snoozing.wake_due(at=ticket.fix_due_at) == 1


def test_what_was_overdue_when_it_fell_asleep_may_sleep(ticket, olivia):
    late = ticket.fix_due_at + MINUTE
    sleeps(ticket, olivia, at=late, until=late + HOUR)
    assert snoozing.wake_due(at=late + 59 * MINUTE) == 0
    assert snoozing.wake_due(at=late + HOUR) == 1


@pytest.mark.parametrize("subject", ["outcome:one", "outcome:two"])
def test_happening_again_wakes_it(ticket, olivia, subject):
    sleeps(ticket, olivia)
    open_one(subject=subject, at=MONDAY + MINUTE)
    assert reread(ticket).snoozed_until is None
    assert story(ticket)[-1] == ("ticket.woken", "The alarm", "It happened again.")


ACTS = {
    "claim": (desk.claim, {}),
    "acknowledge": (desk.acknowledge, {}),
    "release": (desk.release, {}),
    "assign": (handing.assign, {"to": "rosa"}),
    "escalate": (desk.escalate, {"reason": "The CFO asks."}),
    "resolve": (desk.resolve, {"resolution": "fixed"}),
    "keep": (delegation.keep, {}),
}


@pytest.mark.parametrize("act", ACTS)
def test_whoever_takes_it_up_wakes_it_and_its_line_says_so(ticket, olivia, rosa, act):
    verb, asked = ACTS[act]
    if act in ("acknowledge", "release"):
        desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    Ticket.objects.update(stands_in_for=rosa)
    sleeps(ticket, olivia)
    asked = asked | ({"to": rosa} if "to" in asked else {})
    verb(ticket_id=ticket.pk, by=olivia, at=MONDAY + MINUTE, **asked)
    woken = reread(ticket)
    assert (woken.snoozed_until, woken.resumed_at) == (None, MONDAY + MINUTE)
    line = TrailLine.objects.filter(subject_id=str(ticket.pk)).newest_first()[0]
    until = (MONDAY + 20 * MINUTE).isoformat().replace("+00:00", "Z")
    assert (line.before["asleep until"], line.after["asleep until"]) == (until, "")


def test_putting_right_what_it_is_about_wakes_it(ticket, olivia):
    sleeps(ticket, olivia)
    remedying.tell(ticket, "Sent again.", by=olivia, at=MONDAY + MINUTE)
    assert reread(ticket).snoozed_until is None
    assert TrailLine.objects.get(what="ticket.remedied").after["asleep until"] == ""


def test_new_owners_get_it_awake(ticket, olivia, staff):
    sleeps(ticket, olivia)
    change = owners.Change("delivery", {"responsible": [staff["sam"]]})
    owners.publish(change, with_open=True, by=staff["rosa"], at=MONDAY + MINUTE)
    found = reread(ticket)
    assert (found.owner, found.snoozed_until) == (staff["sam"], None)
    line = TrailLine.objects.get(what="ticket.owner-changed")
    assert (line.before["asleep until"] != "", line.after["asleep until"]) == (True, "")


def test_while_its_clocks_stand_still_nothing_comes_due_that_would_wake_it(ticket, olivia):
    sleeps(ticket, olivia, until=MONDAY + 6 * HOUR)
    list(clocks.keep(clocks.Still({"proposal:17": MONDAY}, {}), at=MONDAY))
    assert snoozing.wake_due(at=ticket.ack_due_at) == 0
    # Its own time to sleep is over all the same.
    assert snoozing.wake_due(at=MONDAY + 6 * HOUR) == 1


def test_a_person_wakes_it_and_it_is_awake_once(ticket, olivia):
    with pytest.raises(MoveError, match="It is awake"):
        snoozing.wake(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    sleeps(ticket, olivia)
    snoozing.wake(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    assert in_tab("mine", olivia) == {ticket.pk}


@pytest.mark.parametrize(
    ("until", "says"),
    [
        (MONDAY, "still to come"),
        (MONDAY - MINUTE, "still to come"),
        (MONDAY + timedelta(days=7, seconds=1), "7 days at most, so Mon 9 Mar, 09:30 UTC"),
    ],
)
def test_it_sleeps_neither_in_the_past_nor_for_longer_than_a_week(ticket, olivia, until, says):
    with pytest.raises(ValueError, match=says):
        sleeps(ticket, olivia, until=until)
    assert reread(ticket).snoozed_until is None


@pytest.mark.parametrize("reason", ["", "  ", "x" * 301])
def test_it_sleeps_for_a_reason(ticket, olivia, reason):
    with pytest.raises(ValueError, match="Reason: "):
        sleeps(ticket, olivia, reason=reason)


def test_nobody_puts_to_sleep_what_another_has_claimed(ticket, olivia, rosa):
    desk.claim(ticket_id=ticket.pk, by=rosa, at=MONDAY)
    with pytest.raises(NotAllowed, match="Rosa Marin has claimed this"):
        sleeps(ticket, olivia)


def test_sleep_without_its_trail_line_does_not_happen(ticket, olivia, broken_trail):
    broken_trail()
    with pytest.raises(TrailBroken):
        sleeps(ticket, olivia)
    assert reread(ticket).snoozed_until is None


def test_the_ticket_says_until_when_and_why(as_, olivia, ticket):
    sleeps(ticket, olivia)
    text = as_(olivia).get(f"/queue/{ticket.pk}/").text
    assert "until Mon 2 Mar, 09:50, by Olivia Ortiz: They call back." in text
    assert f'action="/queue/{ticket.pk}/wake/"' in text


def test_what_was_acknowledged_is_not_forgotten_the_moment_it_wakes(ticket, olivia):
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    desk.acknowledge(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    wakes = MONDAY + timedelta(days=2)
    Ticket.objects.update(fix_due_at=wakes + timedelta(days=2))
    sleeps(ticket, olivia, until=wakes)
    snoozing.wake_due(at=wakes)
    for at, status in ((wakes + 3 * HOUR, "acknowledged"), (wakes + 4 * HOUR, "open")):
        look(at)
        assert reread(ticket).status == status


def test_handed_up_while_it_sleeps_it_stands_before_whoever_gets_it(ticket, olivia, rosa):
    asleep = MONDAY + timedelta(minutes=31)
    sleeps(ticket, olivia, at=asleep, until=MONDAY + 6 * HOUR)
    look(MONDAY + timedelta(minutes=46))
    handed = reread(ticket)
    assert (handed.owner != olivia, handed.snoozed_until) == (True, None)
