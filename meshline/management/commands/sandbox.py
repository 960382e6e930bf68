"""The stand-in vendors as a process of their own."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from connectors.sandbox import serve


class Command(BaseCommand):
    help = "Run the stand-ins for the outside systems until Ctrl-C or SIGTERM."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        folder = settings.STATE_DIR / "sandbox"
        parser.add_argument("--port", type=int, default=8100, help="loopback port (default 8100)")
        parser.add_argument("--state", type=Path, default=folder, help="folder for their books")

    def handle(self, *args: Any, **options: Any) -> None:
        options["state"].mkdir(parents=True, exist_ok=True)
        serve(options["port"], options["state"])
