"""Two clocks, none, and one that is stopped while it holds the lock."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults import processes
from tests.faults.house import House
from tests.faults.judge import judge, under_way, verdict
from tests.faults.processes import until
from tests.faults.sender import Sender, documents
from tests.faults.size import SIZE

_LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = %s"
_MESH = 0x6D657368


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    assert processes.send(signal.SIGSTOP, *pids)
    try:
        yield
    finally:
        processes.send(signal.SIGCONT, *pids)


def working(house: House) -> int:
    """The pid of the clock that works, by its own beat."""
    with house.database() as session:
        row = session.execute(
            "SELECT (detail->>'pid')::int FROM pulse_heartbeat WHERE name = 'clock'"
        ).fetchone()
    return row[0] if row else 0


def two_stand(house: House) -> None:
    until(lambda: working(house) in house.clocks and len(house.clocks) == 2,
          what="one clock works and another stands by")  # fmt: skip


@pytest.mark.long
def test_of_two_clocks_one_works(house: House):
    two_stand(house)
    with house.database() as session:
        assert session.execute(_LOCKS, [_MESH]).fetchone() == (1,)
    whom = documents("clocked", 12)
    house.orders(without=["bells"])
    house.wait_until_asleep()
    Sender(house.port).send(whom).wait()
    judge(house, whom)


@pytest.mark.long
def test_without_a_clock_the_bells_are_enough(house: House):
    two_stand(house)
    whom = documents("clockless", 12)
    with stopped(*house.clocks):
        Sender(house.port).send(whom).wait()
        judge(house, whom)
    two_stand(house)


def test_a_killed_clock_is_followed_by_the_one_that_stands_by(house: House):
    two_stand(house)
    old = working(house)
    house.orders(without=["bells"])
    house.wait_until_asleep()
    processes.kill(old)
    whom = documents("followed", 12)
    Sender(house.port).send(whom).wait()
    judge(house, whom)
    assert working(house) != old


@pytest.mark.long
def test_a_clock_stopped_while_it_holds_the_lock_is_replaced(house: House):
    two_stand(house)
    old = working(house)
    house.orders(without=["bells"])
    house.wait_until_asleep()
    whom = documents("replaced", 12)
    with stopped(old):
        Sender(house.port).send(whom).wait()
        judge(house, whom)
        assert working(house) != old
    # When it goes on it has lost its session, and stands by.
    two_stand(house)


@pytest.mark.long
def test_without_an_end_of_silence_a_stopped_clock_silences_the_sweeps(house: House):
    """The control: the lock stays with the one that is stopped."""
    two_stand(house)
    house.orders(without=["bells", "end of silence"])
    old = working(house)
    looked = _standby_beats(house)
    until(lambda: _standby_beats(house) > looked + 2, within=30, what="the order is heard")
    with stopped(old):
        house.wait_until_asleep()
        whom = documents("silenced", 6)
        Sender(house.port).send(whom).wait()
        looked = _standby_beats(house)
        until(lambda: _standby_beats(house) > looked + 2 * SIZE.silent,
              what="the other one looks on")  # fmt: skip
        assert working(house) == old
        assert under_way(house) > 0
        assert verdict(house.vendors, whom).lost
    house.orders()
    judge(house, whom)


def _standby_beats(house: House) -> float:
    with house.database() as session:
        row = session.execute(
            "SELECT extract(epoch FROM max(beat_at))::float FROM pulse_heartbeat"
            " WHERE name LIKE 'clock-standby%'"
        ).fetchone()
    return (row[0] if row else None) or 0.0
