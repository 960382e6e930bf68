"""What /healthz and /readyz say, and when."""

import contextlib
import json
import socket
import threading
from datetime import timedelta
from unittest import mock

import django_rq
import psycopg
import pytest
import redis
from django.db import OperationalError, connection
from django.test import RequestFactory
from rq import SimpleWorker

from meshline import bell, instant
from meshline.pulse import pulse, vitals
from meshline.pulse.models import Heartbeat
from meshline.shell import health, reach


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
    with mock.patch.object(bell, "client", return_value=nowhere):
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


# --- Servers that hang: they take the connection and never say a word -----------------------------
@pytest.fixture
def silent(tmp_path):
    """Makes a server, at a socket of that name, that never answers."""
    opened = []

    def listen(name):
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(tmp_path / name))
        server.listen(20)
        server.setblocking(False)
        opened.append(server)
        return server

    yield listen
    for server in opened:
        server.close()


def connections_made(server) -> int:
    made = []
    with contextlib.suppress(BlockingIOError):
        while True:
            made.append(server.accept()[0])
    for one in made:
        one.close()
    return len(made)


def test_a_redis_that_hangs_is_asked_once(db, silent, tmp_path):
    server = silent("redis.sock")
    address = f"unix://{tmp_path}/redis.sock"
    tries = bell.client().get_retry()
    hung = redis.Redis.from_url(address, socket_timeout=0.25, retry=tries)
    with mock.patch.object(bell, "client", return_value=hung):
        status, parts = asked()
    assert status == 200
    assert parts["redis"].startswith("Redis does not answer")
    assert parts["workers"] == vitals.NOT_SEEN
    # Tries of its own, or a second question, would be further connections.
    assert connections_made(server) == 1


@pytest.mark.django_db(transaction=True)
def test_a_database_that_hangs_is_not_waited_for(silent, tmp_path, monkeypatch):
    server = silent(".s.PGSQL.5999")
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", str(tmp_path))
    monkeypatch.setitem(connection.settings_dict, "PORT", "5999")
    options = {k: v for k, v in connection.settings_dict["OPTIONS"].items() if k != "host"}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    status, parts = asked()
    # The driver still waits for its own two seconds; we do not.
    assert [one for one in threading.enumerate() if one.name == "knock"]
    assert (status, parts["database"], parts["ready"]) == (503, vitals.NO_DATABASE, False)
    assert parts["clock"] == "It cannot be seen without the database."
    assert connections_made(server) == 1
    for one in threading.enumerate():
        if one.name == "knock":
            one.join(10)


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_hangs_is_cut_and_another_tried(monkeypatch, deadlines):
    connection.ensure_connection()
    hung = connection.connection
    backend = hung.info.backend_pid

    def never_answers():
        try:
            with hung.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(60)")
        except psycopg.Error:
            return False
        return True

    monkeypatch.setattr(connection, "is_usable", never_answers)
    assert reach.database_answers() is True
    assert hung.closed
    with connection.cursor() as cursor:
        # The server does not notice by itself that nobody listens any more.
        cursor.execute("SELECT pg_terminate_backend(%s)", [backend])
