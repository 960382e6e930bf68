"""Databases beside the test run's own, brought up to date by the squashes or step by step."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from meshline.shell import database_roles


@contextmanager
def elsewhere(purpose: str) -> Iterator[None]:
    """For a while the connection is the owner's, to a database of its own without tables."""
    with database_roles.as_owner():
        here = connection.settings_dict
        name = f"{here['NAME']}_{purpose}"
        try:
            _execute(f'CREATE DATABASE "{name}"')
            _go_to({**here, "NAME": name})
            yield
        finally:
            _go_to(here)
            _execute(f'DROP DATABASE IF EXISTS "{name}"')


def _execute(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _go_to(there):
    connection.close()
    connection.settings_dict = there


def steps(connection=None) -> MigrationLoader:
    """The migrations as if nobody had squashed them; what was made since hangs on the last step."""
    loader = MigrationLoader(connection, replace_migrations=False)
    for squash, migration in loader.replacements.items():
        loader.graph.remove_replacement_node(squash, migration.replaces)
    loader.replacements.clear()
    return loader


def step_to(places: dict[str, str | None]):
    """Each app up to its place (None: not begun), all others to their end."""
    executor = MigrationExecutor(connection)
    executor.loader = steps(connection)
    leaves = executor.loader.graph.leaf_nodes()
    return executor.migrate([(app, places.get(app, name)) for app, name in leaves])


def bring_up_to_date():
    """As `migrate` does it."""
    executor = MigrationExecutor(connection)
    return executor.migrate(executor.loader.graph.leaf_nodes())


def left_to_do():
    """What `migrate` would still run here."""
    executor = MigrationExecutor(connection)
    return executor.migration_plan(executor.loader.graph.leaf_nodes())
