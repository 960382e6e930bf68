"""Redis forgets, is gone, hangs, is full: events are taken all the same, and nothing is lost.

Redis is a doorbell. What is taken while it is away waits in rows; the clock's sweeps find it.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from tests.faults import processes, report
from tests.faults.house import House
from tests.faults.judge import judge, under_way, verdict
from tests.faults.processes import until
from tests.faults.sender import Sender, documents
from tests.faults.size import SIZE


@contextmanager
def again_and_again(act, *, every: float = 0.2) -> Iterator[None]:
    """Do this a few times a second, for as long as the block lasts."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(every):
            act()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The process hangs for as long as the block lasts: it is there, and says nothing."""
    assert processes.send(signal.SIGSTOP, pid)
    try:
        yield
    finally:
        processes.send(signal.SIGCONT, pid)


def is_ready_again(house: House) -> None:
    until(house.is_ready, within=120, what="the installation is ready again", every=0.3)


def test_redis_forgets_everything_again_and_again(house: House):
    whom = documents("flushed", SIZE.redis_events)

    def flush() -> None:
        # What is just being done may lose its job in the middle: Redis says so, or goes away.
        house.redis_client().flushall()

    with again_and_again(flush):
        Sender(house.port).send(whom, per_second=30).wait()
    judge(house, whom)


@pytest.mark.long
def test_without_the_sweeps_what_redis_forgot_stays_undone(house: House):
    """The control: the sweeps are what finds what no bell was heard for."""
    house.orders(without=["bells", "sweeps"])
    house.wait_until_asleep()
    whom = documents("unswept", 6)
    Sender(house.port).send(whom).wait()
    looks = _clock_beats(house)
    until(lambda: _clock_beats(house) >= looks + 6, within=60, what="the clock has looked")
    assert under_way(house) > 0
    assert verdict(house.vendors, whom).lost
    house.orders(without=["bells"])
    judge(house, whom)


def test_redis_is_gone_for_a_while(house: House):
    """`up` brings it back; here it is killed whenever it stands, for the whole time."""
    whom = documents("gone", SIZE.redis_events)

    def kill() -> None:
        if pid := house.redis:
            processes.kill(pid)

    kill()
    with again_and_again(kill, every=0.1):
        # Accepted while it is gone, all of it.
        sender = Sender(house.port).send(whom, per_second=SIZE.redis_events / SIZE.redis_gone)
        sender.wait()
        assert not sender.refusals
    report.note("Redis gone: events taken meanwhile", len(sender.events))
    is_ready_again(house)
    judge(house, whom)


@pytest.mark.long
def test_redis_hangs(house: House):
    """Stopped by SIGSTOP: whoever rings hears nothing, and must not wait for it."""
    healthy, hung = documents("healthy", SIZE.redis_events), documents("hung", SIZE.redis_events)
    before = Sender(house.port).send(healthy, per_second=20).wait()
    judge(house, healthy)
    with stopped(house.redis):
        during = Sender(house.port).send(hung, per_second=20).wait()
        assert not during.refusals
    report.note("Redis hung: intake p95, ms", round(1000 * during.percentile(0.95), 1))
    report.note("Redis well: intake p95, ms", round(1000 * before.percentile(0.95), 1))
    judge(house, hung)
    is_ready_again(house)


def test_a_bell_rung_by_the_web_thread_itself_is_waited_for(house: House):
    """The control: rung without the thread aside and the short patience, nobody is answered."""
    house.orders(without=["bell aside"])
    whom = documents("waiting", 6)
    with stopped(house.redis):
        sender = Sender(house.port, timeout=2.0).send(whom)
        until(lambda: sender.refusals.get("TimeoutError", 0) >= 4, within=60,
              what="senders give up waiting")  # fmt: skip
        assert not sender.latencies
        house.orders()
    sender.wait()
    judge(house, whom)
    is_ready_again(house)


@pytest.mark.long
def test_redis_is_full(house: House):
    whom = documents("full", SIZE.redis_events)
    client = house.redis_client()
    client.config_set("maxmemory", "1kb")
    try:
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            client.set("one", "more")
        sender = Sender(house.port).send(whom, per_second=30).wait()
        assert not sender.refusals
    finally:
        client.config_set("maxmemory", "128mb")
    judge(house, whom)
    is_ready_again(house)


def _clock_beats(house: House) -> float:
    """The database's time of the working clock's last beat, in seconds."""
    with house.database() as session:
        row = session.execute(
            "SELECT extract(epoch FROM beat_at)::float FROM pulse_heartbeat WHERE name = 'clock'"
        ).fetchone()
    assert row is not None
    return row[0]
