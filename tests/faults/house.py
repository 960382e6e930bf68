"""An installation as somebody runs it: `manage.py up` on a folder of its own, watched from outside.

It has its own PostgreSQL and Redis, with the settings they are shipped with. Its processes load
tests/faults/hook, through which a test takes out a guard, stops a process at one place, or poisons.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from redis import Redis

from meshline.shell import children, servers
from tests.faults import processes
from tests.faults.processes import until
from tests.faults.size import SIZE
from tests.faults.vendors import PROJECT, SECRETS, Vendors

MANAGE = str(PROJECT / "manage.py")
# What the test run itself lives on, and the installation must not find.
_NOT_ITS_OWN = (
    "MESHLINE_", "DATABASE_URL", "MIGRATION_", "REDIS_URL", "SECRET", "DJANGO_", "PYTEST_", "PORT",
    "FAULTS_",
)  # fmt: skip

MODEL = """\
company: {fallback_owner: rosa@example.com}
people:
- {email: rosa@example.com, role: manager, name: Rosa Marin, team: revops}
- {email: olivia@example.com, role: operator, name: Olivia Ortiz, team: revops}
- {email: remy@example.com, role: rep, name: Remy Park, team: revops}
connections:
- slug: pandadoc
  system: pandadoc
  tier: seconds
  signing_secret_env: FAULTS_SHARED_KEY
"""


class House:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.port = free_port()
        self.vendors = Vendors(folder, free_port(), tells=self.port)
        self._orders = folder / "orders.json"
        self._process: subprocess.Popen | None = None

    # --- Its life ----------------------------------------------------------------------------

    def start(self) -> None:
        self.vendors.start()
        words = ["up", "--empty", "--port", str(self.port), "--workers", "2"]
        with (self.folder / "terminal.txt").open("wb") as terminal:
            self._process = subprocess.Popen(
                [sys.executable, MANAGE, *words],
                env=self.environment(), stdout=terminal, stderr=subprocess.STDOUT,
            )  # fmt: skip
        until(self.is_ready, within=120, what="the installation is ready", every=0.3)
        model = self.folder / "model.yaml"
        model.write_text(MODEL + self.vendors.model())
        self.manage("operating_model", "apply", str(model))

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(90)
        self.vendors.stop()

    def environment(self) -> dict[str, str]:
        """Ours without what is ours alone, with short waits and the hook."""
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(_NOT_ITS_OWN)
        }
        return {
            **clean,
            "MESHLINE_STATE": str(self.state),
            "MESHLINE_LEASE_SECONDS": str(SIZE.lease),
            "PYTHONPATH": str(Path(__file__).parent / "hook"),
            "FAULTS_ORDERS": str(self._orders),
            "FAULTS_CALL_SECONDS": str(SIZE.call),
            **({} if SIZE.is_long else {"FAULTS_LONGEST_WAIT": "2"}),
            "FAULTS_SILENT": str(SIZE.silent) if not SIZE.is_long else "",
            # What is counted here is what was sent.
            "CANARIES": "0",
            **SECRETS,
        }

    def own_environment(self) -> dict[str, str]:
        """All that its processes find: what `up` made for it, too."""
        made = json.loads((self.state / "environment.json").read_text())
        return {**self.environment(), **made}

    @contextmanager
    def one_more(self, kid: children.Child, **environment: str) -> Iterator[None]:
        """Another process of this installation, beside those of `up`, for as long as the block.

        It finds what they find, and nothing of the test run's own.
        """
        with (self.folder / f"{kid.name}.log").open("ab") as log:
            process = subprocess.Popen(
                kid.command, cwd=kid.folder, stdout=log, stderr=log, process_group=0,
                env={**self.own_environment(), **kid.environment, **environment},
            )  # fmt: skip
        try:
            yield
        finally:
            children.stop(process, kid)

    def orders(self, **orders: Any) -> None:
        """Tell all processes what to do from now on; nothing: to be as they are."""
        fresh = self._orders.with_suffix(".new")
        fresh.write_text(json.dumps(orders))
        fresh.replace(self._orders)

    # --- How it is seen ----------------------------------------------------------------------

    def readiness(self) -> dict[str, Any]:
        return json.loads(self.get("/readyz")[1])

    def is_ready(self) -> bool:
        try:
            return self.readiness()["ready"] is True
        except (OSError, http.client.HTTPException, ValueError):
            return False

    def get(self, path: str) -> tuple[int, bytes]:
        web = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            web.request("GET", path)
            answer = web.getresponse()
            return answer.status, answer.read()
        finally:
            web.close()

    def manage(self, *words: str, fails: bool = False) -> str:
        """A command of the installation; what it printed. `fails`: it may end with an error."""
        done = subprocess.run(
            [sys.executable, MANAGE, *words], env=self.environment(), capture_output=True, text=True
        )
        assert fails or done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def logs(self) -> str:
        """The end of everything it said, for whoever looks for what went wrong."""
        files = [self.folder / "terminal.txt", *sorted((self.state / "logs").glob("*.log"))]
        files += sorted(self.folder.glob("bad-*.log"))
        logs = [f"--- {one.name}\n{_tail(one)}" for one in files if one.exists()]
        return "\n".join([*logs, f"--- sessions\n{self._sessions()}"])

    def _sessions(self) -> str:
        """Who is in the database, what they do or last did, and whom they wait for."""
        try:
            with self.database(superuser=True) as session:
                rows = session.execute(_SESSIONS).fetchall()
        except psycopg.Error as error:
            return f"{error}"
        return "\n".join(" | ".join(str(value) for value in row) for row in rows)

    # --- Who is there ------------------------------------------------------------------------

    def child(self, words: str) -> int:
        """The one child of `up` whose command line holds these words; 0 when there is none."""
        return next(iter(self.all_children(words)), 0)

    def all_children(self, words: str) -> list[int]:
        assert self._process is not None
        ours = processes.children_of(self._process.pid)
        return [pid for pid in ours if words in processes.command_of(pid)]

    @property
    def postgres(self) -> int:
        return self.child("/bin/postgres ")

    @property
    def redis(self) -> int:
        return self.child("redis-server")

    @property
    def web(self) -> int:
        return self.child("gunicorn")

    @property
    def clocks(self) -> list[int]:
        return self.all_children("manage.py clock")

    @property
    def workers(self) -> list[int]:
        return self.all_children("rqworker")

    @property
    def horses(self) -> list[int]:
        return [horse for worker in self.workers for horse in processes.children_of(worker)]

    # --- What a person would do --------------------------------------------------------------

    def tickets_about(self, words: str) -> list[str]:
        """The kinds of the unresolved tickets with these words in their title or reason."""
        with self.database() as session:
            rows = session.execute(
                "SELECT DISTINCT t.kind FROM exceptions_ticket t"
                " JOIN exceptions_occurrence o ON o.ticket_id = t.id"
                " WHERE t.status <> 'resolved' AND (t.title LIKE %(words)s"
                " OR o.evidence::text LIKE %(words)s OR t.record_title LIKE %(words)s)",
                {"words": f"%{words}%"},
            ).fetchall()
        return [row[0] for row in rows]

    def retry_connection(self, slug: str) -> None:
        """What the button on its page does: its breaker lets the next one through at once."""
        code = (
            "from connectors import health; from meshline import instant;"
            "from meshline.people.models import User;"
            "rosa = User.objects.get(email='rosa@example.com');"
            f"health.retry_now({slug!r}, by=rosa, at=instant.now())"
        )
        self.manage("shell", "-v", "0", "-c", code)

    def wait_until_asleep(self) -> None:
        """Until no drain lingers: what is sent from here on, a bell or a sweep must wake."""
        until(lambda: not self.horses, within=60, what="no worker is at work")

    # --- Its servers, by the back door -------------------------------------------------------

    def database(self, *, superuser: bool = False) -> psycopg.Connection:
        """A session of our own, for what only the database can tell: leases, backends."""
        address = servers.postgres_addresses(self.state / "postgres")["DATABASE_URL"]
        user = {"user": "postgres"} if superuser else {}
        return psycopg.connect(address, autocommit=True, connect_timeout=2, **user)

    def redis_client(self) -> Redis:
        address = servers.redis_addresses(self.state / "redis")["REDIS_URL"]
        return Redis.from_url(address, socket_timeout=5)


_SESSIONS = """
SELECT pid, state, wait_event_type, wait_event, pg_blocking_pids(pid), now() - xact_start,
       now() - state_change, left(regexp_replace(query, '\\s+', ' ', 'g'), 160)
FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
ORDER BY pid
"""


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


def _tail(path: Path) -> str:
    return path.read_text(errors="replace")[-1200:]
