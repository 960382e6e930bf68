"""What everybody should know at once: which part of Meshline itself is not running.

Asking the parts may take Redis's quarter of a second, so a page shows what was last seen and asks
again by itself (`web:banner`). However many pages are open, a process looks every few seconds.
"""

import time

from meshline.pulse import vitals

_LOOK_EVERY_SECONDS = 5.0
_looked_at = float("-inf")
_seen: list[str] = []


def sentences() -> list[str]:
    """One sentence for each part that is down; none while all is well."""
    global _looked_at, _seen
    if time.monotonic() - _looked_at >= _LOOK_EVERY_SECONDS:
        _looked_at = time.monotonic()
        _seen = _look()
    return _seen


def last_seen() -> list[str]:
    """What `sentences` said the last time, without looking."""
    return _seen


def _look() -> list[str]:
    redis = vitals.redis()
    # Without Redis no worker can be seen, which says nothing about the workers.
    workers = vitals.workers() if redis == vitals.OK else vitals.OK
    return [said for said in (redis, workers, vitals.clock()) if said != vitals.OK]
