"""How Meshline itself runs: what lives, what waits and for how long, and what to do when it is red.

Everything is read when the page is asked for; nothing here raises because a part is away.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from connectors import metrics
from connectors.metrics import Backlog
from meshline import bell, instant, timetable
from meshline.audit.models import ChainHead
from meshline.people.permissions import Permission
from meshline.pulse import vitals
from meshline.pulse.models import Heartbeat, TaskRun
from meshline.shell import clock, invariants
from meshline.web import words
from meshline.web.access import requires
from meshline.web.requests import Request
from meshline.web.words import Tone
from proposals.tiers import Tier

# What is due and free longer than that is not being worked on.
LATE = timedelta(seconds=60)
# A task this much later than its rhythm was missed.
MISSED = timedelta(seconds=60)


@dataclass(frozen=True)
class Red:
    """Something that is not as it should be, and what to do about it."""

    title: str
    advice: str
    tone: Tone = "danger"


@dataclass(frozen=True)
class Process:
    """A long-running process as it last spoke of itself."""

    name: str
    does: str
    host: str
    pid: str
    began_at: datetime | None
    heard_at: datetime
    word: str
    tone: Tone


@dataclass(frozen=True)
class Queue:
    """A backlog as the page shows it."""

    label: str
    backlog: Backlog
    oldest: str
    word: str
    tone: Tone


@dataclass(frozen=True)
class Task:
    """One of the clock's tasks, and how it last went."""

    name: str
    every: str
    run: TaskRun | None
    took: str
    word: str
    tone: Tone


@require_safe
@requires(Permission.SEE_OPERATIONS)
def operations(request: Request) -> HttpResponse:
    """The whole page; `?part` is what it asks for by itself."""
    context = everything(at=request.now or instant.now())
    template = "_operations_live" if "part" in request.GET else "operations"
    return render(request, f"shell/{template}.html", context)


def everything(*, at: datetime) -> dict[str, Any]:
    """All of the page's parts, and above them what is red."""
    redis, processes = _redis(), _clocks(at)
    processes += _workers(redis["workers"])
    parts: dict[str, Any] = {
        "at": at,
        "redis": redis,
        "processes": processes,
        "queues": [_queue(backlog, label) for backlog, label in _queues()],
        "stopped": metrics.stopped(),
        "tasks": _tasks(at),
        "database": _database(),
        "trail": _trail(),
    }
    return {**parts, "reds": list(_reds(parts))}


# --- What lives ------------------------------------------------------------------------------
def _clocks(at: datetime) -> list[Process]:
    """The clock that works and, while there is one, the one that stands by."""
    beats = Heartbeat.objects.filter(name__in=[vitals.CLOCK, clock.STANDBY]).order_by("name")
    return [
        _clock(beat, at)
        for beat in beats
        if beat.name == vitals.CLOCK or at - beat.beat_at < vitals.CLOCK_STALE_AFTER
    ]


def _clock(beat: Heartbeat, at: datetime) -> Process:
    works = beat.name == vitals.CLOCK
    stale = at - beat.beat_at > vitals.CLOCK_STALE_AFTER
    word, tone = ("Silent", "danger") if stale else ("Running", "ok")
    began = beat.detail.get("since")
    return Process(
        name="Clock" if works else "Clock, standing by",
        does="looks for what is due" if works else "takes over when the other ends",
        host=str(beat.detail.get("host", "")),
        pid=str(beat.detail.get("pid", "")),
        began_at=datetime.fromisoformat(began) if began else None,
        heard_at=beat.beat_at,
        word=word,
        tone=tone,  # type: ignore[arg-type]
    )


def _workers(seen: list[vitals.Seen]) -> list[Process]:
    at = datetime.now(UTC)
    return [_worker(one, is_silent=one.is_stale(at=at)) for one in seen]


def _worker(seen: vitals.Seen, *, is_silent: bool) -> Process:
    return Process(
        name=f"Worker {seen.name[:8]}",
        does=seen.queues.replace(",", ", "),
        host=seen.host,
        pid=seen.pid,
        began_at=seen.began_at,
        heard_at=seen.heard_at,
        word="Silent" if is_silent else {"busy": "Working"}.get(seen.state, "Waiting"),
        tone="danger" if is_silent else "ok",
    )


def _redis() -> dict[str, Any]:
    """Whether it answers, and what it holds: only what may be lost."""
    try:
        told = bell.client().info()
        return {
            "word": vitals.OK,
            "version": told.get("redis_version"),
            "memory": told.get("used_memory"),
            "clients": told.get("connected_clients"),
            "rung": bell.rung(),
            "waiting": bell.waiting(),
            "workers": vitals.workers_seen(),
        }
    except RedisError:
        return {"word": vitals.redis(), "workers": []}


def _database() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT current_setting('server_version'), pg_database_size(current_database()),
                (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()),
                current_setting('max_connections')::int
            """
        )
        version, size, connections, most = cursor.fetchone()
    return {"version": version, "size": size, "connections": connections, "most": most}


# --- What waits ------------------------------------------------------------------------------
def _queues() -> Iterator[tuple[Backlog, str]]:
    there = metrics.backlogs()
    yield there["inbox"], "Inbox"
    for tier in Tier:
        none = Backlog(tier, 0, 0, None, 0, 0, 0)
        yield there.get(tier, none), f"Outbox, {tier}"


def _queue(backlog: Backlog, label: str) -> Queue:
    oldest = words.span(max(backlog.oldest, timedelta())) if backlog.oldest is not None else ""
    if backlog.oldest is not None and backlog.oldest > LATE:
        return Queue(label, backlog, oldest, "Behind", "danger")
    if backlog.lapsed:
        return Queue(label, backlog, oldest, "Lapsed leases", "warn")
    if backlog.held and not backlog.due:
        return Queue(label, backlog, oldest, "Held", "warn")
    return Queue(label, backlog, oldest, "Flowing" if backlog.waiting else "Empty", "ok")


# --- What the clock did ----------------------------------------------------------------------
def _tasks(at: datetime) -> list[Task]:
    runs = TaskRun.objects.in_bulk()
    return [_task(task, runs.get(task.name), at) for task in timetable.TASKS]


def _task(task: timetable.Task, run: TaskRun | None, at: datetime) -> Task:
    every = f"every {words.span(timedelta(seconds=task.every))}"
    if run is None:
        return Task(task.name, every, None, "", "Not yet", "neutral")
    took = "" if run.seconds is None else _seconds(run.seconds)
    word, tone = _how_it_went(task, run, at)
    return Task(task.name, every, run, took, word, tone)


def _how_it_went(task: timetable.Task, run: TaskRun, at: datetime) -> tuple[str, Tone]:
    if run.error:
        return "Failed", "danger"
    if at - run.began_at > timedelta(seconds=task.every) + MISSED:
        return "Missed", "danger"
    return ("Running", "info") if run.is_running else ("Done", "ok")


def _seconds(length: float) -> str:
    return f"{length * 1000:,.0f} ms" if length < 1 else f"{length:,.1f} s"


def _trail() -> dict[str, Any]:
    head = ChainHead.objects.values_list("position", flat=True).first() or 0
    looks = Heartbeat.objects.in_bulk([invariants.CHECKED, invariants.VERIFIED])
    checked, verified = looks.get(invariants.CHECKED), looks.get(invariants.VERIFIED)
    return {
        "head": head,
        "checked_at": checked.beat_at if checked else None,
        "asked": len(invariants.INVARIANTS),
        "broken": checked.detail.get("broken", []) if checked else [],
        "verified_at": verified.beat_at if verified else None,
        "verified": verified.detail.get("position") if verified else None,
    }


# --- What is red -----------------------------------------------------------------------------
def _reds(parts: dict[str, Any]) -> Iterator[Red]:
    yield from _down(parts)
    late = [one for one in parts["queues"] if one.tone == "danger"]
    for queue in late:
        yield Red(
            f"{queue.label} is behind: the oldest has been due for {queue.oldest}.",
            "If workers are silent, start them. If they work, there are too few: start more with "
            "the same command.",
        )
    for one in parts["stopped"]:
        yield _stopped(one)
    for task in parts["tasks"]:
        if task.tone == "danger":
            why = task.run.error if task.run and task.run.error else "It did not run when due."
            yield Red(
                f"The clock's task “{task.name}” {task.word.lower()}. {why}",
                "The clock's log has the whole story; the task is tried again in its rhythm.",
            )
    for name in parts["trail"]["broken"]:
        yield Red(
            f"An invariant is broken: {name}.",
            "Run manage.py check_invariants: it names every row. A ticket is open about it.",
        )


def _down(parts: dict[str, Any]) -> Iterator[Red]:
    if parts["redis"]["word"] != vitals.OK:
        yield Red(
            "Redis does not answer.",
            "Start it again, empty if need be: it holds nothing that must not be lost. Until then "
            "events are kept and wait.",
        )
    elif (said := vitals.workers()) != vitals.OK:
        yield Red(
            said,
            "Start workers: manage.py rqworker inbox outbox upkeep --serializer "
            "rq.serializers.JSONSerializer. What came in is kept and waits.",
        )
    if (said := vitals.clock()) != vitals.OK:
        yield Red(
            said,
            "Start one: manage.py clock. Without it nothing is tried again and nothing late "
            "becomes a ticket. If one hangs, end it: the next takes over.",
        )


def _stopped(stopped: metrics.Stopped) -> Red:
    there = stopped.connection
    waits = f"{stopped.held} outcomes wait." if stopped.held != 1 else "1 outcome waits."
    if there.is_active:
        advice = f"One outcome is tried every 30 s; once it answers, all follows. {waits}"
        return Red(f"{there.name} does not answer.", advice)
    advice = f"Resume it on its page once the reason is gone. {waits}"
    return Red(f"{there.name} is {there.status}.", advice, "warn")
