"""What a bench runs against: servers as `up` starts them, in a folder that is thrown away."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL

from meshline import environment
from meshline.shell import children, processes, servers

KEYS = {"SECRET_KEY": "only-for-benches", "SECRETS_KEYS": "A" * 43 + "="}


class Rig:
    """Embedded servers with the settings they have in earnest; processes come and go by name."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="meshline-bench-"))
        # Of the processes that were started last, by name.
        self.pids: dict[str, int] = {}
        self._stack = ExitStack()
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start the servers, say in the environment where they are, and migrate."""
        os.environ |= {**KEYS, "MESHLINE_STATE": str(self.folder / "state"), "CANARIES": "0"}
        postgres = self.folder / "postgres"
        # Commit times, so that "when was it there" is the database's own word.
        self._server(servers.postgres(postgres, {"track_commit_timestamp": "on"}))
        servers.make_database(postgres, owner_makes_databases=True)
        self._server(servers.redis_server(self.folder / "redis"))
        os.environ |= servers.postgres_addresses(postgres)
        os.environ |= servers.redis_addresses(self.folder / "redis")
        os.environ["PORT"] = str(free_port())
        os.environ["PUBLIC_URL"] = f"http://127.0.0.1:{os.environ['PORT']}"
        for command in (["migrate", "-v0"], ["collectstatic", "--noinput", "-v0"]):
            manage = [sys.executable, str(environment.PROJECT / "manage.py"), *command]
            subprocess.run(manage, check=True)

    def stop(self) -> None:
        self._stack.close()

    @contextmanager
    def running(self, *kids: children.Child, port: int | None = None):
        """These processes for a while; with `port`, until it is answered."""
        with ExitStack() as stack:
            for kid in kids:
                process = children.start(kid, self.folder / f"{kid.name}.log")
                self.pids[kid.name] = process.pid
                stack.callback(children.stop, process, kid)
            if port:
                wait_for(port)
            try:
                yield
            except Exception:
                self._show_logs(kids)
                raise

    @contextmanager
    def at_rest(self):
        """Nothing is left to do of what was written: it is on the disk, and meanwhile no vacuum
        runs or begins. So rows made by the million are measured as they stand the day after."""
        address = os.environ["DATABASE_URL"].replace(servers.APPLICATION, "postgres", 1)
        with psycopg.connect(address, autocommit=True) as server:
            _autovacuum(server, "off")
            until(lambda: not _vacuums(server), seconds=1800)
            server.execute("CHECKPOINT")
            os.sync()
            yield
            _autovacuum(server, "on")

    def _show_logs(self, kids: tuple[children.Child, ...]) -> None:
        for kid in kids:
            print(
                f"--- {kid.name}", (self.folder / f"{kid.name}.log").read_text()[-3000:], sep="\n"
            )

    def _server(self, server: servers.Server) -> None:
        process = servers.start(server, self.folder / f"{server.child.name}.log")
        self._stack.callback(children.stop, process, server.child)


def web() -> children.Child:
    return processes.web()


def web_with_slow_page() -> children.Child:
    """The web server, with one more page that takes a second."""
    plain = processes.web()
    slow = {"DJANGO_SETTINGS_MODULE": "tests.bench.slow_settings"}
    return replace(plain, environment={**plain.environment, **slow})


def workers(count: int = 2) -> list[children.Child]:
    return [processes.worker(number) for number in range(1, count + 1)]


def clocks() -> list[children.Child]:
    return processes.clocks()


def bare_web(port: int) -> children.Child:
    """The limit's server: the same gunicorn and settings, a view with one raw insert."""
    command = (sys.executable, "-m", "gunicorn", "-c", "python:meshline.shell.web_server")
    return children.Child(
        "bare", (*command, "--bind", f"127.0.0.1:{port}", "tests.bench.bare:application"),
        {"DJANGO_SETTINGS_MODULE": "tests.bench.bare_settings"},
        folder=environment.PROJECT, stop_signal=signal.SIGTERM,
    )  # fmt: skip


def _autovacuum(server: psycopg.Connection, to: str) -> None:
    server.execute(SQL("ALTER SYSTEM SET autovacuum = {}").format(to))
    server.execute("SELECT pg_reload_conf()")


def _vacuums(server: psycopg.Connection) -> bool:
    found = server.execute(
        "SELECT FROM pg_stat_activity WHERE backend_type IN ('autovacuum worker', "
        "'autovacuum launcher')"
    )
    return found.fetchone() is not None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port: int, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"Nothing answers on port {port}.")


def until(done: Any, seconds: float = 120.0) -> float:
    """Wait until `done()` is true; how many seconds that took."""
    started = time.perf_counter()
    while not done():
        if time.perf_counter() - started > seconds:
            raise TimeoutError("What the bench waits for did not happen.")
        time.sleep(0.005)
    return time.perf_counter() - started
