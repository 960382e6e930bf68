"""Processes as the kernel shows them: who is whose child, and what it was started with."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.size import SIZE


def children_of(parent: int) -> list[int]:
    return [pid for pid in _pids() if _parent_of(pid) == parent]


def command_of(pid: int) -> str:
    return _read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace")


def works_in(state: Path) -> list[int]:
    """Processes, whoever their parent is, that were started for this state folder."""
    wanted = f"MESHLINE_STATE={state}".encode()
    return [pid for pid in _pids() if wanted in _read(pid, "environ")]


def is_there(pid: int) -> bool:
    """Whether it runs, or is stopped; a zombie has ended."""
    return _stat(pid)[:1] not in ([], ["Z"])


def is_stopped(pid: int) -> bool:
    return _stat(pid)[:1] == ["T"]


def send(number: int, *pids: int) -> bool:
    """Send a signal to each; whether all of them were still there."""
    there = 0
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            there += 1
    return there == len(pids) > 0


def kill(*pids: int) -> bool:
    return send(signal.SIGKILL, *pids)


def until(
    question: Callable[[], object], *, what: str, within: float = SIZE.patience, every: float = 0.1
) -> float:
    """Wait for a condition, with a generous bound; how many seconds it took."""
    begun = time.monotonic()
    while not question():
        if time.monotonic() - begun > within:
            pytest.fail(f"Within {within:.0f} s it did not come about that {what}.")
        time.sleep(every)
    return time.monotonic() - begun


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _stat(pid: int) -> list[str]:
    # pid (name) state ppid …; the name may hold anything.
    return _read(pid, "stat").rpartition(b")")[2].decode().split()


def _parent_of(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:  # it just ended
        return b""
