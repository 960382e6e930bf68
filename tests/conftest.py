"""What every test stands on: a closed network, and databases made by the owner of the tables.

The servers themselves are started by tests/settings.py, before Django loads. Tests then run
connected as the application's role, so that a missing grant or a trail violation is felt.
"""

import uuid
from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import TransactionTestCase

from connectors import patience
from connectors.models import Connection
from meshline.people.models import User
from meshline.shell import database_roles, founding
from tests import factories, network

network.close()

# Tables whose triggers refuse what a flush does.
_GUARDED = ("audit_trailline", "audit_traillink", "audit_chainhead")
_at_most = patience.at_most
_flush = TransactionTestCase._fixture_teardown


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Test databases are made, migrated and dropped by the owner of the tables."""
    for name in ("create_test_db", "destroy_test_db"):
        setattr(connection.creation, name, _as_owner(getattr(connection.creation, name)))


def _as_owner(act: Callable) -> Callable:
    @wraps(act)
    def acts(*args: Any, **options: Any) -> Any:
        with database_roles.as_owner():
            return act(*args, **options)

    return acts


def _flush_as_owner(case: TransactionTestCase) -> None:
    """Empty the tables after a test with real transactions, and found again what must be there."""
    with database_roles.as_owner():
        _guard("DISABLE")
        try:
            _flush(case)
        finally:
            _guard("ENABLE")
    founding.found()


def _guard(switch: str) -> None:
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for table in tables.intersection(_GUARDED):
            cursor.execute(f"ALTER TABLE {table} {switch} TRIGGER USER")


TransactionTestCase._fixture_teardown = _flush_as_owner  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def anchor_file(settings: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each test's chain has an anchor file of its own; nobody wrote to it yet."""
    path = tmp_path_factory.getbasetemp() / uuid.uuid4().hex / "anchors" / "trail.txt"
    settings.TRAIL_ANCHOR = str(path)
    return path


@pytest.fixture(autouse=True)
def all_the_time_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here a test and the views it asks share one connection, and giving up on a busy machine's
    database shuts it (seen: the walk over all URLs failed after /readyz). Deadlines are tried on
    servers that run by themselves."""
    monkeypatch.setattr(patience, "at_most", lambda seconds: nullcontext())


@pytest.fixture
def deadlines(monkeypatch: pytest.MonkeyPatch, all_the_time_there_is: None) -> None:
    """But this test is about one of them."""
    monkeypatch.setattr(patience, "at_most", _at_most)


@pytest.fixture
def staff(db: None) -> dict[str, User]:
    """One person of each role, with RevOps answering for the queue."""
    return factories.staff()


@pytest.fixture
def olivia(staff: dict[str, User]) -> User:
    return staff["olivia"]


@pytest.fixture
def rosa(staff: dict[str, User]) -> User:
    return staff["rosa"]


@pytest.fixture
def pandadoc(staff: dict[str, User]) -> Connection:
    return factories.pandadoc()
