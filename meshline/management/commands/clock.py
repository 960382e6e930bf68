"""The clock: looks for what is due, every few seconds, for as long as it lives."""

import signal
import sys
from typing import Any

from django.core.management.base import BaseCommand

from meshline.shell.clock import Clock


class Command(BaseCommand):
    help = "Run the clock. Any number may run; one works and the others stand by."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        # What it is in the middle of is one transaction, and is simply not done.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
        Clock().run()
