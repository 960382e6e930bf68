"""Memory: what web, worker and clock hold after many events ÷ after the first of them."""

import os
import time
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
    """The most that each process held in the last round ÷ in the last of the first fifth."""
    port = int(os.environ["PORT"])
    kids = [rig.web(), *rig.workers(), *rig.clocks()]
    with bed.running(*kids, port=port):
        before = _send(bed, port, SETTLED)
        after = _send(bed, port, COUNT - SETTLED)
    return [
        Ratio(f"memory: {name} after {COUNT:,} events", after[name], before[name], "MB",
              at_most=1.2)
        for name in before
    ]  # fmt: skip


def _send(bed: Rig, port: int, count: int) -> dict[str, float]:
    """In rounds, each digested before the next is sent; the most that was held in the last."""
    most: dict[str, float] = {}
    for start in range(0, count, _ROUND):
        # The same documents again and again: no proposal lives for ever.
        saturate(port, events.sent(min(_ROUND, count - start), slug="pandadoc"))
        most = _most_until_digested(bed)
    return most


def _most_until_digested(bed: Rig) -> dict[str, float]:
    """Looked at all the while: a worker's job lives in a child that one moment alone may miss."""
    most = _resident(bed)
    deadline = time.monotonic() + 600
    while Message.objects.filter(status="accepted").exists():
        if time.monotonic() > deadline:
            raise TimeoutError("A round of events was not digested in ten minutes.")
        time.sleep(0.1)
        most = {name: max(held, most[name]) for name, held in _resident(bed).items()}
    return most


def _resident(bed: Rig) -> dict[str, float]:
    """Megabytes of each process with all its children."""
    return {name: sum(_megabytes(pid) for pid in _family(pid)) for name, pid in bed.pids.items()}


def _family(pid: int) -> list[int]:
    below = [int(one) for one in _read(f"/proc/{pid}/task/{pid}/children").split()]
    return [pid, *(found for one in below for found in _family(one))]


def _megabytes(pid: int) -> float:
    lines = _read(f"/proc/{pid}/smaps_rollup").splitlines()
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def _read(path: str) -> str:
    """What stands there; nothing of a process that is over."""
    try:
        return Path(path).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
