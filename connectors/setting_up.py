"""A connection and its secrets, entered together: all of it is taken, or nothing."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from connectors import connections
from connectors.connections import Settings
from connectors.models import Connection
from meshline.people.models import User


@transaction.atomic
def create(settings: Settings, secrets: Mapping[str, str], *, by: User, at: datetime) -> Connection:
    """Create a connection with the secrets given, by purpose. Raises SettingError."""
    made = connections.create(settings, by=by, at=at)
    _enter(made, secrets, by, at)
    return made


@transaction.atomic
def change(
    settings: Settings, secrets: Mapping[str, str], *, version: int, by: User, at: datetime
) -> Connection:
    """Change a connection and enter the secrets given. Raises SettingError and Stale."""
    changed = connections.change(settings, version=version, by=by, at=at)
    _enter(changed, secrets, by, at)
    return changed


def _enter(connection: Connection, secrets: Mapping[str, str], by: User, at: datetime) -> None:
    for purpose, secret in secrets.items():
        if secret:
            connections.enter_secret(
                slug=connection.slug, purpose=purpose, secret=secret, by=by, at=at
            )
