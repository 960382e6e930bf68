"""Two who ask for a run at the same moment, over two connections: one run, and both are told."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from django.test import Client

from reconciliation import runs
from reconciliation.models import Run
from tests.reconciliation import compared
from tests.sessions import Other

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
NINE = datetime(2030, 3, 4, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def systems(staff):
    compared.connected()


def by_the_clock():
    return runs.queue_due(at=NINE)


def by_hand(by):
    (run,) = runs.ask(slug="hubspot", by=by, at=NINE)
    return run


def deals():
    return Run.objects.filter(kind="deals")


def test_whoever_asks_while_another_one_does_has_the_same(staff):
    """The clock has written it and not ended; the database alone can know."""
    with transaction.atomic():
        assert by_the_clock() == 3
        other = Other(lambda: by_hand(staff["olivia"]))
        other.until_it_waits_or_is_over()
        assert other.is_alive(), "it waits for the database's word"
    assert other.over() == deals().get()


def test_the_clock_asks_for_nothing_that_somebody_just_asked_for(staff):
    with transaction.atomic():
        mine = by_hand(staff["olivia"])
        clock = Other(by_the_clock)
        clock.until_it_waits_or_is_over()
        assert clock.is_alive()
    # Those of the two other connections.
    assert clock.over() == 2
    assert deals().get() == mine
    assert by_the_clock() == 0


def test_of_many_at_once_one_is_told_that_it_began_and_the_others_that_it_had(staff):
    ready = threading.Barrier(4)
    sessions = [Client() for _ in range(4)]
    for one in sessions:
        one.force_login(staff["olivia"])

    def start(session):
        try:
            connection.ensure_connection()
            ready.wait(timeout=10)
            answer = session.post("/reconciliation/start/hubspot/")
            return session.get(answer.headers["Location"]).text
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        said = list(threads.map(start, sessions))
    assert deals().count() == 1
    assert sorted("already" in one for one in said) == [False, True, True, True]
