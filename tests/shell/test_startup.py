"""The state folder, and what is said when nothing can be started."""

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from meshline.shell import startup

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state folder, an otherwise empty environment, and the folder's lock given back."""
    with mock.patch.dict(os.environ, {"PATH": os.environ["PATH"]}, clear=True):
        yield tmp_path / "state"
    release()


def release() -> None:
    while startup._held:
        startup._held.pop().close()


@pytest.fixture
def port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


def prepare(state: Path, port: int, *more: str) -> dict[str, str]:
    startup.prepare(["--state", str(state), "--port", str(port), *more])
    return json.loads((state / "environment.json").read_text())


def test_keys_are_made_once_and_nobody_else_may_read_them(state, port):
    first = prepare(state, port)
    release()
    os.environ.clear()
    second = prepare(state, port)
    assert first["SECRET_KEY"] == second["SECRET_KEY"]
    assert first["SECRETS_KEYS"] == second["SECRETS_KEYS"]
    assert stat.S_IMODE((state / "environment.json").stat().st_mode) == 0o600


def test_the_stand_ins_keep_their_address(state, port):
    first = prepare(state, port)
    release()
    os.environ.clear()
    assert prepare(state, port)["SANDBOX_URL"] == first["SANDBOX_URL"]


def test_an_empty_start_has_no_stand_ins(state, port):
    assert "SANDBOX_URL" not in prepare(state, port, "--empty")
    assert "SANDBOX_URL" not in os.environ


def test_what_the_environment_says_wins_and_is_not_written_down(state, port):
    os.environ["DATABASE_URL"] = "postgresql://app:secret@db.example.com/meshline"
    kept = prepare(state, port)
    assert "DATABASE_URL" not in kept
    assert "MIGRATION_DATABASE_URL" not in kept
    assert os.environ["MIGRATION_DATABASE_URL"] == os.environ["DATABASE_URL"]
    assert not startup.database_is_embedded()
    assert startup.redis_is_embedded()


def test_a_taken_port_is_said(state, monkeypatch):
    monkeypatch.setattr(startup, "_PORT_FREED_WITHIN", 0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=f"Port {number} is taken by another program"):
            prepare(state, number)


def test_a_port_that_is_no_port_is_said(state):
    os.environ["PORT"] = "eighty"
    with pytest.raises(SystemExit, match="PORT is 'eighty'; it must be a number"):
        startup.prepare(["--state", str(state)])


def test_one_folder_is_for_one_up(state, port):
    prepare(state, port)
    with pytest.raises(SystemExit, match="Meshline already runs on"):
        prepare(state, port)


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ({}, "SECRET_KEY is not set. For a local start run `make run`"),
        ({"SECRET_KEY": "x"}, "SECRETS_KEYS is not set."),
        ({"SECRET_KEY": "x", "SECRETS_KEYS": "y"}, "DATABASE_URL is not set."),
        (
            {"SECRET_KEY": "x", "SECRETS_KEYS": "y", "DATABASE_URL": "mysql://a/b"},
            "DATABASE_URL must begin with postgresql://",
        ),
    ],
)
def test_elsewhere_a_missing_value_stops_the_start_with_advice(tmp_path, given, advice):
    environment = {"PATH": os.environ["PATH"], "MESHLINE_STATE": str(tmp_path), **given}
    told = subprocess.run(
        [sys.executable, MANAGE, "check"], env=environment, capture_output=True, text=True
    )
    assert told.returncode == 1
    assert advice in told.stderr
