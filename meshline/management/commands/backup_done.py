"""Say that a backup was done: for whatever makes it, as its last step."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from meshline.pulse import pulse
from reconciliation.checks.backup_age import BEAT


class Command(BaseCommand):
    help = "Say that a backup was done just now. The check “Backup age” counts from here."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--where", default="", help="where it lies, for whoever looks for it")

    def handle(self, *args: Any, **options: Any) -> None:
        pulse.beat(BEAT, where=options["where"][:200])
        self.stdout.write("Noted.")
