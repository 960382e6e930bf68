"""What /healthz and /readyz say, and when."""

import json
from datetime import timedelta
from unittest import mock

import django_rq
import pytest
import redis
from django.db import OperationalError, connection
from django.test import RequestFactory
from rq import SimpleWorker

from meshline import instant
from meshline.pulse import pulse, vitals
from meshline.pulse.models import Heartbeat
from meshline.shell import health


def asked(view=health.readyz) -> tuple[int, dict]:
    answer = view(RequestFactory().get("/readyz"))
    return answer.status_code, json.loads(answer.content)


@pytest.fixture
def worker():
    worker = SimpleWorker(["inbox"], connection=django_rq.get_connection("inbox"))
    worker.register_birth()
    yield worker
    worker.register_death()


@pytest.fixture
def without_redis():
    nowhere = redis.Redis.from_url("unix:///nonexistent/redis.sock")
    with mock.patch.object(django_rq, "get_connection", return_value=nowhere):
        yield


@pytest.fixture
def without_database():
    with mock.patch.object(connection, "cursor", side_effect=OperationalError("gone")):
        yield


def test_healthz_touches_nothing(without_database, without_redis):
    answer = health.healthz(RequestFactory().get("/healthz"))
    assert (answer.status_code, answer.content) == (200, b"ok")


def test_everything_there(db, worker):
    pulse.beat(vitals.CLOCK)
    status, parts = asked()
    assert status == 200
    assert parts == {
        "ready": True,
        "database": "ok",
        "redis": "ok",
        "workers": "ok",
        "clock": "ok",
        "demo": "none",
    }


def test_a_worker_is_still_seen_after_redis_lost_its_memory(db, worker):
    worker.connection.flushdb()
    worker.heartbeat()
    assert asked()[1]["workers"] == "ok"


def test_a_worker_that_went_home_is_not_at_work(db, worker):
    worker.register_death()
    assert asked()[1]["workers"].startswith("No worker was heard of")


def test_nobody_at_work(db):
    status, parts = asked()
    assert status == 200
    assert parts["ready"] is False
    assert parts["workers"].startswith("No worker was heard of")
    assert parts["clock"] == "The clock has not started yet."


def test_a_clock_that_stopped(db):
    late = instant.now() - timedelta(seconds=75)
    Heartbeat.objects.create(name=vitals.CLOCK, beat_at=late)
    assert asked()[1]["clock"] == "The clock last beat 75 s ago."


def test_without_redis_intake_goes_on(db, without_redis):
    status, parts = asked()
    assert status == 200
    assert parts["ready"] is False
    assert parts["database"] == "ok"
    assert parts["redis"].startswith("Redis does not answer")


def test_without_the_database_it_is_503(db, without_database):
    status, parts = asked()
    assert status == 503
    assert parts["database"] == "The database does not answer."


def test_without_a_migration_it_is_503(db, monkeypatch):
    monkeypatch.setattr(vitals, "_is_migrated", False)
    monkeypatch.setattr(vitals.MigrationExecutor, "migration_plan", lambda *_: ["one"])
    status, parts = asked()
    assert status == 503
    assert parts["database"].startswith("A migration is missing")


def test_the_demo_is_loading_until_it_is_loaded(db, settings):
    settings.SANDBOX_URL = "http://127.0.0.1:8100"
    assert asked()[1]["demo"] == "loading"
    pulse.beat(health.DEMO)
    assert asked()[1]["demo"] == "loaded"
