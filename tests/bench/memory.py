"""Memory: what web, worker and clock hold after many events ÷ after the first of them."""

import os
from pathlib import Path

from connectors.models import Message
from tests.bench import events, rig
from tests.bench.load import saturate
from tests.bench.report import Ratio
from tests.bench.rig import Rig

# Events in all, and after how many every process has what it keeps.
COUNT = int(os.environ.get("MEMORY_EVENTS", "100000"))
SETTLED = COUNT // 5
_ROUND = 2_000


def run(bed: Rig) -> list[Ratio]:
    """Resident memory of each process at the end ÷ after a fifth of the events."""
    port = int(os.environ["PORT"])
    kids = [rig.web(), *rig.workers(), *rig.clocks()]
    with bed.running(*kids, port=port):
        _send(port, SETTLED)
        before = _resident(bed)
        _send(port, COUNT - SETTLED)
        after = _resident(bed)
    return [
        Ratio(f"memory: {name} after {COUNT:,} events", after[name], before[name], "MB",
              at_most=1.2)
        for name in before
    ]  # fmt: skip


def _send(port: int, count: int) -> None:
    """In rounds, each digested before the next is sent."""
    for start in range(0, count, _ROUND):
        # The same documents again and again: no proposal lives for ever.
        saturate(port, events.sent(min(_ROUND, count - start), slug="pandadoc"))
        rig.until(lambda: not Message.objects.filter(status="accepted").exists(), seconds=600)


def _resident(bed: Rig) -> dict[str, float]:
    """Megabytes of each process with all its children."""
    return {name: sum(_megabytes(pid) for pid in _family(pid)) for name, pid in bed.pids.items()}


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    below = [int(one) for one in children.read_text().split()] if children.exists() else []
    return [pid, *(found for one in below for found in _family(one))]


def _megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/smaps_rollup")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))
