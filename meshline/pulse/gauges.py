"""Signs of life, for a scraper."""

from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client import Metric
from redis.exceptions import RedisError

from meshline.gauges import gauge, rows, single
from meshline.pulse import vitals

_BEATS = """
SELECT 'beat', name, extract(epoch FROM clock_timestamp() - beat_at), NULL::float, NULL::bool
FROM pulse_heartbeat
UNION ALL
SELECT 'task', name, extract(epoch FROM clock_timestamp() - began_at), seconds, error <> ''
FROM pulse_taskrun
"""


def gauges() -> Iterator[Metric]:
    told = rows(_BEATS)
    beats = [one for one in told if one[0] == "beat"]
    tasks = [one for one in told if one[0] == "task"]
    help = "Since the last sign of life of a process or a look."
    yield gauge("heartbeat_age_seconds", help, ("name",), [((one[1],), one[2]) for one in beats])
    help = "Since a task of the clock last began."
    yield gauge("task_age_seconds", help, ("task",), [((one[1],), one[2]) for one in tasks])
    help = "How long a task of the clock took the last time."
    yield gauge("task_duration_seconds", help, ("task",), [((one[1],), one[3]) for one in tasks])
    help = "1 when a task of the clock broke the last time it ran."
    yield gauge("task_failed", help, ("task",), [((one[1],), one[4]) for one in tasks])
    yield from _redis()


def _redis() -> Iterator[Metric]:
    """Whether the doorbell works, and how many workers were heard of over it."""
    try:
        heard = vitals.workers_seen()
    except RedisError:
        heard = None
    yield single("redis_up", "1 while Redis answers.", heard is not None)
    if heard is not None:
        at = datetime.now(UTC)
        alive = sum(not one.is_stale(at=at) for one in heard)
        yield single("workers_alive", "Workers that were heard of lately.", alive)
