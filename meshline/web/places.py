"""So many people and scripts are answered at once that one thread is always left for webhooks.

Whoever asks a database that hangs waits for it. A few open pages would soon hold every thread, and
nobody could even tell a sender to come again.
"""

import threading

# Who waits for a place holds that last thread meanwhile. Pages rarely take so long, also many at
# once on a slow machine.
WAIT_SECONDS = 1.0


class Places:
    """The places of one web process; as many as one likes until it is said how many threads it has.

    A thread that took one has it until it leaves.
    """

    def __init__(self) -> None:
        self._free: threading.BoundedSemaphore | None = None
        self._mine = threading.local()
        # Somebody waited in vain, and nobody has left since: more waiting would be in vain, too.
        self._is_stuck = False

    def open_for(self, threads: int) -> None:
        """One of so many threads is kept free."""
        self._free = threading.BoundedSemaphore(max(threads - 1, 1))

    def take(self) -> bool:
        """Whether this thread has a place now; if need be it waits a moment for one."""
        if self._free is None or self._has_one:
            return True
        patience = 0 if self._is_stuck else WAIT_SECONDS
        if not self._free.acquire(timeout=patience):
            self._is_stuck = True
            return False
        self._mine.has_one = True
        return True

    def leave(self) -> None:
        """This thread is done with its request, and gives its place back if it has one."""
        if self._free is not None and self._has_one:
            self._mine.has_one = self._is_stuck = False
            self._free.release()

    @property
    def _has_one(self) -> bool:
        return getattr(self._mine, "has_one", False)


here = Places()
