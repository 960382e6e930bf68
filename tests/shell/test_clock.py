"""One clock works, the others stand by; nothing but its end stops it."""

import threading

import psycopg
import pytest
from django.db import connection

from meshline import bell, timetable
from meshline.pulse import pulse, vitals
from meshline.pulse.models import TaskRun
from meshline.shell import clock
from meshline.shell.clock import Clock
from meshline.timetable import Sweep, Task

pytestmark = pytest.mark.django_db(transaction=True)

done: list[str] = []


def is_due() -> bool:
    return True


def is_not_due() -> bool:
    return False


def breaks() -> bool:
    raise ValueError("A broken look.")


def does() -> None:
    done.append("task")


held_up = threading.Event()


def takes_long() -> None:
    done.append("long")
    held_up.wait(30)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    done.clear()
    monkeypatch.setattr(timetable, "SWEEPS", [])
    monkeypatch.setattr(timetable, "TASKS", [])
    monkeypatch.setattr(bell, "push", lambda name: done.append(name) or True)
    yield
    # The lock belongs to the session, which other tests would go on with.
    connection.close()


@pytest.fixture
def other():
    """Another session of the application's."""
    settings = connection.get_connection_params()
    settings.pop("cursor_factory", None)
    settings.pop("context", None)
    with psycopg.connect(**settings, autocommit=True) as session:
        yield session


def here(name: str) -> str:
    return f"{__name__}.{name}"


def test_a_clock_beats_and_rings_what_is_due():
    timetable.SWEEPS[:] = [
        Sweep("inbox", 1, here("is_due")),
        Sweep("outbox", 1, here("is_not_due")),
    ]
    Clock().tick()
    assert done == ["inbox"]
    assert vitals.clock() == vitals.OK


def test_each_has_its_own_rhythm():
    timetable.SWEEPS[:] = [Sweep("inbox", 0, here("is_due"))]
    timetable.TASKS[:] = [Task("daily", 3600, here("does"))]
    working = Clock()
    working.tick()
    working.tick()
    assert done == ["inbox", "task", "inbox"]


def test_one_broken_look_does_not_stop_the_others(caplog):
    timetable.SWEEPS[:] = [Sweep("inbox", 1, here("breaks")), Sweep("outbox", 1, here("is_due"))]
    Clock().tick()
    assert done == ["outbox"]
    assert "The clock's sweep inbox failed." in caplog.text


def test_a_second_clock_stands_by_and_takes_over(other):
    timetable.SWEEPS[:] = [Sweep("inbox", 0, here("is_due"))]
    other.execute("SELECT pg_advisory_lock(%s)", [clock._LOCK])
    second = Clock()
    second.tick()
    assert done == []
    assert pulse.age(vitals.CLOCK) is None
    assert pulse.age(clock.STANDBY) is not None

    other.execute("SELECT pg_advisory_unlock_all()")
    second.tick()
    assert done == ["inbox"]
    assert pulse.age(vitals.CLOCK) is not None


def test_a_clock_that_falls_silent_loses_its_lock(other, monkeypatch):
    """Stopped by a signal it keeps its session; the database ends it all the same."""
    monkeypatch.setattr(clock, "_LONGEST_SILENCE", 300)
    working = Clock()
    working.tick()
    # Granted when the silent one's session is over; without the limit, never.
    other.execute("SET statement_timeout = '30s'")
    other.execute("SELECT pg_advisory_lock(%s)", [clock._LOCK])
    assert working.tick() == 1.0
    working.tick()
    assert pulse.age(clock.STANDBY) is not None


def test_a_lost_database_is_waited_for(other):
    timetable.SWEEPS[:] = [Sweep("inbox", 0, here("is_due"))]
    working = Clock()
    working.tick()
    other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    assert working.tick() == 1.0
    assert done == ["inbox"]
    working.tick()
    assert done == ["inbox", "inbox"]


def test_while_it_is_away_the_waits_grow(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    connection.close()
    lost = Clock()
    assert [lost.tick() for _ in range(7)] == [1, 2, 4, 8, 8, 8, 8]


def test_what_a_task_did_is_written_down():
    timetable.TASKS[:] = [Task("daily", 3600, here("does")), Task("broken", 60, here("breaks"))]
    Clock().tick()
    well, broken = TaskRun.objects.order_by("-name")
    assert (well.name, well.error, well.every) == ("daily", "", 3600)
    assert well.seconds is not None
    assert well.succeeded_at >= well.began_at
    assert (broken.name, broken.error) == ("broken", "ValueError: A broken look.")
    assert broken.succeeded_at is None


def test_a_task_that_takes_long_is_done_aside_and_once_at_a_time():
    held_up.clear()
    timetable.TASKS[:] = [
        Task("long", 0, here("takes_long"), aside=True),
        Task("short", 0, here("does")),
    ]
    working = Clock()
    try:
        working.tick()
        at_work = working._aside["long"]
        working.tick()
        assert working._aside["long"] is at_work
        assert done.count("task") == 2
        assert TaskRun.objects.get(name="short").seconds is not None
    finally:
        held_up.set()
        working._aside["long"].join(30)
    assert TaskRun.objects.get(name="long").error == ""


def test_a_task_may_wait_until_the_clock_has_settled_in():
    timetable.TASKS[:] = [Task("later", 1, here("does"), first_after=3600)]
    Clock().tick()
    assert done == []
