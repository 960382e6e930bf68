"""Compare with the other systems now, and wait until it is over."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from connectors import syncing
from meshline import instant
from reconciliation import running, runs
from reconciliation.models import Run
from reconciliation.runs import RunError

_PAUSE_SECONDS = 0.5


class Command(BaseCommand):
    help = (
        "Compare one connection, or all of them, and wait. Exit 0 when every run is done, 1 with "
        "why one is not. Works beside the workers, and without them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("connection", nargs="?", help="its short name; all without it")
        parser.add_argument(
            "--all", action="store_true",
            help="everything, not only what changed in 30 days and what is open",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        scope = Run.Scope.ALL if options["all"] else Run.Scope.RECENT
        asked = [run.pk for slug in _slugs(options["connection"]) for run in _asked(slug, scope)]
        self._wait(asked)
        unsettled = Run.objects.filter(pk__in=asked).exclude(state=Run.State.DONE)
        said = [_sentence(run) for run in unsettled.select_related("connection").order_by("pk")]
        if said:
            raise CommandError(" ".join(said), returncode=1)
        self.stdout.write("All runs are done.")

    def _wait(self, asked: list[int]) -> None:
        """Say how far each is, until all are over; carry them on, should nobody else."""
        told: dict[int, str] = {}
        while True:
            runs_now = Run.objects.filter(pk__in=asked).select_related("connection").order_by("pk")
            for run in runs_now:
                if told.get(run.pk) != (now := _progress(run)):
                    self.stdout.write(now)
                    told[run.pk] = now
            if not any(run.is_open for run in runs_now):
                return
            if not running.step_next() and not syncing.read_next():
                time.sleep(_PAUSE_SECONDS)


def _slugs(named: str | None) -> list[str]:
    known = [there.slug for there in runs.comparable()]
    if not known:
        raise CommandError("Nothing is connected that could be compared.", returncode=1)
    if named is not None and named not in known:
        said = f"There is no {named!r} to compare; there is {', '.join(known)}."
        raise CommandError(said, returncode=1)
    return [named] if named else known


def _asked(slug: str, scope: str) -> list[Run]:
    try:
        return runs.ask(slug=slug, scope=scope, by=None, at=instant.now())
    except RunError as error:
        raise CommandError(str(error), returncode=1) from None


def _progress(run: Run) -> str:
    named = f"{run.connection.name}, {run.kind}: {run.get_state_display().lower()}"
    if run.state == Run.State.COMPARING:
        return f"{named}, {run.compared:,} compared of {run.there:,} over there"
    if run.state == Run.State.DONE:
        found = ", ".join(f"{number:,} {sort}" for sort, number in sorted(run.counts.items()))
        return f"{named}, {run.compared:,} compared: {found or 'no difference'}"
    return named


def _sentence(run: Run) -> str:
    named = f"{run.connection.name}, {run.kind}: {run.get_state_display().lower()}."
    return f"{named} {run.why}".strip()
