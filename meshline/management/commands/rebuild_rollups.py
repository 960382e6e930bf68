"""Make the dashboards' events and rollups anew, from the rows they tell of."""

from typing import Any

from django.core.management.base import BaseCommand

from reconciliation import rolling


class Command(BaseCommand):
    help = "Count everything that the dashboards show anew. May be run at any time, and again."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{rolling.rebuild()} events are counted anew.")
