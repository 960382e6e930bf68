"""Is everything as it must be? Asked of every row, in one snapshot, also while all goes on."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from meshline.shell import invariants


class Command(BaseCommand):
    help = "Check every invariant. Exit 0, or 1 naming each one that is broken, with ids."

    def handle(self, *args: Any, **options: Any) -> None:
        found = invariants.broken()
        for breach in found:
            self.stdout.write(f"{breach.invariant.name}: {breach.invariant.says}")
            for sentence in breach.sentences:
                self.stdout.write(f"  {sentence}")
        if found:
            many = f"{len(found)} invariants are" if len(found) > 1 else "1 invariant is"
            raise CommandError(f"{many} broken.", returncode=1)
        self.stdout.write(f"All {len(invariants.INVARIANTS)} invariants hold.")
