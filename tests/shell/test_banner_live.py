"""A part is really killed: the pages say so, and intake goes on."""

import os
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.test import Client
from redis import Redis

from connectors.models import Message
from meshline import bell, environment
from meshline.pulse import vitals
from meshline.pulse.models import Heartbeat
from meshline.shell import children, servers
from meshline.web import banner
from tests.connectors.test_hooks_live import database_url
from tests.factories import document, post_pandadoc

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def said(staff, monkeypatch):
    """What an open page is told when it asks; each time somebody really looks."""
    monkeypatch.setattr(banner, "_LOOK_EVERY_SECONDS", 0)
    monkeypatch.setattr(banner, "_missed", {})
    client = Client()
    client.force_login(staff["olivia"])
    return lambda: client.get("/banner/").text


def eventually(question, *, within=60):
    """A minute is what is promised, and far beyond what it takes."""
    until = time.monotonic() + within
    while not question():
        assert time.monotonic() < until, "It did not happen."
        time.sleep(0.1)


def test_redis_is_killed(said, pandadoc, tmp_path, monkeypatch):
    server = servers.redis_server(tmp_path / "redis")
    process = servers.start(server, tmp_path / "redis.log")
    address = servers.redis_addresses(tmp_path / "redis")["REDIS_URL"]
    client = Redis.from_url(address, socket_timeout=5, retry=bell.client().get_retry())
    monkeypatch.setattr(bell, "client", lambda: client)
    assert "Redis" not in said()

    children.kill(process)
    shown = said()
    assert "Redis does not answer. Nobody is woken: what came in is kept and waits." in shown
    assert "New events are still accepted, and nothing is lost." in shown
    assert post_pandadoc([document("sent")]).status_code == 202
    assert Message.objects.get().status == "accepted"


def test_the_clock_is_killed(said, pandadoc, monkeypatch):
    env = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "meshline.settings",
    }
    env.pop("MIGRATION_DATABASE_URL", None)
    clock = subprocess.Popen(
        [sys.executable, str(environment.PROJECT / "manage.py"), "clock"], env=env
    )
    try:
        eventually(Heartbeat.objects.filter(name=vitals.CLOCK).exists)
        assert "The clock" not in said()
    finally:
        clock.kill()
        clock.wait()
    # Otherwise the test would wait as long as the clock may be silent.
    monkeypatch.setattr(vitals, "CLOCK_STALE_AFTER", timedelta(seconds=1))
    eventually(lambda: "The clock last beat" in said())
    assert "Retries, deadlines and tickets for what is late wait" in said()
    assert post_pandadoc([document("sent")]).status_code == 202
