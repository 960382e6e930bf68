"""A run by real workers: one killed in the middle of it is followed by the next, from where it
was, and what differs is found once."""

import time

import pytest
from django.conf import settings as project
from django.db import connection, transaction
from redis import Redis

from exceptions.models import Ticket
from meshline import bell, instant
from proposals.models import Proposal
from reconciliation import runs
from reconciliation.models import Divergence, Run, Sighting
from tests.connectors.test_delivery_killed import LEASE, Workers, _kill, the_clock_looks, until
from tests.connectors.test_syncs_killed import _somebody_waits
from tests.reconciliation import compared
from tests.reconciliation.compared import deal, linked, ours, snapshot

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
# Each source is a batch by itself.
SOURCES, EACH = ("forms", "pandadoc", "quotes"), 4


@pytest.fixture
def workers(tmp_path):
    Redis.from_url(project.REDIS_URL).flushdb()
    started = Workers(tmp_path / "workers.log", "upkeep")
    yield started
    started.stop()


def planted():
    """Of three sources four proposals each, every other one with another amount over there."""
    rows = []
    for source in SOURCES:
        for place in range(EACH):
            id = f"{source}-{place}"
            proposal = ours(id)
            Proposal.objects.filter(pk=proposal.pk).update(source=source)
            linked(proposal, id)
            amount = "1.00" if place % 2 else "1234.50"
            rows.append(deal(id, amount=amount, proposal=f"{source}:{id}"))
    return rows


def test_a_worker_killed_in_the_middle_of_a_run_is_followed_by_the_next(staff, workers):
    compared.connected()
    rows = planted()
    (run,) = runs.ask(slug="hubspot", by=None, at=instant.now())
    snapshot("hubspot", *rows)
    bell.push("runs")
    with transaction.atomic():
        # What the second batch finds cannot be kept meanwhile.
        list(Proposal.objects.select_for_update().filter(source="pandadoc"))
        first = workers.start()
        until(lambda: _is_in_the_second_batch(run), within=30, tell=workers.log)
        killed = time.monotonic()
        _kill(first)
        _end_its_session()
    run.refresh_from_db()
    assert (run.state, run.batches, run.compared) == ("comparing", 1, EACH)
    assert not Divergence.objects.exists(), "nobody hears of half a run"

    workers.start()

    def back():
        the_clock_looks()
        return Run.objects.get().state == "done" and Ticket.objects.exists()

    until(back, within=30, tell=workers.log)
    assert time.monotonic() - killed > LEASE - 1
    run.refresh_from_db()
    assert (run.crashes, run.compared, run.counts) == (1, len(rows), {"different": len(rows) // 2})
    wrong = {row["pk"] for row in rows if row["amount"] == "1.00"}
    found = list(Divergence.objects.values_list("external_id", "field", "theirs"))
    assert sorted(found) == sorted((pk, "amount", "1.00 EUR") for pk in wrong)
    assert Sighting.objects.count() == len(wrong)


def _is_in_the_second_batch(run):
    return Run.objects.get(pk=run.pk).batches == 1 and _somebody_waits()


def _end_its_session():
    """What it asked last of the database is not done any more, either."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE NOT granted")
