"""What comes back soon reopens its ticket; later it is a new one; what was not proven is asked."""

from datetime import timedelta
from decimal import Decimal

import pytest

from exceptions import delegation, desk, jobs, money, rechecking, reopening, troubles
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from meshline.people.models import Absence
from tests.exceptions.conftest import CARRIER, MONDAY, look, open_one, trouble
from tests.factories import reread

pytestmark = pytest.mark.django_db
LATER = MONDAY + timedelta(minutes=5)
WEEK = timedelta(days=7)


def settle(subject, at=LATER):
    troubles.settle(subject=subject, because="It is there.", by=CARRIER, at=at)


def recheck(at):
    return list(rechecking.look(at=at))


@pytest.fixture
def fixed(ticket, olivia):
    """Resolved by hand, though nothing shows that it is right."""
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    desk.acknowledge(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    return desk.resolve(ticket_id=ticket.pk, resolution="fixed", note="Told", by=olivia, at=LATER)


# --- The same trouble again ------------------------------------------------------------------
def test_the_same_cause_within_a_week_opens_the_same_ticket_with_its_history(fixed, olivia):
    at = LATER + WEEK
    again = open_one(at=at, reason="It failed again.")
    assert again.pk == fixed.pk
    assert (again.status, again.reopened, again.reopened_at) == ("open", 1, at)
    assert (again.resolution, again.resolved_at, again.claimed_by) == ("", None, None)
    assert (again.acknowledged_at, again.first_acknowledged_at) == (None, MONDAY)
    assert again.reason == "It failed again."
    line = TrailLine.objects.get(what="ticket.reopened")
    assert (line.before["resolution"], line.before["note"]) == ("fixed", "Told")
    assert line.why == "It happened again: It failed again."
    assert Notice.objects.filter(user=olivia, text__startswith="Reopened").count() == 1


def test_reopened_both_clocks_begin_again_and_so_do_their_steps(fixed):
    look(MONDAY + timedelta(hours=1))
    at = MONDAY + timedelta(days=1)
    again = open_one(at=at)
    assert again.ack_due_at == at + timedelta(minutes=30)
    assert again.fix_due_at == at + timedelta(hours=4)
    look(at + timedelta(minutes=15))
    assert list(again.steps.filter(round=1).values_list("name", flat=True)) == ["ack-quiet"]


def test_after_a_week_it_is_a_new_ticket_that_follows_the_old_one(fixed):
    new = open_one(at=LATER + WEEK + timedelta(seconds=1))
    assert new.pk != fixed.pk
    assert (new.follows, new.reopened) == (fixed, 0)
    assert TrailLine.objects.filter(what="ticket.opened").latest("pk").after["follows"] == fixed.pk


def test_what_closed_on_evidence_reopens_as_well(ticket):
    settle("outcome:one")
    assert open_one(at=LATER).reopened == 1


def test_what_became_part_of_another_ticket_is_followed_not_reopened(ticket, olivia):
    desk.resolve(ticket_id=ticket.pk, resolution="duplicate", by=olivia, at=LATER)
    new = open_one(at=LATER)
    assert (new.pk != ticket.pk, new.follows) == (True, ticket)


def test_it_goes_to_who_answers_for_it_now(fixed, olivia, rosa):
    Absence.objects.create(
        user=olivia, stand_in=rosa, starts_at=LATER, ends_at=LATER + timedelta(days=2)
    )
    again = open_one(at=LATER + timedelta(hours=1))
    assert (again.owner, again.stands_in_for) == (rosa, olivia)


def test_one_that_cannot_be_looked_at_does_not_stand_before_the_others(fixed, olivia, monkeypatch):
    other, look = open_one("two"), rechecking._look_at
    desk.claim(ticket_id=other.pk, by=olivia, at=LATER)
    desk.resolve(ticket_id=other.pk, resolution="fixed", by=olivia, at=LATER)

    def looks(pk, at):
        if pk == fixed.pk:
            raise ValueError("Broken")
        look(pk, at)

    monkeypatch.setattr(rechecking, "_look_at", looks)
    day = LATER + timedelta(days=1)
    assert recheck(day) == [fixed.pk, other.pk]
    assert [reread(one).status for one in (fixed, other)] == ["resolved", "open"]
    # It is tried again, a while later.
    monkeypatch.undo()
    assert recheck(day) == []
    assert recheck(day + rechecking.TRIED_AGAIN_AFTER) == [fixed.pk]
    assert reread(fixed).is_unresolved


def test_looked_at_again_it_is_still_its_owners_for_somebody_else(ticket, olivia, rosa, staff):
    away = {"starts_at": MONDAY, "ends_at": LATER + timedelta(days=9)}
    Absence.objects.create(user=olivia, stand_in=rosa, **away)
    assert sum(delegation.hand_over(at=MONDAY)) == 1
    desk.resolve(ticket_id=ticket.pk, resolution="fixed", by=rosa, at=LATER)
    recheck(LATER + timedelta(days=1))
    again = reread(ticket)
    assert (again.status, again.owner, again.stands_in_for) == ("open", rosa, olivia)


def test_what_was_handed_up_before_it_was_resolved_is_not_any_more(ticket, olivia, rosa):
    for times in (1, 2):
        desk.escalate(ticket_id=ticket.pk, reason="x", by=olivia, at=MONDAY)
        assert reread(ticket).escalated == 1
        # Whoever gets it is told each time.
        assert Notice.objects.of(rosa).filter(text__startswith="Escalated to").count() == times
        desk.resolve(ticket_id=ticket.pk, resolution="fixed", by=rosa, at=LATER)
        again = open_one(at=LATER)
        assert (again.escalated, again.owner) == (0, olivia)


def test_a_reopened_ticket_counts_its_money_again(ticket, olivia):
    open_one(subject="outcome:two", record="proposal:18")
    settle("outcome:one")
    assert reread(ticket).amount_at_risk == Decimal("1234.50")
    settle("outcome:two")
    assert reread(ticket).amount_at_risk == Decimal("2469.00")
    assert open_one(subject="outcome:two", record="proposal:18", at=LATER).amount_at_risk == (
        Decimal("1234.50")
    )


# --- Resolved by hand ------------------------------------------------------------------------
def test_resolved_without_proof_it_is_unverified_and_looked_at_again(fixed):
    # A working day after it was resolved.
    assert (fixed.is_unverified, fixed.recheck_at) == (True, LATER + timedelta(days=1))
    assert recheck(LATER + timedelta(hours=23)) == []
    assert reread(fixed).status == "resolved"


def test_proven_meanwhile_it_is_verified_and_stays_closed(fixed):
    settle("outcome:one", at=LATER + timedelta(hours=1))
    proven = reread(fixed)
    assert (proven.status, proven.is_unverified, proven.recheck_at) == ("resolved", False, None)
    line = TrailLine.objects.get(what="ticket.verified")
    assert line.why == "It is there."
    assert recheck(LATER + WEEK) == []


def test_not_proven_by_then_it_is_open_again_and_says_why(fixed, olivia):
    at = LATER + timedelta(days=1)
    with instant.stopped(at):
        jobs.look_again()
        jobs.look_again()
    again = reread(fixed)
    assert (again.status, again.owner, again.reopened, again.is_unverified) == (
        "open", olivia, 1, False,
    )  # fmt: skip
    line = TrailLine.objects.get(what="ticket.reopened")
    assert line.why == (
        "Olivia Ortiz resolved it (fixed), and 1 thing on it is still not proven to be right."
    )


@pytest.mark.parametrize(
    ("resolution", "unverified"), [("won't fix", True), ("no action", True), ("duplicate", False)]
)
def test_who_says_that_nothing_came_right_is_not_asked_again(
    ticket, olivia, resolution, unverified
):
    done = desk.resolve(ticket_id=ticket.pk, resolution=resolution, by=olivia, at=LATER)
    assert (done.is_unverified, done.recheck_at) == (unverified, None)


def test_resolved_when_all_was_proven_there_is_nothing_to_ask(ticket, olivia):
    ticket.all_occurrences.update(settled_at=LATER)
    done = desk.resolve(ticket_id=ticket.pk, resolution="fixed", by=olivia, at=LATER)
    assert (done.is_unverified, done.recheck_at) == (False, None)


def test_one_that_came_back_on_a_ticket_of_its_own_is_left_to_that_one(fixed, monkeypatch):
    monkeypatch.setattr(reopening, "is_near", lambda ticket, at: False)
    other = open_one(at=LATER)
    recheck(LATER + timedelta(days=1))
    assert (reread(fixed).status, reread(fixed).recheck_at) == ("resolved", None)
    line = TrailLine.objects.get(what="ticket.not-verified")
    assert f"ticket {other.pk} is open" in line.why


# --- What is one cause -----------------------------------------------------------------------
def test_the_fingerprint_tells_apart_what_its_parts_tell_apart(staff):
    one = open_one("same", contract="signed", step="invoice", failure="refused-400")
    for changes in (
        {"contract": "sent"}, {"step": "deal"}, {"failure": "refused-422"}, {"field_name": "amount"}
    ):  # fmt: skip
        parts = {"contract": "signed", "step": "invoice", "failure": "refused-400"}
        assert open_one("same", **{**parts, **changes}).pk != one.pk
    assert open_one("same", contract="signed", step="invoice", failure="refused-400").pk == one.pk
    assert one.cause == "cause-same:signed:invoice:refused-400"


def test_a_part_that_the_cause_names_already_is_not_named_twice():
    assert trouble(cause="a:b", failure="b").fingerprint == "a:b"


def test_a_long_cause_keeps_its_parts():
    long = trouble(cause="x" * 400, contract="signed").fingerprint
    assert (len(long), long[-7:]) == (300, ":signed")


# --- A hundred of them -----------------------------------------------------------------------
def test_a_hundred_failures_are_one_ticket_one_notice_and_add_up(staff, olivia):
    for number in range(100):
        open_one(
            "same", subject=f"outcome:{number}", record=f"proposal:{number // 2}",
            amount=Decimal(10 + number // 2), currency="EUR" if number < 60 else "USD",
            severity="critical" if number == 70 else "", at=MONDAY + timedelta(seconds=number),
        )  # fmt: skip
    ticket = Ticket.objects.get()
    assert ticket.occurrences == ticket.all_occurrences.count() == 100
    assert Notice.objects.filter(user=olivia).count() == 1
    # Each record once: 10 to 39 in euro, 40 to 59 in dollars.
    assert ticket.amount_words == "990.00 USD + 735.00 EUR"
    assert ticket.severity == "critical"
    assert ticket.ack_due_at == MONDAY + timedelta(minutes=15)
    line = TrailLine.objects.get(what="ticket.graver")
    assert (line.before, line.after) == ({"severity": "high"}, {"severity": "critical"})


def test_a_record_on_several_tickets_blocks_its_money_once(staff):
    open_one("a")
    open_one("b", subject="outcome:b")
    open_one("c", subject="outcome:c", record="proposal:18", amount=Decimal(5), currency="USD")
    open_one("d", subject="outcome:d", record="", amount=Decimal(1))
    assert money.blocked(Ticket.objects.all()) == [("EUR", Decimal("1235.50")), ("USD", Decimal(5))]
    settle("outcome:one")
    assert money.blocked(Ticket.objects.all())[0] == ("EUR", Decimal("1235.50"))
