"""What everybody should know at once: which part of Meshline itself is not running.

Asking the parts may take Redis's quarter of a second, so a page shows what was last seen and asks
again by itself (`web:banner`). However many pages are open, a process looks every few seconds.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from redis.exceptions import RedisError

from meshline.pulse import pulse, vitals

_LOOK_EVERY_SECONDS = 5.0
# What waits for a part that is down. Events are taken in whatever happens.
_MEANS = {
    "redis": "Nobody is woken: what came in is kept and waits.",
    "workers": "What came in is kept and waits, and so does what is to be delivered.",
    "clock": "Retries, deadlines and tickets for what is late wait; the rest goes on.",
}
_looked_at = float("-inf")
_seen: "list[Down]" = []
# When this process first missed a part that cannot say so itself.
_missed: dict[str, datetime] = {}


@dataclass(frozen=True)
class Down:
    """A part that is not running: what it says, what that means, and since when."""

    part: str
    sentence: str
    means: str
    since: datetime


def sentences() -> list[Down]:
    """Each part that is down; none while all is well."""
    global _looked_at, _seen
    if time.monotonic() - _looked_at >= _LOOK_EVERY_SECONDS:
        _looked_at = time.monotonic()
        _seen = _look()
    return _seen


def last_seen() -> list[Down]:
    """What `sentences` said the last time, without looking."""
    return _seen


def _look() -> list[Down]:
    said = {"redis": vitals.redis(), "clock": vitals.clock()}
    # Without Redis no worker can be seen, which says nothing about the workers.
    said["workers"] = vitals.workers() if said["redis"] == vitals.OK else vitals.OK
    down = {part: said[part] for part in _MEANS if said[part] != vitals.OK}
    for part in [*_missed]:
        if part not in down:
            del _missed[part]
    return [Down(part, sentence, _MEANS[part], _since(part)) for part, sentence in down.items()]


def _since(part: str) -> datetime:
    now = datetime.now(UTC)
    if part == "clock" and (age := pulse.age(vitals.CLOCK)) is not None:
        return now - age
    if part not in _missed:
        _missed[part] = (_workers_last_word() if part == "workers" else None) or now
    return _missed[part]


def _workers_last_word() -> datetime | None:
    """When the last of them spoke, as long as Redis remembers it."""
    try:
        return max((one.heard_at for one in vitals.workers_seen()), default=None)
    except RedisError:
        return None
