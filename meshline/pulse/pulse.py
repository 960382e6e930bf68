"""Beating, and asking how long ago: both by the database's clock."""

from datetime import timedelta
from typing import Any

from django.db.models import ExpressionWrapper, F, fields
from django.db.models.functions import Now

from meshline.pulse.models import Heartbeat


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
