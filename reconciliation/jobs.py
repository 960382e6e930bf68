"""What wakes up here without a person."""

import time

from django_rq import job

from connectors import echoes
from meshline import bell, instant, logs
from reconciliation import (
    briefings,
    canaries,
    carrying_on,
    checking,
    monday,
    rolling,
    runs,
    samples,
    unbilled_books,
)

# A step that is begun then may take as long again, and a job is stopped after thirty.
RUN_SECONDS = 8.0


def send_digests() -> None:
    """Tell people their day when their hour has come."""
    briefings.send_due(at=instant.now())


def check_what_is_due() -> None:
    """Look where a check's time has come."""
    checking.look_where_due()


def queue_runs() -> None:
    """Ask for the day's runs once their hour has come."""
    runs.queue_due(at=instant.now())


@job("upkeep")
@logs.about(job="drain_runs")
def drain_runs() -> None:
    """Carry on what is due, step by step, for at most 8 s; ring again if more is left."""
    bell.clear(runs.BELL)
    started = time.monotonic()
    while carrying_on.do_some():
        if time.monotonic() - started > RUN_SECONDS:
            bell.ring(runs.BELL)
            return


def keep_unbilled() -> None:
    """Bring the books of what is signed and not invoiced in line with what is so."""
    unbilled_books.keep(at=instant.now())


def tend_canaries() -> None:
    """Look at every canary that is under way, and send those whose time has come."""
    canaries.look_where_due()


def forget_probes() -> None:
    """Drop what is known of canaries of more than a month ago, and what came back of them."""
    canaries.forget(at=instant.now())
    echoes.forget(at=instant.now())


def keep_mondays() -> None:
    """Run the Monday checklist where it is due, and remind where nobody has signed it."""
    monday.keep_up()


def roll_up() -> None:
    """Count anew for the dashboards what changed."""
    rolling.roll_up()


def draw_sample() -> None:
    """Draw this month's sample, once."""
    samples.draw_if_due(at=instant.now())
