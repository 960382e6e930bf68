"""Two roles: the owner migrates, the application works and cannot touch what was written down."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connection
from psycopg import sql

from meshline import environment

# What the application may do with a table where it is less than everything: the trail is only
# ever added to, its chain is written by the owner's triggers, and migrations are the owner's.
LESS: dict[str, tuple[str, ...]] = {
    "audit_trailline": ("SELECT", "INSERT"),
    "audit_traillink": ("SELECT",),
    "audit_chainhead": ("SELECT",),
    "django_migrations": ("SELECT",),
    # A view: what one floor tells another.
    "connectors_leftalone": ("SELECT",),
}
EVERYTHING = ("SELECT", "INSERT", "UPDATE", "DELETE")
_ADVICE = "It is the address of the role that owns the tables of DATABASE_URL."
# What makes a role's address; all else (name, timeouts, test settings) stays as it is.
_ADDRESS = ("USER", "PASSWORD", "HOST", "PORT")


def owner_is_apart() -> bool:
    """Whether another role than the application's owns the tables."""
    return bool(settings.MIGRATION_DATABASE_URL) and _owner()["USER"] != application()


def application() -> str:
    """The role the application works as."""
    return settings.DATABASES[DEFAULT_DB_ALIAS]["USER"]


@contextmanager
def as_owner() -> Iterator[None]:
    """Connect as the owner of the tables for a while. Not inside a transaction."""
    if not owner_is_apart():
        yield
        return
    owner, before = _owner(), connection.settings_dict
    connection.close()
    # The socket folder and time limits live in OPTIONS: added to, never replaced.
    options = {**before["OPTIONS"], **owner["OPTIONS"]}
    connection.settings_dict = {**before, "OPTIONS": options, **{k: owner[k] for k in _ADDRESS}}
    try:
        yield
    finally:
        # A test database is made meanwhile, and its name must stay.
        before["NAME"] = connection.settings_dict["NAME"]
        connection.close()
        connection.settings_dict = before


def grant() -> None:
    """Give the application's role its rights on every table there is. Called as the owner."""
    role = sql.Identifier(application())
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
        cursor.execute(sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}").format(role))
        for table in connection.introspection.table_names(cursor, include_views=True):
            _grant_on(cursor, table, role)


def _grant_on(cursor, table: str, role: sql.Identifier) -> None:
    name = sql.Identifier(table)
    rights = sql.SQL(", ").join(sql.SQL(right) for right in LESS.get(table, EVERYTHING))
    if table in LESS:
        cursor.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(name, role))
    cursor.execute(sql.SQL("GRANT {} ON {} TO {}").format(rights, name, role))


def _owner() -> dict:
    owner = environment.database("MIGRATION_DATABASE_URL", _ADVICE)
    application = environment.database("DATABASE_URL", _ADVICE)
    if owner["NAME"] != application["NAME"]:
        raise ImproperlyConfigured(
            f"MIGRATION_DATABASE_URL names the database {owner['NAME']!r} and DATABASE_URL "
            f"{application['NAME']!r}; they must be the same database with two roles."
        )
    return owner
