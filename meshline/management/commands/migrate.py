"""Migrate as the owner of the tables, give the application its rights, found what must be there."""

from typing import Any

from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS

from meshline.shell import database_roles, founding


class Command(migrate.Command):
    help = (
        "Django's migrate, as MIGRATION_DATABASE_URL where the tables have an owner of their own."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        only_looks = options["plan"] or options["check_unapplied"]
        if options["database"] != DEFAULT_DB_ALIAS:
            super().handle(*args, **options)
            return
        with database_roles.as_owner():
            super().handle(*args, **options)
            if database_roles.owner_is_apart() and not only_looks:
                database_roles.grant()
        # Half a schema (one app, a step back) has no room for the founding rows.
        if not only_looks and not options["app_label"]:
            founding.found()
