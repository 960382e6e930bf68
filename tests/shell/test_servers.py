"""The embedded servers survive what kills them, and find what was left behind."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from meshline.shell import children, servers


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    servers._end_left_behind(
        tmp_path / "data" / "postmaster.pid", "postgres", tmp_path / "data", (signal.SIGQUIT,)
    )


def start(folder: Path):
    server = servers.postgres(folder, servers.POSTGRES_SETTINGS_FOR_TESTS)
    process = servers.start(server, folder.with_name("log"))
    servers.make_database(folder)
    return server, process


def connect(folder: Path) -> psycopg.Connection:
    return psycopg.connect(servers.postgres_addresses(folder)["MIGRATION_DATABASE_URL"])


def test_a_postgres_that_was_left_behind_is_stopped_and_started_again(folder):
    _, left_behind = start(folder)
    with connect(folder) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    server, process = start(folder)
    assert left_behind.wait(5) == 0
    with connect(folder) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    children.stop(process, server.child)


def test_a_postgres_that_was_killed_recovers_past_a_pid_that_is_somebody_elses(folder):
    _, process = start(folder)
    process.send_signal(signal.SIGKILL)
    process.wait()
    pid_file = folder / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    server, process = start(folder)
    connect(folder).close()
    children.stop(process, server.child)


def test_a_long_path_gets_a_short_socket(tmp_path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    address = servers.redis_addresses(deep)["REDIS_URL"].removeprefix("unix://")
    assert len(address) <= 107
    assert servers.redis_addresses(deep) != servers.redis_addresses(deep / "other")


def test_a_long_path_works(tmp_path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    server = servers.redis_server(deep)
    process = servers.start(server, tmp_path / "log")
    socket = Path(servers.redis_addresses(deep)["REDIS_URL"].removeprefix("unix://"))
    assert socket.parent.stat().st_mode & 0o077 == 0
    children.stop(process, server.child)


def test_a_machine_without_the_package_is_told_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(servers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(servers.ServerError, match="give its address in REDIS_URL"):
        servers.redis_server(tmp_path)
