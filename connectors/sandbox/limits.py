"""Rate limits: how many calls in how many seconds, counted in a sliding window."""

import threading
import time
from collections import deque


class Limits:
    """Kept in memory: a restarted vendor has forgotten who called too often."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def take(self, name: str, *, most: int, seconds: float) -> int | None:
        """Count one call; how many are left in the window, or None when it was one too many."""
        moment = time.monotonic()
        with self._lock:
            calls = self._seen.setdefault(name, deque())
            while calls and calls[0] <= moment - seconds:
                calls.popleft()
            if len(calls) >= most:
                return None
            calls.append(moment)
            return most - len(calls)

    def forget(self) -> None:
        with self._lock:
            self._seen.clear()
