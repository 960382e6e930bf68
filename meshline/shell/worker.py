"""RQ's worker, with the patience of the rest of the house."""

import rq


class Worker(rq.Worker):
    """Looks for a lost Redis every few seconds; RQ's own waits grow to a minute."""

    # See the supervisor's longest wait, which this must not undo.
    max_connection_wait_time = 8.0
