"""Draining: accepted events through the whole real pipeline, beside the naive ways to do it."""

import os
import subprocess
import sys
import time

import django_rq
from django.db import connection, transaction
from rq import Worker

from connectors.models import Message
from meshline import bell, environment, instant
from proposals.models import Outcome
from tests.bench import events, rig
from tests.bench.load import at_rate, saturate
from tests.bench.naive import naive_event
from tests.bench.report import Ratio, medians
from tests.bench.rig import Rig

COUNT = 1500
NAIVE = 300
JOBS = 100


def run(bed: Rig) -> list[Ratio]:
    """Two workers on a backlog ÷ ORM row by row in one process ÷ one RQ job per event."""
    return medians(lambda: _run(bed))


def _run(bed: Rig) -> list[Ratio]:
    port = int(os.environ["PORT"])
    with bed.running(rig.web(), port=port):
        saturate(port, events.sent(COUNT))
    ours = _drained(bed)
    naive = _rate(NAIVE, lambda: [_one_by_one() for _ in range(NAIVE)])
    jobs = _one_job_per_event(bed)
    return [
        Ratio("drain: 2 workers ÷ ORM, one at a time", ours, naive, "/s", at_least=1.0),
        Ratio("drain: 2 workers ÷ one RQ job per event", ours, jobs, "/s", at_least=10.0),
    ]


def _drained(bed: Rig) -> float:
    """Events a second from the first digested to the last, with both workers up before."""
    waiting = Message.objects.filter(status="accepted").count()
    with bed.running(*rig.workers()):
        rig.until(lambda: len(Worker.all(connection=django_rq.get_connection("inbox"))) >= 2)
        started = time.perf_counter()
        for _ in range(2):
            bell.push("inbox")
        rig.until(lambda: not Message.objects.filter(status="accepted").exists())
        return waiting / (time.perf_counter() - started)


@transaction.atomic
def _one_by_one() -> None:
    naive_event()


def _one_job_per_event(bed: Rig) -> float:
    queue = django_rq.get_queue("upkeep")
    queue.empty()
    for _ in range(JOBS):
        queue.enqueue("tests.bench.naive.naive_event_in_a_transaction", result_ttl=0)
    before = Outcome.objects.count()
    command = [
        sys.executable, "manage.py", "rqworker", "upkeep", "--burst", "--verbosity", "0",
        "--serializer", "rq.serializers.JSONSerializer",
    ]  # fmt: skip
    started = time.perf_counter()
    subprocess.run(command, check=True, cwd=environment.PROJECT)
    assert Outcome.objects.count() == before + 3 * JOBS
    return JOBS / (time.perf_counter() - started)


def _rate(count: int, work) -> float:
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def latency(bed: Rig) -> list[Ratio]:
    """Accepted → outcome row committed, p95, at 20 and at 100 events a second."""
    return medians(lambda: _latency(bed))


def _latency(bed: Rig) -> list[Ratio]:
    port = int(os.environ["PORT"])
    with bed.running(rig.web(), *rig.workers(), port=port):
        _warm_up(port)
        slow, fast = _p95(port, 20), _p95(port, 100)
    return [Ratio("latency: p95 at 100/s ÷ at 20/s", fast, slow, "ms", at_most=2.0)]


def _warm_up(port: int) -> None:
    at_rate(port, events.sent(40), per_second=20)
    rig.until(lambda: not Message.objects.filter(status="accepted").exists())


def _p95(port: int, per_second: int) -> float:
    since = instant.now()
    at_rate(port, events.sent(per_second * 8), per_second=per_second)
    rig.until(lambda: not Message.objects.filter(status="accepted").exists())
    with connection.cursor() as cursor:
        # When the outcome's row was there for others is when its transaction committed.
        cursor.execute(
            """
            SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM
                       pg_xact_commit_timestamp(o.xmin) - s.received_at) * 1000), count(*)
            FROM proposals_outcome o JOIN proposals_signal s ON s.id = o.signal_id
            WHERE s.received_at >= %s AND o.attempts = 0
            """,
            [since],
        )
        p95, count = cursor.fetchone()
    assert count >= per_second * 8
    return float(p95)
