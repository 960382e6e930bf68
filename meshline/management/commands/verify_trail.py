"""Recompute the trail's chain: the proof that nothing in it was changed, removed or slipped in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from meshline.audit import verify


class Command(BaseCommand):
    help = "Recompute every link of the trail. Exit 0, or 1 with the first bad position."

    def handle(self, *args: Any, **options: Any) -> None:
        verdict = verify.chain()
        if not verdict.holds:
            raise CommandError(f"Position {verdict.bad_position}: {verdict.reason}", returncode=1)
        self.stdout.write(f"The trail holds: {verdict.length} links, head {verdict.head}.")
