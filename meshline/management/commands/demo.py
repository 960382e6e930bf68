"""The demo company, loaded over the same ways as everything later."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from meshline.shell import demo
from meshline.shell.sandbox_control import SandboxAway, SandboxNo


class Command(BaseCommand):
    help = "Load the demo company; where it is loaded, only follow the stand-ins' addresses."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SANDBOX_URL:
            raise CommandError(
                "There are no stand-in vendors here. Start with `make run`, or set SANDBOX_URL "
                "to where `manage.py sandbox` answers."
            )
        try:
            is_new = demo.load()
        except (SandboxAway, SandboxNo) as error:
            raise CommandError(str(error)) from error
        said = "The demo company is loaded." if is_new else "The demo company is here already."
        self.stdout.write(said)
