"""A worker is stopped past its lease and goes on: what it had was done by somebody else, once.

The controls take one guard out of the running installation and see the promise broken.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults import processes
from tests.faults.house import House
from tests.faults.judge import judge, under_way, verdict, wait_until_done, wait_until_quiet
from tests.faults.processes import until
from tests.faults.sender import Document, Sender, documents

ONBOARDING = "/signed/onboarding/"


def signed(name: str) -> Document:
    """A document that is sent, seen and signed: a deal, and an onboarding task."""
    whom = documents(name, 3)[0]
    return Document(whom.id, ("sent", "viewed", "completed"), whom.amount)


@pytest.fixture
def stopping(house: House, tmp_path: Path) -> Iterator[Any]:
    """Stops whoever carries out an order, once, and lets them go on at the end of the block."""

    @contextmanager
    def stops(place: str, about: str, *, without: list[str] | None = None) -> Iterator[Path]:
        says = tmp_path / "stopped"
        order = {"at": place, "about": about, "says": str(says)}
        house.orders(stop=order, without=without or [])
        try:
            yield says
        finally:
            if says.exists():
                pid = int(says.read_text())
                processes.send(signal.SIGCONT, pid)
                # Whatever it still does is done when it is gone.
                gone = "the worker that was stopped comes to its end"
                until(lambda: not processes.is_there(pid), what=gone)

    return stops


def is_stopped(says: Path) -> bool:
    return says.exists() and bool(text := says.read_text()) and processes.is_stopped(int(text))


def onboardings(house: House, one: Document) -> int:
    wanted = f"Start onboarding: {one.title}"
    return sum(task["hs_task_subject"] == wanted for task in house.vendors.tasks())


def test_a_worker_stopped_while_digesting_is_fenced_and_nothing_is_lost(house: House, stopping):
    one = signed("digesting")
    with stopping("finishing a message", one.id) as says:
        Sender(house.port).send([one]).wait()
        until(lambda: is_stopped(says), what="a worker stops in the middle")
        # Its transaction holds the document's rows; what came with it waits for the database.
        others = documents("beside", 12)
        Sender(house.port).send(others).wait()
        wait_until_done(house, others)
    judge(house, [one, *others])


@pytest.mark.long
def test_a_worker_stopped_before_it_calls_does_not_call_late(house: House, stopping):
    """Its deal would go back from signed to sent."""
    one = signed("late")
    first, *later = one.events()
    sender = Sender(house.port)
    with stopping("carrying an outcome", f"{one.id}/sent/deal/") as says:
        sender.send_events([first]).wait()
        until(lambda: is_stopped(says), what="a worker stops before its call")
        sender.send_events(later).wait()
        wait_until_done(house, [one])
    judge(house, [one])


@pytest.mark.long
@pytest.mark.parametrize(
    ("without", "made"),
    [
        (["key"], 1),
        pytest.param(["key", "fence"], 2, id="control: no fence"),
    ],
    ids=["the fence alone", "control: no fence"],
)
def test_a_worker_stopped_before_it_says_what_happened(
    house: House, stopping, without: list[str], made: int
):
    """Its call failed; the next one's did not. Without the fence it takes what is done back.

    The key, which would hold back the second task, is out in both: the fence alone is tried.
    """
    one = signed("word")
    task = {"method": "POST", "path": "/objects/tasks"}
    with stopping("acknowledging an outcome", f"{one.id}{ONBOARDING}", without=without) as says:
        house.vendors.breaks("hubspot", {"kind": "status", "code": 500, "match": task})
        Sender(house.port).send([one]).wait()
        until(lambda: is_stopped(says), what="a worker stops after its call")
        house.vendors.mends("hubspot")
        until(
            lambda: onboardings(house, one) == 1,
            what="another one makes the task",
        )
        until(lambda: under_way(house) == 0, what="all is done")
    until(lambda: onboardings(house, one) >= made, what="the tasks are there")
    wait_until_quiet(house)
    assert onboardings(house, one) == made


@pytest.mark.long
def test_without_an_end_of_leases_a_killed_workers_work_never_comes_back(house: House, stopping):
    """The control of every lease: what was in the worker's hands stays there."""
    one = signed("leased")
    with stopping("carrying an outcome", f"{one.id}/", without=["lease expiry"]) as says:
        Sender(house.port).send([one]).wait()
        until(lambda: is_stopped(says), what="a worker has it in hand")
        processes.kill(int(says.read_text()))
        others = documents("others", 12)
        Sender(house.port).send(others).wait()
        wait_until_done(house, others)
        until(
            lambda: _lapsed(house) > 5,
            what="the lease is long over",
            every=0.5,
        )
        assert verdict(house.vendors, [one]).lost
        says.unlink()
    house.orders()
    judge(house, [one, *others])


def _lapsed(house: House) -> float:
    """How many seconds the oldest lease is over."""
    with house.database() as session:
        row = session.execute(
            "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(lease_until)), 0)::float"
            " FROM proposals_outcome WHERE state = 'leased'"
        ).fetchone()
    assert row is not None
    return row[0]
