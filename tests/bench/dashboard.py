"""The dashboards: each among 1,000,000 events of 30 days, beside the same among 100,000.

DASHBOARD_EVENTS makes it longer or shorter. With 100,000 in 30 days nearly every bucket of every
hour is in use: from there on more events make higher numbers, hardly more rows. Either is
measured at rest, once what was written is on the disk and vacuumed.
"""

import os
import time
from functools import partial
from statistics import median

from django.test import Client

from meshline.people.models import User
from meshline.shell.frames import roomy
from tests.bench import dashboard_rows
from tests.bench.report import Ratio
from tests.bench.rig import Rig

EVENTS = int(os.environ.get("DASHBOARD_EVENTS", "1000000"))
FEW = min(100_000, EVENTS // 10)
TIMES = 11
_BOARDS = {"how it does": "", "follow-up": "follow-up/", "debt": "debt/", "review": "review/"}
_RANGES = ("24h", "7d", "30d", "90d")


def run(bed: Rig) -> list[Ratio]:
    """Each dashboard over each range among few events and among many."""
    dashboard_rows.fill(1, FEW, whole=FEW)
    with bed.at_rest():
        few = _pages()
    dashboard_rows.fill(FEW + 1, EVENTS, whole=EVENTS)
    with bed.at_rest():
        many = _pages()
    return [
        Ratio(f"dashboard: {name} ÷ among {FEW:,}", many[name] * 1000, few[name] * 1000, "ms",
              at_most=1.5)
        for name in many
    ]  # fmt: skip


def _pages() -> dict[str, float]:
    # Signed in anew: to make ten million events takes longer than anybody may sit idle.
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.get(email="rosa@example.com"))
    return {
        f"{name}, {asked}": _seconds(partial(_get, client, f"/dashboards/{board}?range={asked}"))
        for name, board in _BOARDS.items()
        for asked in _RANGES
    }


def _get(client: Client, url: str) -> None:
    answer = roomy(client.get, url)
    assert answer.status_code == 200, (url, answer.status_code)


def _seconds(act: partial) -> float:
    """The median of several; what is made once is made before."""
    act()
    took = []
    for _ in range(TIMES):
        started = time.perf_counter()
        act()
        took.append(time.perf_counter() - started)
    return median(took)
