"""`manage.py up`, as somebody runs it: in a process of its own, on a folder of its own."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
MANAGE = str(PROJECT / "manage.py")
# What the test run itself lives on, and `up` must not find.
OURS = ("MESHLINE_", "DATABASE_URL", "MIGRATION_", "REDIS_URL", "SECRET", "DJANGO_", "PYTEST_")


class Running:
    """One `up` on a state folder and a port."""

    def __init__(self, state: Path, port: int) -> None:
        self.state, self.port = state, port
        self.said = state.with_name("terminal.txt")

    def start(self) -> subprocess.Popen:
        with self.said.open("wb") as terminal:
            self.process = subprocess.Popen(
                [sys.executable, MANAGE, "up", "--empty", "--port", str(self.port), "--workers=1"],
                env={**_clean(), "MESHLINE_STATE": str(self.state)},
                stdout=terminal,
                stderr=subprocess.STDOUT,
            )
        return self.process

    def start_and_wait(self) -> None:
        self.start()
        ready = f"Meshline is ready at http://127.0.0.1:{self.port}\n"
        eventually(lambda: self.said.read_text().endswith(ready), within=90, tell=self.said)

    def manage(self, *words: str) -> subprocess.CompletedProcess:
        environment = {**_clean(), "MESHLINE_STATE": str(self.state)}
        return subprocess.run(
            [sys.executable, MANAGE, *words], env=environment, capture_output=True, text=True
        )

    def readiness(self) -> dict:
        web = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            web.request("GET", "/readyz")
            return json.load(web.getresponse())
        finally:
            web.close()

    def pid_of(self, words: str) -> int:
        """The one child of `up` whose command line holds these words; 0 when there is none."""
        found = [pid for pid, command in self.children().items() if words in command]
        return found[0] if found else 0

    def children(self) -> dict[int, str]:
        ours = [pid for pid in _pids() if _parent_of(pid) == self.process.pid]
        return {int(pid): _read(pid, "cmdline").replace(b"\0", b" ").decode() for pid in ours}

    def left(self) -> list[str]:
        """Processes, whoever their parent is, that work in this state folder."""
        wanted = f"MESHLINE_STATE={self.state}".encode()
        return [pid for pid in _pids() if wanted in _read(pid, "environ")]


def eventually(question: Callable[[], object], *, within: float, tell: Path | None = None) -> None:
    deadline = time.monotonic() + within
    while not question():
        if time.monotonic() > deadline:
            pytest.fail(f"It did not happen within {within} s. {tell.read_text() if tell else ''}")
        time.sleep(0.1)


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


def _pids() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdecimal()]


def _read(pid: str, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:  # it just ended
        return b""


def _parent_of(pid: str) -> int:
    # pid (name) state ppid; the name may hold anything
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if fields else 0


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Running]:
    home = Running(tmp_path / "state", _free_port())
    yield home
    if home.process.poll() is None:
        home.process.terminate()
        home.process.wait(60)


@pytest.mark.long
@pytest.mark.slow
def test_a_life_of_up(home: Running):
    home.start_and_wait()
    assert home.readiness() == {
        "ready": True,
        "database": "ok",
        "redis": "ok",
        "workers": "ok",
        "clock": "ok",
        "demo": "none",
    }

    # Every other command finds what `up` made, and a link for the first admin is its last line.
    invited = home.manage("invite", "ada@example.com", "--role", "admin")
    link = invited.stdout.splitlines()[-1]
    assert link.startswith(f"http://127.0.0.1:{home.port}/sign-in/invitation/"), invited.stderr

    # A second one on the same folder is refused in plain words.
    second = home.manage("up", "--empty", "--port", str(_free_port()))
    assert second.returncode == 1
    assert f"Meshline already runs on {home.state}" in second.stderr

    # A child that is killed comes back, and so does an embedded server.
    for words in ("manage.py clock", "redis-server"):
        killed = home.pid_of(words)
        os.kill(killed, signal.SIGKILL)
        eventually(lambda w=words, k=killed: home.pid_of(w) not in {0, k}, within=60)
    eventually(lambda: home.readiness()["ready"], within=60)

    # Killed itself, it leaves nothing that a second start would stumble over.
    home.process.kill()
    home.process.wait()
    home.start_and_wait()
    again = home.manage("invite", "ada@example.com", "--role", "viewer")
    assert "ada@example.com is already here as Admin" in again.stderr

    home.process.send_signal(signal.SIGTERM)
    assert home.process.wait(60) == 0
    assert home.left() == []
