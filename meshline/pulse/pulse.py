"""Beating, and asking how long ago: both by the database's clock."""

from datetime import timedelta
from typing import Any

from django.db.models import ExpressionWrapper, F, fields
from django.db.models.functions import Now

from meshline.pulse.models import Heartbeat, TaskRun


class ClockTimestamp(Now):
    """The wall clock, which moves on inside a transaction; Now() is where it began."""

    template = "clock_timestamp()"

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple:
        return self.as_sql(compiler, connection, template=self.template, **context)


def beat(name: str, **detail: Any) -> None:
    """Say that `name` is alive, in one statement."""
    beat = Heartbeat(name=name, beat_at=ClockTimestamp(), detail=detail)
    Heartbeat.objects.bulk_create(
        [beat], update_conflicts=True, unique_fields=["name"], update_fields=["beat_at", "detail"]
    )


def age(name: str) -> timedelta | None:
    """How long ago `name` last beat; None when it never did."""
    passed = ExpressionWrapper(ClockTimestamp() - F("beat_at"), fields.DurationField())
    return Heartbeat.objects.filter(name=name).values_list(passed, flat=True).first()


def task_begins(name: str, *, every: float) -> None:
    """Say that the clock's task `name`, due every so many seconds, begins now."""
    run = TaskRun(name=name, began_at=ClockTimestamp(), seconds=None, every=every)
    TaskRun.objects.bulk_create(
        [run],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["began_at", "seconds", "every"],
    )


def task_ended(name: str, *, seconds: float, error: str = "") -> None:
    """Say how the run that began last came out: how long it took, what went wrong if anything."""
    ended: dict[str, Any] = {"seconds": seconds, "error": error[:2000].replace("\0", "")}
    if not error:
        ended["succeeded_at"] = ClockTimestamp()
    TaskRun.objects.filter(name=name).update(**ended)


def detail(name: str) -> dict[str, Any]:
    """What `name` said of itself at its last beat; empty when it never beat."""
    return Heartbeat.objects.filter(name=name).values_list("detail", flat=True).first() or {}
