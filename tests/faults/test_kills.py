"""Processes are killed at random while events flow: nothing is lost, nothing is doubled."""

import threading
from collections import Counter

from tests.faults import report
from tests.faults.house import House
from tests.faults.judge import judge
from tests.faults.kills import VICTIMS, Killer
from tests.faults.leases import Watch
from tests.faults.sender import Sender, documents
from tests.faults.size import SIZE

SEED = 20260302


def test_nothing_is_lost_or_doubled_while_processes_are_killed(house: House):
    whom = documents("killed", SIZE.events, seed=SEED)
    sender = Sender(house.port)
    pace = SIZE.events / (SIZE.kills * SIZE.gap)
    print(f"Seed {SEED}: {len(whom)} documents, {pace:.1f} events a second.")
    with Watch(house) as watch:
        killer = Killer(house, watch, SEED)
        killing = threading.Thread(target=killer.kill, args=[SIZE.kills])
        sender.send(whom, per_second=pace)
        killing.start()
        killing.join()
        sender.wait(within=SIZE.patience)
        final = judge(house, whom)
        assert watch.outstanding == 0
    assert killer.done.total() == SIZE.kills
    # Of thirty kills one kind may find nobody to kill; of three hundred none does.
    missed = set(VICTIMS) - set(killer.done)
    assert len(missed) <= (0 if SIZE.kills >= 300 else 2), missed
    report.note("Killed: events accepted", len(sender.events))
    report.note("Killed: posts sent again", sum(sender.refusals.values()))
    report.note("Killed: kills", f"{killer.done.total()} ({_listed(killer.done)})")
    report.note("Killed: lost", len(final.lost))
    report.note("Killed: doubled", len(final.doubled))
    report.note("Killed: chat messages handed to a person", len(final.unsaid))
    report.note("Killed: leases held at a kill", len(watch.back))
    report.note("Killed: lapsed leases back after, s", _spread(watch.lapsed))
    if SIZE.back_within is not None:
        assert max(watch.back) <= SIZE.back_within


def _listed(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(counted.items()))


def _spread(seconds: list[float]) -> str:
    if not seconds:
        return "none lapsed"
    ordered = sorted(seconds)
    middle = ordered[len(ordered) // 2]
    return f"{len(ordered)} of them: median {middle:.1f}, longest {ordered[-1]:.1f}"
