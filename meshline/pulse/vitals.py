"""Is everything there? Each part answers OK, or one sentence for the person who has to look.

Nothing here raises, and nothing takes longer than the two seconds the database may take to answer.
"""

from datetime import UTC, datetime, timedelta

import django_rq
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from redis.exceptions import RedisError
from rq import Worker
from rq.utils import as_text, utcparse

from meshline.pulse import pulse

OK = "ok"
CLOCK = "clock"
# The clock beats every second; this long without a beat and due work is being missed.
CLOCK_STALE_AFTER = timedelta(seconds=60)
# An idle worker speaks every 15 s, one at work every 30 s.
WORKER_STALE_AFTER = timedelta(seconds=50)

_NO_DATABASE = "The database does not answer."
_is_migrated = False


def database() -> str:
    """Whether it answers and its tables are those this code was written for."""
    try:
        if _migrated():
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            return OK
    except DatabaseError:
        return _NO_DATABASE
    return "A migration is missing; run `manage.py migrate`."


def redis() -> str:
    """Whether the doorbell works. Without it work waits for the clock's next look."""
    try:
        django_rq.get_connection("inbox").ping()
    except RedisError:
        return "Redis does not answer; work is slower until it does, nothing is lost."
    return OK


def workers() -> str:
    """Whether at least one worker was heard of lately."""
    try:
        heard = _workers_last_heard_of()
    except RedisError:
        return "Redis does not answer, so no worker can be seen."
    since = datetime.now(UTC) - WORKER_STALE_AFTER
    if any(moment >= since for moment in heard):
        return OK
    return f"No worker was heard of in the last {WORKER_STALE_AFTER.seconds} s."


def clock() -> str:
    """Whether the clock beat within the last minute."""
    try:
        age = pulse.age(CLOCK)
    except DatabaseError:
        return _NO_DATABASE
    if age is None:
        return "The clock has not started yet."
    if age > CLOCK_STALE_AFTER:
        return f"The clock last beat {int(age.total_seconds())} s ago."
    return OK


def _migrated() -> bool:
    """Asked once per process: with new migrations comes new code, and with that a new process."""
    global _is_migrated
    if not _is_migrated:
        executor = MigrationExecutor(connection)
        _is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _is_migrated


def _workers_last_heard_of() -> list[datetime]:
    """The last words of the workers that have not said goodbye.

    Read from each worker's own key: the list of workers is written at their start only, and is
    gone for good when Redis loses its memory.
    """
    redis = django_rq.get_connection("inbox")
    keys = redis.scan_iter(match=f"{Worker.redis_worker_namespace_prefix}*", count=1000)
    found = [redis.hmget(key, "last_heartbeat", "death") for key in keys]
    return [utcparse(as_text(beat)) for beat, death in found if beat and not death]
