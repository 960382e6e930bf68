"""The state folder of a local start, and the environment that is made from it.

`manage.py up` calls `prepare` before Django reads its settings, which insist on keys and addresses.
What is missing in the environment is made once and kept in `<state>/environment.json`, where every
other command with the same MESHLINE_STATE finds it (see meshline/environment.py).
"""

import argparse
import fcntl
import json
import os
import secrets
import socket
import sys
import time
from pathlib import Path
from typing import IO, Any

from cryptography.fernet import Fernet

from meshline import environment
from meshline.shell import servers

_MADE = "environment.json"
_DEFAULT_PORT = 8000
# How long a predecessor that was just stopped may still hold the port, in seconds.
_PORT_FREED_WITHIN = 5.0
# Open for as long as this process lives: closing it would give the state folder free.
_held: list[IO] = []


class StartError(Exception):
    """Why nothing can be started, as a sentence with advice."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `up` can be told on its command line."""
    parser.add_argument("--port", type=int, help="where the pages are (PORT; default 8000)")
    parser.add_argument("--state", help="folder for data, keys and logs (MESHLINE_STATE)")
    parser.add_argument("--empty", action="store_true", help="no demo company, no stand-ins")
    parser.add_argument("--workers", type=int, default=2, help="how many workers (default 2)")


def prepare(arguments: list[str]) -> None:
    """Take the state folder and fill the environment with what `up` and its children need.

    Ends the process with a sentence when that cannot be done.
    """
    if {"-h", "--help"}.intersection(arguments):
        os.environ.update(_throwaway())
        return
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    options, _ = parser.parse_known_args(arguments)
    try:
        _prepare(options)
    except StartError as error:
        sys.exit(str(error))


def postgres_folder() -> Path:
    return environment.state_folder() / "postgres"


def redis_folder() -> Path:
    return environment.state_folder() / "redis"


def logs_folder() -> Path:
    return environment.state_folder() / "logs"


def database_is_embedded() -> bool:
    """Whether DATABASE_URL is the server that we are to start ourselves."""
    address = servers.postgres_addresses(postgres_folder())["DATABASE_URL"]
    return os.environ["DATABASE_URL"] == address


def redis_is_embedded() -> bool:
    """The same for REDIS_URL."""
    return os.environ["REDIS_URL"] == servers.redis_addresses(redis_folder())["REDIS_URL"]


def _prepare(options: argparse.Namespace) -> None:
    if options.state:
        os.environ["MESHLINE_STATE"] = options.state
    state = environment.state_folder()
    # Children may work in another folder: the path must mean the same to all.
    os.environ["MESHLINE_STATE"] = str(state)
    _take(state)
    port = options.port or _port_of_environment()
    _check_free(port)
    os.environ["PORT"] = str(port)
    # Whoever names a database of their own names its owner too, or it is the same role.
    if "DATABASE_URL" in os.environ:
        os.environ.setdefault("MIGRATION_DATABASE_URL", os.environ["DATABASE_URL"])
    before = _kept(state)
    keys = {name: before.get(name) or fresh for name, fresh in _fresh_keys().items()}
    addresses = _addresses(port, None if options.empty else before.get("SANDBOX_URL", ""))
    missing = {name: value for name, value in addresses.items() if name not in os.environ}
    # Keys are kept even where the environment gives others today: tomorrow it may not.
    _keep(state, {**keys, **missing})
    for name, value in {**keys, **missing}.items():
        os.environ.setdefault(name, value)


def _addresses(port: int, sandbox_before: str | None) -> dict[str, str]:
    """Where everything is that we start ourselves; None: without stand-ins."""
    addresses = {
        **servers.postgres_addresses(postgres_folder()),
        **servers.redis_addresses(redis_folder()),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    if sandbox_before is not None:
        addresses["SANDBOX_URL"] = _sandbox_url(sandbox_before)
    return addresses


def _take(state: Path) -> None:
    """Make the state folder ours alone, until this process ends."""
    state.mkdir(parents=True, exist_ok=True)
    # Data and keys are nobody else's; as root, the servers' own user must pass through.
    state.chmod(0o711 if os.geteuid() == 0 else 0o700)
    logs_folder().mkdir(exist_ok=True)
    lock = (state / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with lock:
            lock.seek(0)
            holder = lock.read().strip()
        raise StartError(
            f"Meshline already runs on {state} (process {holder}). "
            "Stop it first, or choose another folder with --state."
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    _held.append(lock)


def _port_of_environment() -> int:
    text = os.environ.get("PORT", "").strip() or str(_DEFAULT_PORT)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise StartError(f"PORT is {text!r}; it must be a number between 1 and 65535.")
    return int(text)


def _check_free(port: int) -> None:
    deadline = time.monotonic() + _PORT_FREED_WITHIN
    while not _is_free(port):
        if time.monotonic() > deadline:
            raise StartError(
                f"Port {port} is taken by another program; choose another one with --port."
            )
        time.sleep(0.1)


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _sandbox_url(before: str) -> str:
    """Where the stand-ins are: the same as last time if it is free, so that links stay valid."""
    port = before.rpartition(":")[2]
    if port.isdecimal() and _is_free(int(port)):
        return before
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{trial.getsockname()[1]}"


def _fresh_keys() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "SECRETS_KEYS": Fernet.generate_key().decode(),
    }


def _throwaway() -> dict[str, str]:
    """Enough for Django to show a help text."""
    nowhere = {"DATABASE_URL": "postgresql://127.0.0.1/none", "REDIS_URL": "redis://127.0.0.1"}
    return {**_fresh_keys(), **nowhere}


def _kept(state: Path) -> dict[str, Any]:
    path = state / _MADE
    return json.loads(path.read_text()) if path.exists() else {}


def _keep(state: Path, made: dict[str, str]) -> None:
    """Replace the file in one step: a kill leaves the old one or the new one."""
    fresh = state / (_MADE + ".new")
    fresh.unlink(missing_ok=True)
    opened = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(opened, "w") as file:
        json.dump(made, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(state / _MADE)
