"""The bell: rings coalesce, never raise, and never hold anybody up."""

import os
import signal
import time

import django_rq
import pytest
from django.conf import settings as configured
from django.db import transaction
from redis import Redis

from meshline import bell
from meshline.shell import children, servers


@pytest.fixture
def rings(settings):
    settings.BELL = "direct"
    django_rq.get_connection("inbox").flushdb()
    return lambda: django_rq.get_queue("inbox").count


@pytest.mark.django_db(transaction=True)
def test_many_rings_are_one_job_until_somebody_looks(rings):
    for _ in range(20):
        bell.ring("inbox")
    assert rings() == 1
    bell.clear("inbox")
    bell.ring("inbox")
    assert rings() == 2


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_does_not_ring(rings):
    with transaction.atomic():
        bell.ring("inbox")
        transaction.set_rollback(True)
    assert rings() == 0


@pytest.mark.django_db(transaction=True)
def test_a_hung_redis_neither_raises_nor_holds_up(tmp_path, monkeypatch, settings):
    settings.BELL = "direct"
    hung = servers.redis_server(tmp_path)
    process = servers.start(hung, tmp_path / "redis.log")
    address = servers.redis_addresses(tmp_path)["REDIS_URL"]
    query = configured.REDIS_URL.partition("?")[2]
    slow = Redis.from_url(f"{address}?{query}", retry=bell.client().get_retry())
    monkeypatch.setattr(bell, "client", lambda: slow)
    slow.ping()
    os.kill(process.pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        bell.ring("inbox")
        # Far below the tries and waits a client makes by itself; a quarter of a second each way.
        assert time.monotonic() - started < 5
    finally:
        os.kill(process.pid, signal.SIGCONT)
        children.stop(process, hung.child)


@pytest.mark.django_db(transaction=True)
def test_a_redis_that_is_gone_does_not_raise(tmp_path, monkeypatch, settings):
    settings.BELL = "direct"
    gone = Redis.from_url(f"unix://{tmp_path}/nothing", retry=bell.client().get_retry())
    monkeypatch.setattr(bell, "client", lambda: gone)
    bell.ring("inbox")
    assert bell.push("inbox") is False


@pytest.mark.django_db(transaction=True)
def test_from_a_thread_of_its_own_the_bell_is_rung_too(rings, settings):
    settings.BELL = "background"
    bell.ring("inbox")
    deadline = time.monotonic() + 5
    while rings() == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert rings() == 1


# --- Listening ------------------------------------------------------------------------------------
class Pauses:
    """Counts them, and does something in one of them."""

    def __init__(self, at=0, act=None):
        self.count, self._at, self._act = 0, at, act

    def __call__(self, seconds):
        self.count += 1
        return self._act() if self.count == self._at else None


@pytest.mark.django_db(transaction=True)
def test_who_listens_hears_a_ring(rings):
    pauses = Pauses(3, lambda: bell.ring("inbox"))
    bell.Ear("inbox").wait(60, pause=pauses)
    assert pauses.count == 3


@pytest.mark.django_db(transaction=True)
def test_what_rang_since_one_looked_is_heard_at_once_and_only_once(rings):
    ear = bell.Ear("inbox")
    bell.ring("inbox")
    heard, again = Pauses(), Pauses(5, lambda: True)
    ear.wait(60, pause=heard)
    ear.wait(60, pause=again)
    assert (heard.count, again.count) == (1, 5)


@pytest.mark.django_db(transaction=True)
def test_another_bell_is_not_meant(rings):
    ear, pauses = bell.Ear("outbox"), Pauses(4, lambda: True)
    bell.ring("inbox")
    ear.wait(60, pause=pauses)
    assert pauses.count == 4


@pytest.mark.django_db(transaction=True)
def test_who_hears_nothing_waits_no_longer_than_agreed(rings):
    pauses = Pauses()
    bell.Ear("inbox").wait(0.02, pause=lambda seconds: time.sleep(seconds) or pauses(seconds))
    assert 1 <= pauses.count <= 0.02 / bell._LISTEN_SECONDS


def test_without_redis_one_looks_soon_and_does_not_ask_again(tmp_path, monkeypatch):
    gone = Redis.from_url(f"unix://{tmp_path}/nothing", retry=bell.client().get_retry())
    asked = []
    monkeypatch.setattr(bell, "client", lambda: asked.append(1) or gone)
    ear, pauses = bell.Ear("inbox"), Pauses()
    for _ in range(3):
        ear.wait(60, pause=pauses)
    assert (pauses.count, len(asked)) == (3, 1)
