"""Real workers, killed with their work in hand: it is back with the lease, and nothing doubles."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings as project
from django.db import connection
from django.utils.module_loading import import_string
from redis import Redis

from meshline import bell, timetable
from proposals.models import Outcome
from tests.connectors.crm import outcome, say

PROJECT = Path(__file__).resolve().parents[2]
LEASE = 3  # seconds; sixty where nobody says otherwise

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


class Workers:
    """`rqworker` processes as `up` starts them, on the database of the tests."""

    def __init__(self, log, *queues):
        self.log, self.queues = log, queues or ("outbox", "inbox")
        self.all = []

    def start(self):
        command = [
            *(sys.executable, str(PROJECT / "manage.py"), "rqworker", *self.queues),
            *("--serializer", "rq.serializers.JSONSerializer", "--skip-checks"),
        ]
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                command, cwd=PROJECT, env=_environment(), stdout=output, stderr=output,
                process_group=0,
            )  # fmt: skip
        self.all.append(process)
        return process

    def stop(self):
        """Gone and forgotten: to whoever is tested next, Redis would tell of them for minutes."""
        for process in self.all:
            _kill(process)
        Redis.from_url(project.REDIS_URL).flushdb()


def _environment():
    """Ours, with the database of the tests and a short lease."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    name = connection.settings_dict["NAME"]
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "meshline.settings",
        "DATABASE_URL": urlunsplit(parts._replace(path=f"/{name}")),
        "MESHLINE_LEASE_SECONDS": str(LEASE),
        "MESHLINE_BELL": "direct",
    }


def _kill(process):
    """The worker and the horse it forked, at once."""
    for pid in [process.pid, *_children_of(process.pid)]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


def _children_of(parent):
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            continue
        if stat.rpartition(")")[2].split()[1] == str(parent):
            found.append(int(pid))
    return found


def until(question, *, within, tell):
    deadline = time.monotonic() + within
    while not (found := question()):
        if time.monotonic() > deadline:
            pytest.fail(f"It did not happen within {within} s.\n{tell.read_text()[-3000:]}")
        time.sleep(0.05)
    return found


def the_clock_looks():
    """What the clock does every two seconds, for lost bells and lapsed leases."""
    for sweep in timetable.SWEEPS:
        if import_string(sweep.due)():
            bell.push(sweep.bell)


def all_proven():
    return not Outcome.objects.exclude(state="proven").exists()


@pytest.fixture
def workers(tmp_path):
    Redis.from_url(project.REDIS_URL).flushdb()
    started = Workers(tmp_path / "workers.log")
    yield started
    started.stop()


def test_a_killed_worker_and_its_horse_lose_and_double_nothing(crm, workers):
    say("sent")
    # It happens over there; the answer never comes.
    crm.breaks({"kind": "commit_then_hang", "seconds": 60, "times": 1, "match": {"path": "deals"}})
    first = workers.start()
    bell.push("outbox")
    until(lambda: crm.deals(), within=30, tell=workers.log)
    assert len(_children_of(first.pid)) == 1
    killed = time.monotonic()
    _kill(first)
    assert outcome("deal").state == "leased"

    workers.start()

    def back():
        the_clock_looks()
        return all_proven()

    until(back, within=30, tell=workers.log)
    assert time.monotonic() - killed > LEASE - 1
    deal = outcome("deal")
    assert (deal.attempts, deal.crashes) == (2, 0)
    assert set(crm.created().values()) == {1}
    assert (len(crm.deals()), len(crm.tasks())) == (1, 1)


def test_redis_forgets_everything_and_the_clock_finds_it_all(crm, workers):
    for number in range(5):
        say("sent", id=f"doc-{number}")
    bell.push("outbox")
    redis = Redis.from_url(project.REDIS_URL)
    assert redis.dbsize() > 0
    redis.flushdb()
    workers.start()
    time.sleep(1)
    assert outcome("deal", proposal__external_id="doc-0").state == "due"

    def back():
        the_clock_looks()
        return all_proven()

    until(back, within=30, tell=workers.log)
    assert set(crm.created().values()) == {1}
    assert len(crm.deals()) == 5


def test_what_a_killed_worker_had_is_back_within_seventy_five_seconds():
    """By default the lease and one look of the clock take less."""
    sweep = next(one for one in timetable.SWEEPS if one.bell == "outbox")
    assert project.LEASE_SECONDS + sweep.every <= 75
