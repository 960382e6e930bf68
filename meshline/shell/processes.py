"""The processes of a running Meshline, as children for the supervisor."""

import os
import sys

from meshline import environment
from meshline.shell.children import Child

# Wakes are served first come, first served within a queue; each half of the workers prefers
# another one, so that a long outbox never holds up the inbox, nor the other way round.
_INBOX_FIRST = ("inbox", "outbox", "upkeep")
_OUTBOX_FIRST = ("outbox", "inbox", "upkeep")
# Seconds a worker waits for a job before it says that it is alive; see shell/health.py.
WORKER_TTL = 30
# A worker makes room for a fresh one after so many jobs, whatever it may have leaked.
_JOBS_A_WORKER = 2000


def web() -> Child:
    """The pages, the API and the webhooks, at PORT."""
    command = (sys.executable, "-m", "gunicorn", "-c", "python:meshline.shell.web_server")
    # Ringing must never hold up an answer.
    environment_of_web = {"MESHLINE_BELL": "background"}
    return Child(
        "web", (*command, "meshline.wsgi"), environment_of_web,
        folder=environment.PROJECT, grace=25.0,
    )  # fmt: skip


def worker(number: int) -> Child:
    """One worker; odd ones prefer the inbox, even ones the outbox."""
    queues = _INBOX_FIRST if number % 2 else _OUTBOX_FIRST
    return _manage(
        f"worker-{number}", "rqworker", *queues,
        # The command has a default of its own: pickle, which runs what anybody puts into Redis.
        "--serializer", "rq.serializers.JSONSerializer",
        # A line for each job would drown what matters; checks are for `make check`.
        "--verbosity",
        "0",
        "--skip-checks",
        "--worker-ttl", str(WORKER_TTL), "--max-jobs", str(_JOBS_A_WORKER),
        # A job has 30 s; the worker waits for its end when it is told to stop.
        grace=35.0,
    )  # fmt: skip


def clocks() -> list[Child]:
    """Two of them: one works, one stands by for when the first is stopped or hangs."""
    return [_manage(name, "clock", grace=10.0) for name in ("clock", "clock-standby")]


def sandbox() -> Child:
    """The stand-in vendors, at the port of SANDBOX_URL."""
    port = os.environ["SANDBOX_URL"].rpartition(":")[2]
    return _manage("sandbox", "sandbox", "--port", port, grace=5.0)


def demo() -> Child:
    """Loads the demo company; does nothing where it is loaded."""
    return _manage("demo", "demo", grace=5.0)


def _manage(name: str, *command: str, grace: float) -> Child:
    manage = str(environment.PROJECT / "manage.py")
    return Child(name, (sys.executable, manage, *command), folder=environment.PROJECT, grace=grace)
