"""Is everything there? Each part answers OK, or one sentence for the person who has to look.

Nothing here raises, and nothing takes longer than the two seconds the database may take to answer.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from redis.exceptions import RedisError
from rq import Worker
from rq.utils import as_text, utcparse

from meshline import bell
from meshline.pulse import pulse

OK = "ok"
CLOCK = "clock"
# Open pages hear of it within a minute: these, and the 15 s at most until a page has asked again.
# The clock beats every second, and waits at most 30 s for a database that was away.
CLOCK_STALE_AFTER = timedelta(seconds=40)
# An idle worker speaks every 15 s, one at work every 30 s.
WORKER_STALE_AFTER = timedelta(seconds=40)

NO_DATABASE = "The database does not answer."
NOT_SEEN = "Redis does not answer, so no worker can be seen."
_is_migrated = False


def database() -> str:
    """Whether it answers and its tables are those this code was written for."""
    try:
        if _migrated():
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            return OK
    except DatabaseError:
        return NO_DATABASE
    return "A migration is missing; run `manage.py migrate`."


def redis() -> str:
    """Whether the doorbell works. Without it work waits for the clock's next look."""
    try:
        bell.client().ping()
    except RedisError:
        return "Redis does not answer."
    return OK


@dataclass(frozen=True)
class Seen:
    """A worker as it last spoke of itself; what Redis forgot is empty."""

    name: str
    heard_at: datetime
    began_at: datetime | None = None
    host: str = ""
    pid: str = ""
    queues: str = ""
    state: str = ""

    def is_stale(self, *, at: datetime) -> bool:
        return at - self.heard_at > WORKER_STALE_AFTER


def workers() -> str:
    """Whether at least one worker was heard of lately."""
    try:
        heard = workers_seen()
    except RedisError:
        return NOT_SEEN
    at = datetime.now(UTC)
    if any(not worker.is_stale(at=at) for worker in heard):
        return OK
    return f"No worker was heard of in the last {WORKER_STALE_AFTER.seconds} s."


def clock() -> str:
    """Whether the clock beat within the last minute."""
    try:
        age = pulse.age(CLOCK)
    except DatabaseError:
        return NO_DATABASE
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


def workers_seen() -> list[Seen]:
    """The workers that have not said goodbye, by name. Raises RedisError without Redis.

    Read from each worker's own key: the list of workers is written at their start only, and is
    gone for good when Redis loses its memory.
    """
    redis = bell.client()
    prefix = Worker.redis_worker_namespace_prefix
    keys = sorted(as_text(key) for key in redis.scan_iter(match=f"{prefix}*", count=1000))
    pipeline = redis.pipeline(transaction=False)
    for key in keys:
        pipeline.hmget(key, *_OF_A_WORKER)
    told = [[as_text(word) if word else "" for word in words] for words in pipeline.execute()]
    return [
        _seen(key.removeprefix(prefix), *words)
        for key, (*words, death) in zip(keys, told, strict=True)
        if words[0] and not death
    ]


_OF_A_WORKER = ("last_heartbeat", "birth", "hostname", "pid", "queues", "state", "death")


def _seen(name: str, heard: str, birth: str, host: str, pid: str, queues: str, state: str) -> Seen:
    began_at = utcparse(birth) if birth else None
    return Seen(name, utcparse(heard), began_at, host, pid, queues, state)
