"""Recompute the trail's chain: the proof that nothing in it was changed, removed or slipped in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from meshline.audit import verify


class Command(BaseCommand):
    help = (
        "Recompute every link of the trail and compare it with every anchor. "
        "Exit 0, or 1 with the first bad position."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        verdict = verify.trail()
        if not verdict.holds:
            raise CommandError(verdict.sentence, returncode=1)
        self.stdout.write(f"The trail holds: {verdict.length} links, head {verdict.head}.")
        if last := verdict.last_anchor:
            self.stdout.write(
                f"{verdict.anchors} anchors agree; the last is of {last.at}, "
                f"position {last.position}."
            )
        else:
            self.stdout.write("There are no anchors yet: a tail cut with its head is not found.")
