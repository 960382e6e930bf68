"""Anchor the trail's head outside the database now, as the clock does every hour."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from meshline import instant
from meshline.audit import anchors


class Command(BaseCommand):
    help = "Append the trail's head to the anchor file (TRAIL_ANCHOR)."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            anchor = anchors.write(at=instant.now())
        except OSError as error:
            raise CommandError(f"{anchors.path()} cannot be written: {error}.") from None
        self.stdout.write(
            f"Anchor {anchor.number}: position {anchor.position}, in {anchors.path()}."
        )
