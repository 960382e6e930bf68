"""Processes we start: what they are, and how they begin and end together with us."""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True)
class Child:
    """A process to start: its command, what it adds to our environment, how it is asked to stop."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    # The user it runs as when we are root and it must not be; None: our own.
    user: str | None = None
    folder: Path | None = None
    stop_signal: int = signal.SIGTERM
    # Seconds between the polite word and SIGKILL.
    grace: float = 20.0


def start(child: Child, log: Path) -> subprocess.Popen:
    """Start a child in a process group of its own, with all it says going to the log file.

    It gets its stop signal from the kernel when we die, however we die.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            child.command,
            cwd=child.folder,
            env={**os.environ, **child.environment},
            **identity(child.user),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
            # Safe here: whoever starts children has one thread.
            preexec_fn=_end_with(os.getpid(), child.stop_signal),
        )


def identity(user: str | None) -> dict[str, Any]:
    """How subprocess is told to run as this user, with none of our own groups left."""
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def ask_to_stop(process: subprocess.Popen, child: Child) -> None:
    """Send the stop signal to the child; it knows what to do with its own children."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            process.send_signal(child.stop_signal)


def kill(process: subprocess.Popen) -> None:
    """End the child and whatever is left of its process group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def stop(process: subprocess.Popen, child: Child) -> None:
    """Ask, wait for the child's grace, and kill what is left."""
    ask_to_stop(process, child)
    with suppress(subprocess.TimeoutExpired):
        process.wait(child.grace)
    kill(process)


def _end_with(parent: int, stop_signal: int) -> Callable[[], None] | None:
    """What the new process does before it becomes the child: tie its life to its parent's."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def tie() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, stop_signal)
        if os.getppid() != parent:  # it died between fork and here
            os._exit(1)

    return tie
