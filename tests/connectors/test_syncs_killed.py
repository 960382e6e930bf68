"""Syncs by real workers: one killed over a page is followed by the next, and two share no page."""

import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as project
from django.db import connection, connections, transaction
from redis import Redis

from connectors import registry, syncing, syncs
from connectors.models import Connection, Message, Sync
from connectors.polls import Mode
from meshline import bell, instant
from meshline.shell import sandbox_control
from tests.connectors.looked import many
from tests.connectors.test_delivery_killed import Workers, _kill, the_clock_looks, until
from tests.sessions import Other

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def workers(tmp_path):
    Redis.from_url(project.REDIS_URL).flushdb()
    started = Workers(tmp_path / "workers.log", "upkeep")
    yield started
    started.stop()


def test_a_worker_killed_over_a_page_is_followed_by_the_next(quoting, workers):
    made = many(quoting, count=4)
    quoting.breaks(
        {"kind": "hang", "seconds": 60, "times": 1, "match": {"path": f"{made[2]}/details"}}
    )
    syncs.queue_due(at=instant.now())
    first = workers.start()
    bell.push("syncs")
    until(lambda: _is_hanging(), within=30, tell=workers.log)
    _kill(first)
    sync = Sync.objects.get()
    assert (sync.state, sync.pages, Message.objects.count()) == ("running", 0, 0)

    workers.start()

    def back():
        the_clock_looks()
        return Sync.objects.get().state == "done"

    until(back, within=30, tell=workers.log)
    sync.refresh_from_db()
    assert (sync.brought, sync.crashes, sync.complete) == (4, 0, True)
    assert Message.objects.filter(late=True).count() == 4


def _is_hanging():
    faults = sandbox_control.faults("pandadoc")
    return any(one["kind"] == "hang" and one["seen"] for one in faults)


def test_eight_at_once_read_each_page_once(quoting, small_pages):
    many(quoting, count=6)
    syncs.queue_due(at=instant.now())
    _at_once(8, _drain)
    sync = Sync.objects.get()
    assert (sync.state, sync.brought, sync.records) == ("done", 6, 6)
    assert Message.objects.count() == 6
    assert set(Message.objects.values_list("duplicates", flat=True)) == {0}


def test_of_two_that_are_queued_one_runs(quoting, staff):
    """Each takes another one before either has ended its statement; the database alone can know."""
    many(quoting, count=2)
    at = instant.now()
    syncs.queue_due(at=at)
    syncs.backfill(slug="pandadoc", since=at - timedelta(days=1), by=staff["olivia"], at=at)
    with transaction.atomic():
        first = syncing.claim()
        other = Other(syncing.claim)
        other.until_it_waits_or_is_over()
        assert other.is_alive()
    assert other.over() is None
    assert Sync.objects.get(state="running") == first


def test_two_clocks_ask_once(quoting):
    at = instant.now()
    ready, asked = threading.Barrier(4), []

    def ask():
        ready.wait()
        asked.append(syncs.queue_due(at=at))

    _at_once(4, ask)
    assert sum(asked) == 1
    assert Sync.objects.count() == 1


def test_a_person_and_the_clock_at_once_ask_once(quoting, staff):
    ready = threading.Barrier(2)

    def person():
        ready.wait()
        syncs.look_now(slug="pandadoc", by=staff["olivia"], at=instant.now())

    def clock():
        ready.wait()
        syncs.queue_due(at=instant.now())

    threads = [threading.Thread(target=_closing(one)) for one in (person, clock)]
    _run(threads)
    assert Sync.objects.filter(mode=Mode.INCREMENTAL).count() == 1


def test_a_person_waits_for_the_clock_and_the_clock_for_nobody(quoting, staff):
    """The clock has written its cursor and has still to end: only then it is looked whether the
    connection is there."""
    system = registry.system("pandadoc")

    def person():
        syncs.look_now(slug="pandadoc", by=staff["olivia"], at=instant.now())

    with transaction.atomic():
        there = Connection.objects.get()
        syncs.cursor_of(there, system.polls[0].kind, every=syncs.interval(there, system))
        asking = threading.Thread(target=_closing(person))
        asking.start()
        until(_somebody_waits, within=30, tell=Path(os.devnull))
    asking.join()
    assert Sync.objects.filter(mode=Mode.INCREMENTAL).count() == 1


def _somebody_waits():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0]


def test_what_is_cancelled_while_its_page_is_written_is_one_or_the_other(quoting, staff):
    """Whoever has the row first: a page is kept whole, or not at all."""
    many(quoting, count=2)
    syncs.queue_due(at=instant.now())
    sync = syncing.claim()
    page = syncing.fetch(sync)
    with transaction.atomic():
        Sync.objects.select_for_update().get(pk=sync.pk)
        keeper = threading.Thread(target=_closing(lambda: syncing._keep(sync, page)))
        keeper.start()
        Sync.objects.filter(pk=sync.pk).update(
            state="cancelled", lease_owner=None, lease_until=None, finished_at=instant.now()
        )
    keeper.join()
    assert Message.objects.count() == 0
    assert Sync.objects.get().pages == 0
    assert Connection.objects.get().is_active


def _drain():
    ends = time.monotonic() + 30
    while Sync.objects.open().exists() and time.monotonic() < ends:
        syncing.read_next()


def _at_once(count, act):
    _run([threading.Thread(target=_closing(act)) for _ in range(count)])


def _run(threads):
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _closing(act):
    def acts():
        try:
            act()
        finally:
            connections.close_all()

    return acts
