"""Children are kept alive, and end when it is time."""

import signal
import sys
import time

import pytest

from meshline.shell import supervisor
from meshline.shell.children import Child
from meshline.shell.supervisor import Supervisor

SLEEPS = (sys.executable, "-c", "import time; time.sleep(60)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True);"
    "time.sleep(60)",
)


@pytest.fixture
def said():
    return []


@pytest.fixture
def house(tmp_path, said):
    house = Supervisor(tmp_path, said.append)
    yield house
    house.stop()


def within(seconds):
    deadline = time.monotonic() + seconds
    return lambda: time.monotonic() > deadline


def test_waits_grow_to_half_a_minute_and_no_further():
    waits = [supervisor.wait_before_restart(falls) for falls in range(1, 8)]
    assert waits == [1, 2, 4, 8, 8, 8, 8]


def test_a_child_that_falls_is_started_again_and_it_is_said(house, said):
    house.start(Child("sleeper", SLEEPS))
    first = house._workers[0].process
    first.kill()
    house.watch(until=lambda: house._workers[0].process is not first)
    assert house._workers[0].process.poll() is None
    assert said[0].startswith("sleeper was ended by signal 9; starting it again in 1 s. Its log: ")


def test_a_child_that_ends_well_is_started_again_in_silence(house, said):
    house.start(Child("done", (sys.executable, "-c", "")))
    first = house._workers[0].process
    house.watch(until=lambda: house._workers[0].process is not first)
    assert said == []


def test_an_errand_is_run_to_its_end(house):
    errand = house.send(Child("errand", (sys.executable, "-c", "raise SystemExit(3)")))
    assert house.wait_for(errand) == 3


def test_who_does_not_listen_is_killed_after_their_grace(house, tmp_path):
    house.start(Child("stubborn", STUBBORN, grace=0.2))
    house.watch(until=lambda: "deaf" in (tmp_path / "stubborn.log").read_text())
    process = house._workers[0].process
    house.stop()
    assert process.returncode == -signal.SIGKILL


def test_the_last_log_is_put_aside(house, tmp_path):
    (tmp_path / "sleeper.log").write_text("before")
    house.start(Child("sleeper", SLEEPS))
    assert (tmp_path / "sleeper.log.1").read_text() == "before"
