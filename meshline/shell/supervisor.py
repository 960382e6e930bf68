"""Keeping children alive: one loop, one thread, restarts with backoff, an orderly end."""

import contextlib
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from meshline.shell import children
from meshline.shell.children import Child

_LOOKS_EVERY = 0.1  # seconds
# Work that a killed worker had is promised back fifteen seconds after its lease of sixty ends: what
# falls again and again must be up within that time, with some left for starting.
_LONGEST_WAIT = 8.0
# A child that lived this long was well: its next fall is its first.
_PROVEN_AFTER = 60.0


def wait_before_restart(falls: int) -> float:
    """Seconds until the next try after so many falls in a row: 1, 2, 4, 8, 8 …"""
    return min(2.0 ** (falls - 1), _LONGEST_WAIT)


@dataclass
class _Post:
    """One child's place: who stands there now, and since when, or when the next one comes."""

    child: Child
    log: Path
    process: subprocess.Popen
    since: float
    falls: int = 0
    again_at: float | None = None


class Supervisor:
    """Children on their posts. `say` prints one line on the terminal."""

    def __init__(self, logs: Path, say: Callable[[str], None]) -> None:
        self._logs = logs
        self._say = say
        self._servers: list[_Post] = []
        self._workers: list[_Post] = []
        self._errand: _Post | None = None

    def log_of(self, child: Child) -> Path:
        return self._logs / f"{child.name}.log"

    def fresh_log(self, child: Child) -> Path:
        """Put the last start's log aside."""
        log = self.log_of(child)
        with contextlib.suppress(FileNotFoundError):
            log.replace(log.with_suffix(".log.1"))
        return log

    def adopt_server(self, child: Child, process: subprocess.Popen) -> None:
        """Watch over a server that was started already; it is stopped after all others."""
        log = self.log_of(child)
        self._servers.append(_Post(child, log, process, time.monotonic()))

    def start(self, child: Child) -> None:
        """Start a child and keep it alive from now on."""
        self._workers.append(self._new_post(child))

    def send(self, child: Child) -> subprocess.Popen:
        """Start a child that does one thing and ends; see `wait_for`."""
        self._errand = self._new_post(child)
        return self._errand.process

    def wait_for(self, process: subprocess.Popen) -> int:
        """Watch the others until what was sent ends; its exit code."""
        self.watch(until=lambda: process.poll() is not None)
        self._errand = None
        return process.returncode

    def watch(self, until: Callable[[], bool]) -> None:
        """Restart what ends, until the question is answered with yes."""
        while not until():
            for post in (*self._servers, *self._workers):
                self._look_at(post)
            time.sleep(_LOOKS_EVERY)

    def stop(self) -> None:
        """Everybody is asked at once and has their grace; then the servers, last started first."""
        posts = [*self._workers, *([self._errand] if self._errand else [])]
        for post in posts:
            children.ask_to_stop(post.process, post.child)
        for post in (*posts, *reversed(self._servers)):
            children.stop(post.process, post.child)
        self._workers, self._servers, self._errand = [], [], None

    def _new_post(self, child: Child) -> _Post:
        log = self.fresh_log(child)
        return _Post(child, log, children.start(child, log), time.monotonic())

    def _look_at(self, post: _Post) -> None:
        if post.again_at is None:
            if post.process.poll() is not None:
                self._note_fall(post)
        elif time.monotonic() >= post.again_at:
            post.process = children.start(post.child, post.log)
            post.since, post.again_at = time.monotonic(), None

    def _note_fall(self, post: _Post) -> None:
        # Whatever it left of its process group would get in the next one's way.
        children.kill(post.process)
        lived = time.monotonic() - post.since
        post.falls = 1 if lived >= _PROVEN_AFTER else post.falls + 1
        wait = wait_before_restart(post.falls)
        post.again_at = time.monotonic() + wait
        # A worker ends by itself after so many jobs: nothing to worry anybody with.
        if post.process.returncode != 0:
            self._say(f"{post.child.name} {_how(post.process.returncode)}; "
                      f"starting it again in {wait:.0f} s. Its log: {post.log}")  # fmt: skip


def _how(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
