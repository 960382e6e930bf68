"""Tickets while somebody is out: with whom they are, whatever happens meanwhile."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from exceptions import delegation, desk, invariants, jobs
from exceptions.models import Ticket
from exceptions.states import MoveError
from meshline import instant
from meshline.audit import trail
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from meshline.people import people
from meshline.people.models import Team, User
from meshline.people.permissions import NotAllowed, Role
from meshline.policy import operating_model
from meshline.rota import absences, shifts
from tests import factories
from tests.exceptions.conftest import MONDAY, TrailBroken, open_one
from tests.factories import reread

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TUESDAY, NEXT = MONDAY + DAY, MONDAY + 7 * DAY


@pytest.fixture
def nils(staff):
    return factories.person(
        "nils@example.com", "Nils Aker", Role.OPERATOR, Team.objects.get(slug="revops")
    )


def out(user, stand_in=None, start=TUESDAY, end=NEXT, at=MONDAY):
    return absences.plan(
        user=user, stand_in=stand_in, starts_at=start, ends_at=end, by=SETUP, at=at
    )


def hand_over(at):
    """How many tickets moved."""
    return sum(delegation.hand_over(at=at))


def owner(ticket):
    now = reread(ticket)
    return now.owner.name, now.stands_in_for and now.stands_in_for.name


def deactivate(user, at):
    people.change(
        user_id=user.pk, name=user.name, role=user.role, team=user.team, zone=user.zone,
        is_active=False, by=SETUP, at=at,
    )  # fmt: skip


def made_a_viewer(user, at):
    people.change(
        user_id=user.pk, name=user.name, role=Role.VIEWER, team=user.team, zone=user.zone,
        is_active=True, by=SETUP, at=at,
    )  # fmt: skip


def lines(what):
    return TrailLine.objects.filter(what=f"ticket.{what}")


# --- At the start --------------------------------------------------------------------------------
def test_without_a_stand_in_it_goes_to_who_answers_for_it(ticket, olivia, nils):
    operating_model.set_raci(
        process="delivery", holders={"responsible": [olivia, nils]}, by=SETUP, at=MONDAY
    )
    out(olivia)
    assert hand_over(TUESDAY) == 1
    assert owner(ticket) == ("Nils Aker", "Olivia Ortiz")
    assert reread(ticket).owner_why == (
        "Olivia Ortiz is out until 9 Mar 2026, 09:30 UTC, and nobody stands in. "
        "Nils Aker is responsible for delivery."
    )


def test_of_a_team_it_goes_to_who_is_on_call(ticket, olivia, nils):
    team = Team.objects.get(slug="revops")
    for process in ("delivery", "exception-queue"):
        operating_model.set_raci(
            process=process, holders={"responsible": [team]}, by=SETUP, at=MONDAY
        )
    shifts.add(team=team, user=nils, starts_at=TUESDAY, ends_at=TUESDAY + DAY, by=SETUP, at=MONDAY)
    out(olivia)
    hand_over(TUESDAY)
    assert owner(ticket) == ("Nils Aker", "Olivia Ortiz")
    # Who is on call changes; what was found does not wander on from one to the next.
    assert hand_over(TUESDAY + 2 * DAY) == 0


def test_with_nobody_to_answer_it_goes_to_the_named_fallback(ticket, olivia):
    out(olivia)
    hand_over(TUESDAY)
    assert owner(ticket) == ("Rosa Marin", "Olivia Ortiz")
    assert "Rosa Marin is the fallback owner." in reread(ticket).owner_why


def test_the_deadlines_and_the_team_they_run_in_stay(ticket, olivia, staff):
    before = Ticket.objects.filter(pk=ticket.pk).values("ack_due_at", "fix_due_at", "team").get()
    out(olivia, staff["sam"])
    hand_over(TUESDAY)
    assert owner(ticket) == ("Sam Dube", "Olivia Ortiz")
    assert Ticket.objects.filter(pk=ticket.pk).values(*before).get() == before


def test_a_claim_goes_along_and_comes_back_acknowledged_as_it_was(olivia, rosa, nils):
    ticket = open_one()
    Ticket.objects.update(owner=rosa)
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    desk.acknowledge(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    out(olivia, nils)
    hand_over(TUESDAY)
    now = reread(ticket)
    assert (now.owner, now.claimed_by, now.claimed_for) == (rosa, nils, olivia)
    assert (now.status, now.acknowledged_by) == ("acknowledged", olivia)
    hand_over(NEXT)
    assert (reread(ticket).claimed_by, reread(ticket).claimed_for) == (olivia, None)


def test_a_claim_without_a_stand_in_falls_to_the_tickets_owner(ticket, rosa, olivia):
    desk.claim(ticket_id=ticket.pk, by=rosa, at=MONDAY)
    out(rosa)
    hand_over(TUESDAY)
    assert (reread(ticket).claimed_by, reread(ticket).claimed_for) == (olivia, rosa)


def test_what_a_stand_in_claims_goes_back_with_the_ticket(ticket, olivia, nils):
    out(olivia, nils)
    hand_over(TUESDAY)
    desk.claim(ticket_id=ticket.pk, by=nils, at=TUESDAY)
    hand_over(NEXT)
    assert (reread(ticket).owner, reread(ticket).claimed_by) == (olivia, olivia)


def test_what_somebody_else_claimed_stays_claimed_by_them(ticket, olivia, rosa, nils):
    out(olivia, nils)
    hand_over(TUESDAY)
    desk.claim(ticket_id=ticket.pk, by=rosa, at=TUESDAY)
    hand_over(NEXT)
    assert (reread(ticket).owner, reread(ticket).claimed_by) == (olivia, rosa)


def test_a_claim_that_was_released_is_nobodys_on_return(ticket, olivia, nils):
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    out(olivia, nils)
    hand_over(TUESDAY)
    desk.release(ticket_id=ticket.pk, by=nils, at=TUESDAY)
    hand_over(NEXT)
    assert (reread(ticket).owner, reread(ticket).claimed_by) == (olivia, None)


def test_who_is_out_claims_nothing(ticket, olivia, nils):
    out(olivia, nils)
    with pytest.raises(MoveError, match="You are out"):
        desk.claim(ticket_id=ticket.pk, by=olivia, at=TUESDAY)


# --- Meanwhile -----------------------------------------------------------------------------------
def test_twice_is_as_good_as_once(ticket, olivia, nils):
    out(olivia, nils)
    assert (hand_over(TUESDAY), hand_over(TUESDAY), hand_over(TUESDAY + HOUR)) == (1, 0, 0)
    assert lines("handed-over").count() == 1


def test_new_tickets_come_to_the_stand_in_and_go_back(olivia, nils):
    out(olivia, nils)
    late = open_one("late", at=TUESDAY + HOUR)
    assert owner(late) == ("Nils Aker", "Olivia Ortiz")
    hand_over(NEXT)
    assert owner(late) == ("Olivia Ortiz", None)


def test_the_owner_of_a_record_who_is_out_is_stood_in_for(olivia, nils, staff):
    out(olivia, nils)
    assert owner(open_one("a", at=TUESDAY, owner=olivia)) == ("Nils Aker", "Olivia Ortiz")
    assert owner(open_one("b", at=MONDAY, owner=olivia)) == ("Olivia Ortiz", None)
    out(staff["remy"])
    assert owner(open_one("c", at=TUESDAY, owner=staff["remy"])) == ("Nils Aker", "Olivia Ortiz")


def test_a_chain_goes_on_and_comes_back_link_by_link(ticket, olivia, rosa, nils):
    out(olivia, rosa, TUESDAY, NEXT)
    hand_over(TUESDAY)
    out(rosa, nils, TUESDAY + DAY, TUESDAY + 2 * DAY)
    hand_over(TUESDAY + DAY)
    assert owner(ticket) == ("Nils Aker", "Olivia Ortiz")
    hand_over(TUESDAY + 2 * DAY)
    assert owner(ticket) == ("Rosa Marin", "Olivia Ortiz")
    hand_over(NEXT)
    assert owner(ticket) == ("Olivia Ortiz", None)


def test_a_ring_falls_to_somebody_else(ticket, olivia, rosa, nils):
    operating_model.set_company(name="X", zone="UTC", fallback_owner=nils, by=SETUP, at=MONDAY)
    out(olivia, rosa)
    out(rosa, olivia)
    hand_over(TUESDAY)
    assert owner(ticket) == ("Nils Aker", "Olivia Ortiz")
    hand_over(NEXT)
    assert owner(ticket) == ("Olivia Ortiz", None)


def test_overlapping_absences_are_one_that_lasts_as_long_as_both(ticket, olivia, rosa, nils):
    out(olivia, nils, TUESDAY, TUESDAY + 2 * DAY)
    out(olivia, rosa, TUESDAY + DAY, NEXT)
    hand_over(TUESDAY)
    assert owner(ticket) == ("Nils Aker", "Olivia Ortiz")
    # The later one counts once it began; when the first ends, she is not back yet.
    hand_over(TUESDAY + DAY)
    assert owner(ticket) == ("Rosa Marin", "Olivia Ortiz")
    assert hand_over(TUESDAY + 2 * DAY) == 0
    hand_over(NEXT)
    assert owner(ticket) == ("Olivia Ortiz", None)


def test_ended_early_extended_or_cancelled(ticket, olivia, nils):
    planned = out(olivia, nils)
    absences.cancel(absence_id=planned.pk, by=SETUP, at=MONDAY)
    assert hand_over(TUESDAY) == 0

    planned = out(olivia, nils, TUESDAY, NEXT, at=TUESDAY)
    hand_over(TUESDAY)
    absences.change(
        absence_id=planned.pk, starts_at=planned.starts_at, ends_at=NEXT + DAY, stand_in=nils,
        note="", by=SETUP, at=TUESDAY + HOUR,
    )  # fmt: skip
    assert hand_over(NEXT) == 0
    absences.end(absence_id=planned.pk, by=SETUP, at=NEXT + HOUR)
    hand_over(NEXT + HOUR)
    assert owner(ticket) == ("Olivia Ortiz", None)


def test_another_stand_in_has_it_from_then_on(ticket, olivia, rosa, nils):
    planned = out(olivia, nils)
    hand_over(TUESDAY)
    absences.change(
        absence_id=planned.pk, starts_at=planned.starts_at, ends_at=planned.ends_at,
        stand_in=rosa, note="", by=SETUP, at=TUESDAY + HOUR,
    )  # fmt: skip
    hand_over(TUESDAY + HOUR)
    assert owner(ticket) == ("Rosa Marin", "Olivia Ortiz")


# --- What does not come back ---------------------------------------------------------------------
def test_what_was_escalated_or_kept_stays_there(olivia, rosa, nils):
    escalated, kept = open_one("escalated"), open_one("kept")
    out(olivia, nils)
    hand_over(TUESDAY)
    desk.escalate(ticket_id=escalated.pk, reason="Too big", by=nils, at=TUESDAY)
    delegation.keep(ticket_id=kept.pk, by=nils, at=TUESDAY)
    hand_over(NEXT)
    assert owner(escalated) == ("Rosa Marin", None)
    assert owner(kept) == ("Nils Aker", None)
    line = lines("kept").get()
    assert line.before == {"standing in for": "Olivia Ortiz"}


def test_who_may_keep(ticket, olivia, rosa, nils, staff):
    with pytest.raises(MoveError, match="nothing to keep"):
        delegation.keep(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    out(olivia, rosa)
    hand_over(TUESDAY)
    with pytest.raises(NotAllowed, match="Rosa Marin has it for Olivia Ortiz"):
        delegation.keep(ticket_id=ticket.pk, by=nils, at=TUESDAY)
    with pytest.raises(NotAllowed):
        delegation.keep(ticket_id=ticket.pk, by=staff["vera"], at=TUESDAY)
    desk.resolve(ticket_id=ticket.pk, resolution="fixed", by=rosa, at=TUESDAY)
    with pytest.raises(MoveError, match="resolved"):
        delegation.keep(ticket_id=ticket.pk, by=rosa, at=TUESDAY)


def test_keeping_without_its_trail_line_does_not_happen(ticket, olivia, rosa, broken_trail):
    out(olivia, rosa)
    hand_over(TUESDAY)
    broken_trail()
    with pytest.raises(TrailBroken):
        delegation.keep(ticket_id=ticket.pk, by=rosa, at=TUESDAY)
    assert owner(ticket) == ("Rosa Marin", "Olivia Ortiz")


# --- Who leaves ----------------------------------------------------------------------------------
def test_what_somebody_leaves_behind_is_somebodys_for_good(ticket, olivia, rosa):
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    deactivate(olivia, TUESDAY)
    hand_over(TUESDAY)
    now = reread(ticket)
    assert (now.owner, now.stands_in_for) == (rosa, None)
    assert (now.claimed_by, now.claimed_for) == (rosa, None)
    assert now.owner_why.startswith("Olivia Ortiz no longer works here. Rosa Marin is")
    assert lines("handed-over").first().cause == f"user:{olivia.pk}"


def test_who_leaves_while_out_leaves_it_with_the_stand_in(ticket, olivia, nils):
    out(olivia, nils)
    hand_over(TUESDAY)
    deactivate(olivia, TUESDAY + HOUR)
    hand_over(TUESDAY + HOUR)
    assert owner(ticket) == ("Nils Aker", None)
    assert hand_over(NEXT) == 0


def test_a_stand_in_who_leaves_is_followed_by_somebody(ticket, olivia, nils):
    out(olivia, nils)
    hand_over(TUESDAY)
    deactivate(nils, TUESDAY + HOUR)
    hand_over(TUESDAY + HOUR)
    assert owner(ticket) == ("Rosa Marin", "Olivia Ortiz")
    hand_over(NEXT)
    assert owner(ticket) == ("Olivia Ortiz", None)


# --- Who is made a viewer ------------------------------------------------------------------------
def test_a_viewer_keeps_no_tickets(ticket, olivia, rosa):
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    made_a_viewer(olivia, TUESDAY)
    hand_over(TUESDAY)
    now = reread(ticket)
    assert (now.owner, now.stands_in_for, now.claimed_by) == (rosa, None, rosa)
    assert now.owner_why.startswith("Olivia Ortiz is a viewer now. Rosa Marin is")
    assert Notice.objects.filter(
        user=rosa, text="Olivia Ortiz is a viewer now: what is open of their tickets is yours."
    ).exists()
    assert hand_over(TUESDAY) == 0


def test_a_stand_in_who_is_made_a_viewer_is_followed_by_somebody(ticket, olivia, nils):
    out(olivia, nils)
    hand_over(TUESDAY)
    made_a_viewer(nils, TUESDAY + HOUR)
    hand_over(TUESDAY + HOUR)
    assert owner(ticket) == ("Rosa Marin", "Olivia Ortiz")
    # And nothing new comes to them.
    assert owner(open_one("late", at=TUESDAY + HOUR)) == ("Rosa Marin", None)


def test_a_ticket_is_escalated_past_who_only_reads(ticket, olivia, rosa, staff):
    operating_model.set_raci(
        process="delivery", holders={"accountable": [staff["vera"]]}, by=SETUP, at=MONDAY
    )
    desk.escalate(ticket_id=ticket.pk, reason="Too big", by=olivia, at=MONDAY)
    assert owner(ticket) == ("Rosa Marin", None)
    with pytest.raises(MoveError, match="Rosa Marin is the fallback owner already"):
        desk.escalate(ticket_id=ticket.pk, reason="Too big", by=olivia, at=MONDAY)


def test_with_nobody_here_it_stays_and_does_not_wander(ticket, staff):
    for user in staff.values():
        out(user, None, TUESDAY, TUESDAY + DAY if user.name == "Ada Stone" else NEXT)
    assert hand_over(TUESDAY) == 0
    assert hand_over(TUESDAY + HOUR) == 0
    assert owner(ticket) == ("Olivia Ortiz", None)
    hand_over(TUESDAY + DAY)
    assert owner(ticket) == ("Ada Stone", "Olivia Ortiz")


def test_with_nobody_here_it_does_not_go_to_somebody_else_who_is_out(ticket, staff, rosa):
    # Asked in an emergency it would be Olivia, who was here first.
    Ticket.objects.update(owner=rosa)
    for user in staff.values():
        out(user)
    assert hand_over(TUESDAY) == 0
    assert owner(ticket) == ("Rosa Marin", None)


def test_with_nobody_here_it_may_be_back_with_who_is_out(ticket, olivia, nils, staff):
    out(olivia, nils)
    hand_over(TUESDAY)
    for user in staff.values():
        if user != olivia:
            out(user, at=TUESDAY)
    deactivate(nils, TUESDAY + HOUR)
    hand_over(TUESDAY + HOUR)
    assert owner(ticket) == ("Olivia Ortiz", None)
    assert hand_over(TUESDAY + HOUR) == 0


def test_with_nobody_here_who_left_is_followed_by_who_is_out(ticket, staff, olivia):
    for user in staff.values():
        out(user)
    deactivate(olivia, TUESDAY)
    hand_over(TUESDAY)
    assert reread(ticket).owner.is_active
    assert hand_over(TUESDAY) == 0


# --- Who is told ---------------------------------------------------------------------------------
def test_the_stand_in_is_told_once_and_so_is_who_comes_back(olivia, nils, monkeypatch):
    monkeypatch.setattr(delegation, "BATCH", 2)
    for number in range(5):
        open_one(f"t{number}")
    out(olivia, nils)
    assert list(delegation.hand_over(at=TUESDAY)) == [2, 2, 1]
    told = Notice.objects.filter(user=nils, text__contains="their tickets")
    assert [one.text for one in told] == [
        "Olivia Ortiz is out: what is open of their tickets is with you meanwhile."
    ]
    hand_over(NEXT)
    assert Notice.objects.filter(user=olivia, text__startswith="You are back").count() == 1


# --- Crashes and races ---------------------------------------------------------------------------
def test_what_a_crash_left_undone_is_done_by_the_next_look(olivia, nils, monkeypatch):
    tickets = [open_one(f"t{number}") for number in range(3)]
    out(olivia, nils)
    monkeypatch.setattr(delegation, "BATCH", 1)
    batches = delegation.hand_over(at=TUESDAY)
    next(batches)
    with monkeypatch.context() as broken:
        broken.setattr(trail, "record_all", lambda lines: (_ for _ in ()).throw(TrailBroken()))
        with pytest.raises(TrailBroken):
            next(batches)
    assert [reread(one).owner.name for one in tickets] == [
        "Nils Aker", "Olivia Ortiz", "Olivia Ortiz",
    ]  # fmt: skip
    assert hand_over(TUESDAY) == 2
    assert lines("handed-over").count() == 3


def test_the_clocks_task_has_no_more_than_its_time(olivia, nils, monkeypatch):
    for number in range(3):
        open_one(f"t{number}")
    out(olivia, nils)
    monkeypatch.setattr(delegation, "BATCH", 1)
    monkeypatch.setattr(jobs, "HAND_OVER_SECONDS", -1)
    with instant.stopped(TUESDAY):
        jobs.hand_over()
        assert Ticket.objects.filter(owner=nils).count() == 1
        jobs.hand_over()
        jobs.hand_over()
    assert Ticket.objects.filter(owner=nils).count() == 3


@pytest.mark.django_db(transaction=True)
def test_two_looks_at_once_move_each_ticket_once(olivia, nils, monkeypatch):
    monkeypatch.setattr(delegation, "BATCH", 3)
    for number in range(12):
        open_one(f"t{number}")
    out(olivia, nils)
    ready = threading.Barrier(2)
    moved = []

    def look():
        ready.wait()
        try:
            moved.append(hand_over(TUESDAY))
        finally:
            connection.close()

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(moved) == 12
    assert lines("handed-over").count() == 12


# --- What must hold ------------------------------------------------------------------------------
def test_a_ticket_of_somebody_who_is_out_breaks_an_invariant(ticket, olivia, nils):
    now = instant.now()
    assert invariants.ownerless() == []
    # For less than a minute it is only due.
    absence = out(olivia, nils, now - timedelta(seconds=30), now + DAY, at=now - timedelta(30))
    assert invariants.ownerless() == []
    absence.starts_at = now - timedelta(minutes=2)
    absence.save()
    assert invariants.ownerless() == [
        f"Ticket {ticket.pk} is owned by Olivia Ortiz, who is not here."
    ]
    hand_over(now)
    assert invariants.ownerless() == []
    assert invariants.not_returned() == []
    absence.ends_at = now - timedelta(seconds=30)
    absence.save()
    assert invariants.not_returned() == []
    absence.ends_at = now - timedelta(seconds=90)
    absence.save()
    assert invariants.not_returned() == [
        f"Ticket {ticket.pk} is Olivia Ortiz's, who is here again."
    ]


def test_so_does_a_ticket_of_somebody_who_left(ticket, olivia):
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    now = instant.now()
    deactivate(olivia, now - timedelta(seconds=30))
    assert invariants.ownerless() == []
    User.objects.filter(pk=olivia.pk).update(deactivated_at=now - timedelta(minutes=2))
    assert len(invariants.ownerless()) == 1
    hand_over(now)
    assert invariants.ownerless() == []


def test_so_does_a_ticket_of_somebody_who_only_reads(ticket, olivia):
    now = instant.now()
    made_a_viewer(olivia, now - timedelta(seconds=30))
    assert invariants.ownerless() == []
    User.objects.filter(pk=olivia.pk).update(deactivated_at=now - timedelta(minutes=2))
    assert len(invariants.ownerless()) == 1
    hand_over(now)
    assert invariants.ownerless() == []


def test_with_nobody_here_nothing_is_broken(ticket, staff):
    now = instant.now()
    for user in staff.values():
        out(user, None, now - HOUR, now + HOUR, at=now - 2 * HOUR)
    assert invariants.ownerless() == []


# --- The pages -----------------------------------------------------------------------------------
def test_keeping_is_a_button_where_there_is_something_to_keep(as_, ticket, olivia, rosa):
    with instant.stopped(MONDAY):
        assert "Keep it" not in as_(olivia).get(f"/queue/{ticket.pk}/").content.decode()
        assert as_(olivia).post(f"/queue/{ticket.pk}/keep/").status_code == 409
    out(olivia, rosa)
    hand_over(TUESDAY)
    with instant.stopped(TUESDAY):
        assert "Keep it" in as_(rosa).get(f"/queue/{ticket.pk}/").content.decode()
        assert as_(olivia).post(f"/queue/{ticket.pk}/keep/").status_code == 403


def test_a_queue_of_delegated_tickets_costs_one_query_more(
    as_,
    olivia,
    rosa,
    django_assert_max_num_queries,
):
    for number in range(3):
        open_one(f"t{number}")
    browser = as_(rosa)
    with instant.stopped(MONDAY), django_assert_max_num_queries(40) as plain:
        browser.get("/queue/?tab=open")
    out(olivia, rosa)
    hand_over(TUESDAY)
    with instant.stopped(TUESDAY), django_assert_max_num_queries(len(plain) + 1):
        as_(rosa).get("/queue/?tab=open")
