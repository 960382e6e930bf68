"""Several people, and several workers, at the same moment: real threads, real transactions."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction

from exceptions import desk, escalation, escalation_terms, keeping, merging, troubles
from exceptions.models import Occurrence, Ticket
from exceptions.states import MoveError
from meshline.audit.models import TrailLine
from tests import factories
from tests.exceptions.conftest import CARRIER, MONDAY, open_one
from tests.factories import reread
from tests.sessions import Other

pytestmark = pytest.mark.django_db(transaction=True)
RACES = 20
LATER = MONDAY + timedelta(minutes=1)


def at_once(*deeds):
    """Do these at the same moment, each in a thread of its own; what each gave or raised."""
    gate = threading.Barrier(len(deeds))

    def do(deed):
        try:
            connection.ensure_connection()
            gate.wait(timeout=10)
            return deed()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as threads:
        return list(threads.map(do, deeds))


@pytest.fixture
def ben(olivia):
    return factories.person("ben@example.com", "Ben Okafor", "operator", olivia.team)


def test_of_two_who_claim_at_once_one_wins_and_the_other_reads_who(olivia, ben):
    for number in range(RACES):
        ticket = open_one(f"race-{number}")
        results = at_once(*(partial(claim, ticket, by) for by in (olivia, ben)))
        winners = [one for one in results if isinstance(one, Ticket)]
        losers = [one for one in results if isinstance(one, MoveError)]
        assert (len(winners), len(losers)) == (1, 1), results
        winner = Ticket.objects.get(pk=ticket.pk).claimed_by
        assert winners[0].claimed_by == winner
        assert str(losers[0]) == f"{winner.name} claimed this 0 s ago."
        claimed = TrailLine.objects.filter(what="ticket.claimed", subject_id=str(ticket.pk))
        assert [line.actor_id for line in claimed] == [str(winner.pk)]


def claim(ticket, by):
    return desk.claim(ticket_id=ticket.pk, by=by, at=MONDAY)


def test_trouble_of_one_cause_that_comes_twenty_times_at_once_is_one_ticket(staff):
    opened = at_once(*(partial(open_one, "same", subject=f"outcome:{n}") for n in range(20)))
    assert {getattr(one, "pk", one) for one in opened} == {Ticket.objects.get().pk}
    assert Ticket.objects.get().occurrences == Occurrence.objects.count() == 20


def test_the_last_two_subjects_settled_at_once_close_the_ticket_once(staff):
    for number in range(RACES):
        ticket = open_one(f"race-{number}", subject=f"outcome:{number}-a")
        open_one(f"race-{number}", subject=f"outcome:{number}-b")
        at_once(*(partial(settle, f"outcome:{number}-{letter}") for letter in "ab"))
        assert not Ticket.objects.get(pk=ticket.pk).is_unresolved
        closed = TrailLine.objects.filter(what="ticket.resolved", subject_id=str(ticket.pk))
        assert closed.count() == 1


def settle(subject):
    troubles.settle(subject=subject, because="Proven.", by=CARRIER, at=MONDAY)


def test_resolving_and_happening_again_at_once_loses_nothing(staff, olivia):
    for number in range(RACES):
        ticket = open_one(f"race-{number}")
        act = {"by": olivia, "at": LATER}
        resolved, again = at_once(
            partial(desk.resolve, ticket_id=ticket.pk, resolution="fixed", **act),
            partial(open_one, f"race-{number}", subject=f"outcome:{number}-again", at=LATER),
        )
        assert isinstance(resolved, Ticket), resolved
        assert isinstance(again, Ticket), again
        # Hung on the first before it closed, or on a new one: it is written down in either case.
        assert Occurrence.objects.filter(subject=f"outcome:{number}-again").count() == 1


def test_what_comes_back_twenty_times_at_once_reopens_its_ticket_once(staff, olivia):
    ticket = open_one("same")
    desk.resolve(ticket_id=ticket.pk, resolution="fixed", by=olivia, at=MONDAY)
    back = [partial(open_one, "same", subject=f"outcome:{n}", at=LATER) for n in range(20)]
    assert {getattr(one, "pk", one) for one in at_once(*back)} == {ticket.pk}
    assert Ticket.objects.get().reopened == 1
    assert TrailLine.objects.filter(what="ticket.reopened").count() == 1
    assert Ticket.objects.get().occurrences == Occurrence.objects.count() == 21


def test_clocks_that_look_at_once_take_each_step_once(staff):
    for number in range(RACES):
        ticket = open_one(f"race-{number}")
        look = partial(escalation.take, ticket_id=ticket.pk, at=MONDAY + timedelta(minutes=24))
        at_once(look, look, look)
        taken = ticket.steps.order_by("pk").values_list("name", flat=True)
        assert list(taken) == ["ack-quiet", "ack-owner"]
        told = TrailLine.objects.filter(what="ticket.warned", subject_id=str(ticket.pk))
        assert told.count() == 2


def test_an_act_and_a_step_at_once_are_both_done(staff, olivia):
    for number in range(RACES):
        ticket = open_one(f"race-{number}")
        at = MONDAY + timedelta(minutes=15)
        results = at_once(
            partial(escalation.take, ticket_id=ticket.pk, at=at),
            partial(desk.claim, ticket_id=ticket.pk, by=olivia, at=at),
        )
        assert not [one for one in results if isinstance(one, Exception)], results
        assert Ticket.objects.get(pk=ticket.pk).claimed_by == olivia
        assert ticket.steps.count() == 1


def test_of_two_who_merge_each_into_the_other_at_once_one_ticket_is_left(olivia, ben):
    for number in range(RACES):
        one, two = open_one(f"a-{number}"), open_one(f"b-{number}")
        results = at_once(
            partial(merging.merge, ticket_id=one.pk, into_id=two.pk, by=olivia, at=LATER),
            partial(merging.merge, ticket_id=two.pk, into_id=one.pk, by=olivia, at=LATER),
        )
        assert sum(isinstance(result, Ticket) for result in results) == 1, results
        assert sum(isinstance(result, MoveError) for result in results) == 1, results
        left = Ticket.objects.unresolved().get(pk__in=[one.pk, two.pk])
        assert left.all_occurrences.count() == 2


def test_a_new_agreement_locks_tickets_as_everybody_does_who_locks_several(olivia, rosa):
    first, second = open_one("a"), open_one("b")
    # In the table the first one lies behind the second by now.
    Ticket.objects.filter(pk=first.pk).update(cause="moved")
    wanted = {"quiet_at": 10}
    with transaction.atomic():
        keeping.locked(first.pk)
        other = Other(partial(escalation_terms.change, wanted, by=rosa, at=LATER))
        other.until_it_waits_or_is_over()
        keeping.locked(second.pk)
    assert other.over().quiet_at == 10
    assert {reread(one).next_step_at for one in (first, second)} == {LATER}


def test_what_comes_right_while_it_moves_to_another_ticket_is_settled_there(olivia):
    ticket, into = open_one("a"), open_one("b")
    with transaction.atomic():
        merging.merge(ticket_id=ticket.pk, into_id=into.pk, by=olivia, at=LATER)
        other = Other(partial(settle, "outcome:a"))
        other.until_it_waits_or_is_over()
    assert other.over() is None
    assert into.all_occurrences.get(subject="outcome:a").settled_because == "Proven."
    settle("outcome:b")
    assert reread(into).resolution == "closed on evidence"
