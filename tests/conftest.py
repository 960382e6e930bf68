"""What every test stands on: a closed network, and databases made by the owner of the tables.

The servers themselves are started by tests/settings.py, before Django loads. Tests then run
connected as the application's role, so that a missing grant or a trail violation is felt.
"""

import itertools
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import cache, partial, wraps
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client, TransactionTestCase
from django.utils import timezone

from connectors import digest
from connectors.models import Connection
from meshline import patience
from meshline.people.models import User
from meshline.shell import database_roles, founding
from meshline.shell.frames import roomy
from tests import factories, network
from tests.chromium import browser, look  # noqa: F401
from tests.forms import IS_LONG
from tests.reading import signed_in

network.close()

# What migrations wrote down of the tables themselves.
_KEPT = ("django_migrations", "django_content_type", "auth_permission")
# One installation serves all of them: whoever runs one of the faults runs all.
_FAULTS = Path(__file__).parent / "faults"
_at_most = patience.at_most


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is marked `long` is left out of the short form; a file's tests run in one process, where
    they share its browser and its demo."""
    left_out = [item for item in items if item.get_closest_marker("long") and not IS_LONG]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    # They take longest: the others are done beside them.
    items.sort(key=lambda item: _FAULTS not in item.path.parents)
    for item in items:
        item.obj = wraps(item.obj)(partial(roomy, item.obj))
        together = _FAULTS if _FAULTS in item.path.parents else item.path
        item.add_marker(pytest.mark.xdist_group(str(together)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Write down which tests failed, a line each, for whoever asks them again alone (.ci/run)."""
    if kept := os.environ.get("FAILED_KEPT_IN"):
        reports = [one for how in ("failed", "error") for one in terminalreporter.getreports(how)]
        # Where several processes share the work, the name ends with the group, a path.
        names = {one.nodeid.rpartition("@/")[0] or one.nodeid for one in reports}
        Path(kept).write_text("".join(f"{name}\n" for name in sorted(names)))


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
    """Empty the tables after a test with real transactions, and found again what must be there.

    Row by row, for there are few: TRUNCATE makes a new file for each table and each index, which
    took most of the time of such a test.
    """
    with database_roles.as_owner():
        filled = _filled()
        guarded = filled & _guarded()
        _guard("DISABLE", guarded)
        try:
            _empty(filled)
        finally:
            _guard("ENABLE", guarded)
    founding.found()


def _filled() -> set[str]:
    asked = (f"SELECT '{one}' WHERE EXISTS (SELECT 1 FROM {one})" for one in _tables())
    return _column(" UNION ALL ".join(asked))


def _empty(tables: set[str]) -> None:
    """In one transaction: keys between the tables are looked at when it ends."""
    with transaction.atomic(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"DELETE FROM {table}")


def _guard(switch: str, tables: set[str]) -> None:
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} {switch} TRIGGER USER")


@cache
def _tables() -> list[str]:
    names = connection.introspection.django_table_names(include_views=False)
    return [one for one in names if one not in _KEPT]


@cache
def _guarded() -> set[str]:
    """Tables whose triggers refuse that anything is deleted."""
    return _column("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal")


def _column(query: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {name for (name,) in cursor.fetchall()}


TransactionTestCase._fixture_teardown = _flush_as_owner  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def anchor_file(settings: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each test's chain has an anchor file of its own; nobody wrote to it yet."""
    path = tmp_path_factory.getbasetemp() / uuid.uuid4().hex / "anchors" / "trail.txt"
    settings.TRAIL_ANCHOR = str(path)
    return path


@pytest.fixture(autouse=True)
def no_readers_zone() -> Iterator[None]:
    """What one test's reader has for a zone is none of the next one's."""
    yield
    timezone.deactivate()


@pytest.fixture(autouse=True)
def batches_counted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each tenth batch of a process begins with one question more: which test has it is not left to
    those before it."""
    monkeypatch.setattr(digest, "_batches", itertools.count(1))


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
def as_(staff: dict[str, User]) -> Callable[[str], Client]:
    """A browser of somebody of the staff, by first name."""
    return lambda name: signed_in(staff[name])


@pytest.fixture
def pandadoc(staff: dict[str, User]) -> Connection:
    return factories.pandadoc()
