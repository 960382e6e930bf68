"""What keeps coming back is to be fixed for good: when, once, whose, and whether it held."""

from datetime import timedelta

import pytest

from exceptions import (
    desk,
    escalation_terms,
    permanent_fixes,
    rechecking,
    recurring,
    reopening,
    troubles,
)
from exceptions.models import PermanentFix, Ticket
from meshline.audit.actors import SETUP
from meshline.policy.models import Company
from tests.exceptions.conftest import MONDAY, open_one
from tests.factories import reread
from tests.reading import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
NOW = MONDAY + 3 * WEEK + timedelta(hours=2)
SIGNED = {"contract": "signed", "step": "deal", "failure": "rejected"}


def happens(at, name="same", *, subject="", **changes):
    """The same cause does something: its ticket opens, opens again, or has one more on it."""
    facts = {"connection": "hubspot", **SIGNED, **changes}
    return open_one(name, at=at, subject=subject or f"outcome:{name}-{at.isoformat()}", **facts)


def settled(ticket, at):
    for subject in troubles.unsettled(ticket):
        troubles.settle(subject=subject, because="Delivered.", by=SETUP, at=at)


def resolved(ticket, by, at, resolution="mapping gap"):
    desk.claim(ticket_id=ticket.pk, by=by, at=at)
    desk.resolve(ticket_id=ticket.pk, resolution=resolution, by=by, at=at)
    return reread(ticket)


def look(at=NOW):
    return list(permanent_fixes.look(at=at))


def fixes():
    return Ticket.objects.filter(kind="permanent-fix").order_by("pk")


def three_weeks():
    """The same cause, closed on evidence each time, in three of the last four weeks."""
    for weeks in (0, 2, 3):
        at = MONDAY + weeks * WEEK
        settled(happens(at), at + timedelta(hours=1))


def five_fixes(by, resolution="workaround", *, of=5):
    for number in range(of):
        at = NOW - timedelta(days=2, minutes=10 * number)
        resolved(happens(at, f"cause-{number}"), by, at, resolution)


# --- When, and once ------------------------------------------------------------------------------
def test_three_of_the_last_four_weeks_open_one_ticket(olivia):
    three_weeks()
    (fix,) = look()
    assert (fix.kind, fix.status, fix.owner, fix.process) == (
        "permanent-fix", "open", olivia, "delivery",
    )  # fmt: skip
    assert fix.reason == "The same cause in 3 of the last 4 weeks."
    assert fix.title == "Keeps coming back: Delivery failed (signed, deal, rejected)"
    assert fix.evidence["weeks beginning"] == "2026-03-02, 2026-03-16, 2026-03-23"
    assert fix.evidence["tickets in the 4 weeks before"] == 3
    cause = PermanentFix.objects.get(ticket=fix)
    assert (cause.kind, cause.step, cause.resolution) == ("delivery-failed", "deal", "")


@pytest.mark.parametrize("days", [0, 1, 5])
def test_looking_again_opens_nothing_and_changes_nothing(days):
    three_weeks()
    look()
    version = Ticket.objects.filter(kind="permanent-fix").values().get()
    assert look(NOW + days * DAY) == []
    assert fixes().values().get() == version


def test_two_weeks_are_no_recurrence_and_neither_are_many_times_in_one():
    for hours in range(6):
        happens(MONDAY + timedelta(hours=hours))
        happens(MONDAY + WEEK + timedelta(hours=hours))
    assert look() == []


def test_what_happened_before_those_weeks_does_not_count():
    for weeks in (0, 1, 3):
        happens(MONDAY + weeks * WEEK)
    assert look(MONDAY + 4 * WEEK) == []


def test_weeks_are_those_of_the_company():
    """A Sunday night in UTC is Monday in Auckland."""
    sunday = MONDAY - timedelta(hours=14)
    for at in (sunday, MONDAY, MONDAY + WEEK):
        happens(at)
    Company.objects.update(zone="Pacific/Auckland")
    assert look(MONDAY + WEEK + DAY) == []
    Company.objects.update(zone="UTC")
    assert len(look(MONDAY + WEEK + DAY)) == 1


def test_one_subject_that_opens_its_ticket_again_and_again_is_counted():
    """An outage is always about the same connection: nothing new ever hangs on its ticket."""
    for weeks in (0, 1, 2):
        at = MONDAY + weeks * (WEEK - timedelta(hours=2))
        ticket = happens(at, subject="connection:hubspot")
        settled(ticket, at + timedelta(hours=1))
    assert Ticket.objects.count() == 1
    assert len(look()) == 1


def test_what_was_only_never_proven_did_not_come_back(olivia):
    ticket = resolved(happens(MONDAY), olivia, MONDAY, "fixed")
    for weeks in (1, 2):
        reopening.reopen(ticket, why="Not proven", by=SETUP, at=MONDAY + weeks * WEEK)
        ticket = resolved(reread(ticket), olivia, MONDAY + weeks * WEEK + DAY)
    assert look() == []


def test_five_times_the_same_fix_by_hand_open_one_ticket(olivia):
    five_fixes(olivia, of=4)
    assert look() == []
    at = NOW - DAY
    resolved(happens(at, "fifth", connection="stripe"), olivia, at, "workaround")
    (fix,) = look()
    assert fix.reason == "Resolved by hand as “workaround” 5 times within 28 days."
    assert PermanentFix.objects.get(ticket=fix).resolution == "workaround"
    assert look(NOW + DAY) == []


@pytest.mark.parametrize("resolution", ["duplicate", "no action", "won't fix"])
def test_what_put_nothing_right_is_no_fix(olivia, resolution):
    five_fixes(olivia, resolution)
    assert look() == []


def test_other_reasons_other_steps_and_older_ones_are_not_the_same_fix(olivia):
    five_fixes(olivia, of=3)
    resolved(happens(NOW - DAY, "x"), olivia, NOW - DAY, "fixed")
    resolved(happens(NOW - DAY, "y", step="invoice"), olivia, NOW - DAY, "workaround")
    old = NOW - timedelta(days=29)
    resolved(happens(old, "z"), olivia, old, "workaround")
    assert look() == []


def test_a_fix_that_did_not_last_counts_each_time_it_was_made(olivia):
    at = NOW - timedelta(days=5)
    for number in range(5):
        ticket = happens(at + number * timedelta(hours=2))
        resolved(ticket, olivia, at + timedelta(hours=2 * number + 1), "workaround")
    assert Ticket.objects.count() == 1
    (fix,) = look()
    assert "5 times" in fix.reason


def test_both_at_once_are_one_ticket(olivia):
    three_weeks()
    five_fixes(olivia)
    assert len(look()) == 1
    assert look(NOW + DAY) == []


def test_the_fix_by_hand_that_is_open_covers_a_cause_of_it(olivia):
    five_fixes(olivia)
    look()
    three_weeks()
    assert look() == []


def test_two_causes_of_one_pattern_are_two_tickets():
    for weeks in (0, 2, 3):
        for name in ("hubspot", "stripe"):
            at = MONDAY + weeks * WEEK
            settled(happens(at, name, connection=name), at + timedelta(hours=1))
    assert len(look()) == 2


def test_the_numbers_are_those_that_were_agreed_on(rosa):
    for weeks in (2, 3):
        happens(MONDAY + weeks * WEEK)
    assert look() == []
    escalation_terms.change({"recurs_in_weeks": 2, "recurs_of_weeks": 2}, by=rosa, at=NOW)
    assert len(look()) == 1


# --- Whether it held -----------------------------------------------------------------------------
@pytest.fixture
def fixed(olivia):
    """The permanent fix of a cause, resolved on Monday at noon."""
    three_weeks()
    (fix,) = look()
    return resolved(fix, olivia, NOW, "fixed")


def page(client, ticket):
    return words(client.get(f"/queue/{ticket.pk}/"))


def test_resolved_it_stays_so_while_nothing_happens(fixed):
    assert (fixed.is_unverified, fixed.recheck_at) == (True, None)
    assert list(rechecking.look(at=NOW + 5 * DAY)) == []
    assert look(NOW + DAY) == []
    assert look(NOW + 6 * DAY) == []
    assert reread(fixed).is_unverified


def test_a_week_without_it_proves_it(fixed):
    assert look(NOW + WEEK) == [fixed]
    proven = reread(fixed)
    assert (proven.status, proven.resolution, proven.is_unverified) == ("resolved", "fixed", False)
    assert look(NOW + WEEK + DAY) == []


def test_once_within_a_week_opens_it_again_once(fixed):
    happens(NOW + DAY)
    (again,) = look(NOW + 2 * DAY)
    assert (again.pk, again.status, again.reopened) == (fixed.pk, "open", 1)
    assert again.reason == "It was resolved (fixed), and it happened again since."
    assert look(NOW + 3 * DAY) == []
    assert reread(fixed).reopened == 1


def test_what_nobody_meant_to_fix_does_not_come_back_at_once(olivia):
    three_weeks()
    (fix,) = look()
    resolved(fix, olivia, NOW, "won't fix")
    happens(NOW + DAY)
    assert look(NOW + 2 * DAY) == []


def test_later_it_counts_anew_and_is_another_ticket_that_follows(fixed):
    look(NOW + WEEK)
    for weeks in (2, 3):
        at = NOW + weeks * WEEK
        settled(happens(at), at + timedelta(hours=1))
    assert look(NOW + 3 * WEEK + DAY) == []
    happens(NOW + 4 * WEEK)
    (other,) = look(NOW + 4 * WEEK + DAY)
    assert (other.follows, other.status) == (fixed, "open")
    assert fixes().count() == 2


def test_its_page_compares_the_weeks_before_with_those_since(fixed, olivia, as_, at_that_time):
    for hours in (1, 2):
        happens(NOW + 10 * DAY + timedelta(hours=hours), f"x{hours}", contract="other")
    settled(happens(NOW + 9 * DAY), NOW + 9 * DAY + timedelta(hours=1))
    with at_that_time(NOW + 2 * WEEK):
        told = page(as_(olivia), fixed)
    assert "4 weeks before it was opened 3 0.8" in told
    assert "Since it was resolved 1 0.5" in told
    assert "It came back: once since it was resolved." in told


def test_it_says_that_it_did_not_hold_when_it_is_open_again(fixed, olivia, as_, at_that_time):
    happens(NOW + DAY)
    look(NOW + 2 * DAY)
    with at_that_time(NOW + 3 * DAY):
        told = page(as_(olivia), fixed)
    assert "It was resolved (fixed by Olivia Ortiz)" in told
    assert "Since it was opened 1 too soon to say" in told


def test_who_may_not_see_its_tickets_reads_none_of_them(fixed, staff, as_, at_that_time):
    Ticket.objects.filter(pk=fixed.pk).update(owner=staff["sam"])
    with at_that_time(NOW + DAY):
        told = page(as_(staff["sam"]), fixed)
    assert "None that you may see." in told


def test_two_clocks_at_once_open_one(olivia):
    """The second one waits for the company's row, and finds it open."""
    three_weeks()
    again = recurring.causes(escalation_terms.in_force(), at=NOW)
    look()
    agreed = escalation_terms.in_force()
    assert [permanent_fixes._open(one, agreed, NOW) for one in again] == [None]


def test_how_many_rows_there_are_makes_no_more_queries(django_assert_max_num_queries):
    three_weeks()
    with django_assert_max_num_queries(80):
        look()
    with django_assert_max_num_queries(20) as few:
        look()
    for number in range(8):
        happens(NOW - DAY, f"once-{number}")
    with django_assert_max_num_queries(len(few)):
        assert look() == []
