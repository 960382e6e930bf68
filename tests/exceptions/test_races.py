"""Several people, and several workers, at the same moment: real threads, real transactions."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection

from exceptions import desk
from exceptions.models import Occurrence, Ticket
from exceptions.states import MoveError
from meshline.audit.models import TrailLine
from tests import factories
from tests.exceptions.conftest import CARRIER, MONDAY, open_one

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
    desk.settle(subject=subject, because="Proven.", by=CARRIER, at=MONDAY)


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
