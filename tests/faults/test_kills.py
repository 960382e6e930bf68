"""Processes are killed at random while events flow: nothing is lost, nothing is doubled."""

import threading

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
    with Watch(house) as watch:
        killer = Killer(house, watch, SEED)
        killing = threading.Thread(target=killer.kill, args=[SIZE.kills])
        sender.send(whom, per_second=pace)
        killing.start()
        killing.join()
        sender.wait()
        judge(house, whom)
        assert watch.outstanding == 0
    assert killer.done.total() == SIZE.kills
    assert set(killer.done) == set(VICTIMS)
    if SIZE.back_within is not None:
        assert max(watch.back) <= SIZE.back_within
