"""Days in the URL: what lies between two of them, both included, in the person's own zone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django_filters import Filter

# A day outside of these is a slip of the finger, and some are outside of what a database holds.
_RANGE = "Write a day between 2000 and 2199."
_YEARS = [
    MinValueValidator(date(2000, 1, 1), _RANGE),
    MaxValueValidator(date(2199, 12, 31), _RANGE),
]


class DayField(forms.DateField):
    default_error_messages = {  # noqa: RUF012 - as its base declares it
        "invalid": "Write a day, such as 2026-03-02."
    }

    def __init__(self, **options: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(widget=widget, validators=_YEARS, **options)


class DayFilter(Filter):
    field_class = DayField


def since(column: str) -> Callable[..., Any]:
    """What happened on that day or later."""

    def narrow(rows: Any, name: str, value: date) -> Any:
        return rows.filter(**{f"{column}__gte": start_of(value)})

    return narrow


def until(column: str) -> Callable[..., Any]:
    """What happened on that day or before."""

    def narrow(rows: Any, name: str, value: date) -> Any:
        return rows.filter(**{f"{column}__lt": start_of(value + timedelta(days=1))})

    return narrow


@dataclass(frozen=True)
class Period:
    """Some days, the first and the last included."""

    first: date
    last: date

    @property
    def words(self) -> str:
        """Such as "3 Feb – 2 Mar 2026"; a year that both share said once."""
        first = "j M" if self.first.year == self.last.year else "j M Y"
        return f"{date_format(self.first, first)} – {date_format(self.last, 'j M Y')}"

    def holds(self, column: str) -> Q:
        """What has a moment within it in this column."""
        end = start_of(self.last + timedelta(days=1))
        return Q(**{f"{column}__gte": start_of(self.first), f"{column}__lt": end})


def last_days(count: int, *, at: datetime) -> Period:
    """So many days, the last of them the one on which `at` is."""
    today = timezone.localdate(at)
    return Period(today - timedelta(days=count - 1), today)


def start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
