"""RQ's worker, with the patience of the rest of the house."""

import sys
from typing import Any

import rq
from django.urls import reverse
from django.utils.module_loading import import_string

from meshline import timetable
from meshline.shell.frames import roomy

# How long a thread that computes keeps the others of its process waiting, in seconds. Carrying is a
# dozen short waits for the database and the other side; Python's own 5 ms would follow each.
_TURN = 0.001


class Worker(rq.Worker):
    """Looks for a lost Redis every few seconds; RQ's own waits grow to a minute.

    It loads what its jobs need before it forks for the first one: otherwise each fork would load
    all of it anew, which takes a second, and whatever is due waits that long.
    """

    # See the supervisor's longest wait, which this must not undo.
    max_connection_wait_time = 8.0

    def work(self, *args: Any, **options: Any) -> bool:
        for job, _ in timetable.BELLS.values():
            import_string(job)
        # The first address that is looked up loads every page there is.
        reverse("home")
        sys.setswitchinterval(_TURN)
        return super().work(*args, **options)

    def perform_job(self, *args: Any, **options: Any) -> bool:
        return roomy(super().perform_job, *args, **options)
