"""The page about Meshline itself: calm while all is well; what is red says what to do."""

from datetime import timedelta
from unittest import mock

import django_rq
import pytest
import redis
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rq import SimpleWorker

from connectors.models import Connection, Message
from meshline import bell, instant, timetable
from meshline.pulse import pulse, vitals
from meshline.pulse.models import Heartbeat, TaskRun
from meshline.shell import clock, invariants
from proposals import outbox
from proposals.models import Outcome
from tests import factories
from tests.factories import digest_all, document, post_pandadoc

CALM = "All is well."


@pytest.fixture
def page(olivia):
    client = Client()
    client.force_login(olivia)

    def show(part=False):
        answer = client.get("/operations/", {"part": "1"} if part else {})
        assert answer.status_code == 200
        return " ".join(answer.content.decode().split())

    return show


@pytest.fixture
def running(db):
    """A clock that ran all its tasks, and a worker."""
    pulse.beat(vitals.CLOCK, host="db-1", pid=4711, since="2026-03-02T09:00:00+00:00")
    for task in timetable.TASKS:
        pulse.task_begins(task.name, every=task.every)
        pulse.task_ended(task.name, seconds=0.012)
    worker = SimpleWorker(["inbox", "outbox"], connection=django_rq.get_connection("inbox"))
    worker.register_birth()
    yield worker
    worker.register_death()


def test_how_all_tasks_went_is_one_question(page, running):
    with CaptureQueriesContext(connection) as asked:
        page(part=True)
    assert len([one for one in asked if "pulse_taskrun" in one["sql"]]) == 1


def test_while_all_is_well_it_is_calm(page, running):
    shown = page()
    assert CALM in shown
    assert "note-danger" not in shown
    assert "db-1" in shown
    assert "4711" in shown
    assert f"Worker {running.name[:8]}" in shown
    assert "inbox, outbox" in shown
    assert "12 ms" in shown


def test_it_asks_again_by_itself_for_the_part_that_changes(page, running):
    assert 'hx-get="/operations/?part=1" hx-trigger="every 10s"' in page()
    part = page(part=True)
    assert part.startswith('<div id="operations-live"')
    assert "<html" not in part


def test_a_worker_that_is_silent(page, running):
    at = "2026-03-02T09:00:00.000000Z"
    running.connection.hset(running.key, "last_heartbeat", at)
    shown = page()
    assert "No worker was heard of in the last 40 s." in shown
    assert "manage.py rqworker inbox outbox upkeep" in shown
    assert "Silent" in shown


def test_a_clock_that_is_silent(page, running):
    Heartbeat.objects.update(beat_at=instant.now() - timedelta(seconds=75))
    shown = page()
    assert "The clock last beat 75 s ago." in shown
    assert "manage.py clock" in shown


def test_one_that_stands_by_is_shown_while_it_does(page, running):
    pulse.beat(clock.STANDBY, host="db-2", pid=9)
    assert "Clock, standing by" in page()
    Heartbeat.objects.filter(name=clock.STANDBY).update(beat_at=instant.now() - timedelta(hours=1))
    assert "Clock, standing by" not in page()


def test_without_redis(page, running):
    gone = redis.Redis.from_url("unix:///nonexistent/redis.sock")
    with mock.patch.object(bell, "client", return_value=gone):
        shown = page()
    assert "Redis does not answer." in shown
    assert "it holds nothing that must not be lost" in shown
    assert "No worker was heard of" not in shown


def test_a_queue_that_is_behind(page, running, pandadoc):
    post_pandadoc([document("sent")])
    assert CALM in page()
    Message.objects.update(next_attempt_at=instant.now() - timedelta(minutes=5))
    shown = page()
    assert "Inbox is behind: the oldest has been due for 5 m." in shown
    assert CALM not in shown
    Connection.objects.update(status="paused")
    assert "Inbox is behind" not in page()


def test_outcomes_wait_by_tier_and_behind_a_breaker(page, running, pandadoc):
    factories.hubspot()
    post_pandadoc([document("sent")])
    digest_all()
    held = Outcome.objects.filter(connection="hubspot", state="due").count()
    outbox.claim(["hubspot"], lease_seconds=60)
    assert CALM in page()
    now = instant.now()
    Connection.objects.filter(slug="hubspot").update(
        breaker="open", breaker_opened_at=now, next_probe_at=now + timedelta(seconds=30)
    )
    shown = page()
    assert "HubSpot does not answer." in shown
    assert f"{held} outcomes wait." in shown or "1 outcome waits." in shown
    assert "in 2" in shown or "in 30 s" in shown


def test_a_task_that_failed_and_one_that_was_missed(page, running):
    failed, missed = timetable.TASKS[:2]
    pulse.task_ended(failed.name, seconds=0.5, error="ValueError: a <b> thing")
    TaskRun.objects.filter(name=missed.name).update(began_at=instant.now() - timedelta(hours=2))
    shown = page()
    assert f"The clock&#x27;s task “{failed.name}” failed. ValueError: a &lt;b&gt; thing" in shown
    assert f"The clock&#x27;s task “{missed.name}” missed. It did not run when due." in shown


def test_an_invariant_that_is_broken(page, running):
    pulse.beat(invariants.CHECKED, broken=["versions-count-transitions"])
    shown = page()
    assert "An invariant is broken: versions-count-transitions." in shown
    assert "manage.py check_invariants" in shown


def test_an_installation_where_nothing_ran_yet(page):
    shown = page()
    assert "The clock has not started yet." in shown
    assert "Neither a clock nor a worker was heard of." in shown
    assert "Not yet" in shown


def test_the_banner_says_where_to_read_on(staff, monkeypatch):
    for name, sees in (("vera", True), ("remy", False)):
        client = Client()
        client.force_login(staff[name])
        monkeypatch.setattr("meshline.web.banner._looked_at", float("-inf"))
        shown = client.get("/banner/").content.decode()
        assert "The clock has not started yet." in shown
        assert ('href="/operations/"' in shown) == sees
