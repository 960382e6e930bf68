"""Waking the workers: a ring says "look again", never what to do.

A bell is a flag, a count of rings and one queued job in Redis. The flag coalesces: while a drain
is queued that has not looked yet, ringing again costs one round trip. The drain clears the flag
before it looks; while it lingers, it listens to the count.
Everything here may be lost at any moment; the clock looks for due rows every few seconds anyway.
"""

import logging
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import django_rq
from django.conf import settings
from django.db import transaction
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = logging.getLogger(__name__)

# Bell name -> the job that answers (dotted path) and its queue; the shell's timetable fills it in.
_answers: dict[str, tuple[str, str]] = {}
# A flag left behind by a killed worker silences the bell for this long at most.
_FLAG_SECONDS = 5
# A queued wake-up is worth nothing after a while: the sweep has long rung again.
_JOB_TTL_SECONDS = 60
# The pause between two rings of one process's own thread.
_PAUSE_SECONDS = 0.02
# How often an ear listens; how often one that Redis does not answer gives up at once, and how long
# it does not ask again then.
_LISTEN_SECONDS = 0.004
_DEAF_PAUSE_SECONDS, _DEAF_SECONDS = 0.01, 5.0


def answered_by(answers: dict[str, tuple[str, str]]) -> None:
    """Say which job answers which bell. Called once, by the shell."""
    _answers.update(answers)


def ring(name: str) -> None:
    """Wake the drain called `name` once the current transaction is committed.

    Never raises and never takes longer than Redis's quarter of a second.
    """
    if settings.BELL != "silent":
        transaction.on_commit(lambda: _ring_now(name), robust=True)


def clear(name: str) -> None:
    """Said by a drain before it looks: rings from here on need a new wake-up."""
    try:
        client().delete(_flag(name))
    except RedisError as error:
        log.warning("The bell %s could not be cleared: %s", name, error)


def push(name: str) -> bool:
    """Queue the drain at once, whatever the flag says; True when Redis took it."""
    job, queue = _answers[name]
    try:
        where = django_rq.get_queue(queue, connection=client())
        where.enqueue(job, ttl=_JOB_TTL_SECONDS, result_ttl=0, failure_ttl=3600)
    except RedisError as error:
        log.warning("The bell %s was not heard: %s", name, error)
        return False
    return True


def rung() -> list[str]:
    """The bells whose wake-up is queued and has not been answered yet. Raises RedisError."""
    names = list(_answers)
    return [name for name, at in zip(names, client().mget(map(_flag, names)), strict=True) if at]


def waiting() -> dict[str, int]:
    """How many wake-ups each queue holds. Raises RedisError."""
    names = dict.fromkeys(queue for _, queue in _answers.values())
    return {name: django_rq.get_queue(name, connection=client()).count for name in names}


@lru_cache(maxsize=1)
def client() -> Redis:
    """A client that tries once: with its own tries a hung Redis would hold us up for seconds."""
    return Redis.from_url(settings.REDIS_URL, retry=Retry(NoBackoff(), 0))


class Ear:
    """What a drain listens with while it has nothing to do: far cheaper than looking at the rows.

    It hears whatever rang since it was made, or since it heard something last. Rings can be lost:
    whoever listens looks every now and then all the same.
    """

    def __init__(self, name: str) -> None:
        self._name, self._deaf_until = name, 0.0
        self._heard = self._count()

    def wait(self, longest: float, *, pause: Callable[[float], Any] = time.sleep) -> None:
        """Until the bell rings, or `longest` seconds; or until a `pause` says that it is time."""
        until = time.monotonic() + longest
        while time.monotonic() < until:
            if time.monotonic() < self._deaf_until:
                pause(_DEAF_PAUSE_SECONDS)
                return
            if pause(_LISTEN_SECONDS) or self._has_rung():
                return

    def _has_rung(self) -> bool:
        before, self._heard = self._heard, self._count()
        return self._heard != before

    def _count(self) -> bytes | None:
        try:
            return client().get(_rings(self._name))  # type: ignore[return-value]
        except RedisError as error:
            self._deaf_until = time.monotonic() + _DEAF_SECONDS
            log.warning("The bell %s could not be listened to: %s", self._name, error)
            return None


def _flag(name: str) -> str:
    return f"meshline:bell:{name}"


def _rings(name: str) -> str:
    return f"meshline:rings:{name}"


def _ring_now(name: str) -> None:
    if settings.BELL == "background":
        _ringer.ring(name)
    else:
        _ring_once(name)


def _ring_once(name: str) -> None:
    try:
        with client().pipeline(transaction=False) as both:
            both.set(_flag(name), 1, nx=True, ex=_FLAG_SECONDS)
            both.incr(_rings(name))
            fresh, _ = both.execute()
    except RedisError as error:
        log.warning("The bell %s was not heard: %s", name, error)
        return
    if fresh:
        push(name)


class _Ringer:
    """Rings from a thread of its own, so that a web request never waits for Redis."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._wanted = threading.Condition()
        self._thread: threading.Thread | None = None

    def ring(self, name: str) -> None:
        with self._wanted:
            self._names.add(name)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
                self._thread.start()
            self._wanted.notify()

    def _run(self) -> None:
        while True:
            with self._wanted:
                while not self._names:
                    self._wanted.wait()
                names, self._names = self._names, set()
            for name in names:
                _ring_once(name)
            # Under load one ring does for all that came meanwhile.
            time.sleep(_PAUSE_SECONDS)


_ringer = _Ringer()
