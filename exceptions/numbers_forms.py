"""Which days, and whose tickets, the numbers are of: all in the URL."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.http import QueryDict
from django.urls import reverse

from exceptions import export
from exceptions.days import DayField, Period, last_days
from exceptions.figures import Number
from exceptions.filters import TicketFilter
from exceptions.models import Ticket, TicketQuerySet
from meshline.people.permissions import Scope
from meshline.web.requests import Request

SPANS = {"7": "Last 7 days", "28": "Last 28 days", "90": "Last 90 days"}
USUAL = "28"
# What they may be narrowed by, as the queue's own filter says it.
NARROWED_BY = ("team", "kind", "owner")


class PeriodForm(forms.Form):
    """So many days until today, or from one day to another; what cannot be read is the usual."""

    days = forms.ChoiceField(label="Period", required=False, choices=list(SPANS.items()))
    since = DayField(label="Or from", required=False)
    until = DayField(label="To", required=False)

    def clean(self) -> None:
        first, last = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if first and last and first > last:
            self.add_error("until", "This is before the first day; choose a later one.")

    def period(self, *, at: datetime) -> Period:
        """With one of the two days: from it until today, or the usual time up to it."""
        is_read = self.is_valid()
        usual = last_days(int(self.cleaned_data.get("days") or USUAL), at=at)
        if not is_read:
            return usual
        first, last = self.cleaned_data["since"], self.cleaned_data["until"]
        if first and (last or first <= usual.last):
            return Period(first, last or usual.last)
        return Period(last - (usual.last - usual.first), last) if last else usual


@dataclass(frozen=True)
class AskedNumbers:
    """The numbers that a URL asks for."""

    form: PeriodForm
    narrowed: TicketFilter
    period: Period
    words: Mapping[str, str]
    at: datetime

    @classmethod
    def of(cls, request: Request, at: datetime) -> "AskedNumbers":
        given = {
            name: request.GET.get(name, "") for name in (*PeriodForm.base_fields, *NARROWED_BY)
        }
        given["days"] = given["days"] or USUAL
        form = PeriodForm(given)
        mine = {name: given[name] for name in NARROWED_BY}
        narrowed = TicketFilter(mine, Ticket.objects.visible_to(request.user), request=request)
        words = {name: value for name, value in given.items() if value}
        return cls(form, narrowed, form.period(at=at), words, at)

    @property
    def fields(self) -> list[forms.BoundField]:
        return [*self.form, *(self.narrowed.form[name] for name in NARROWED_BY)]

    @property
    def faults(self) -> bool:
        return not (self.form.is_valid() and self.narrowed.form.is_valid())

    @property
    def query(self) -> str:
        return _encoded(self.words)

    def tickets(self, request: Request) -> TicketQuerySet:
        """What is counted; in the scope OWN what is this person's."""
        own = export.own(request.user, at=self.at)
        return self.narrowed.qs.filter(own) if request.scope is Scope.OWN else self.narrowed.qs

    def rows_of(self, number: Number) -> str:
        """The queue with exactly the rows that a number is of."""
        narrowed = {name: self.words.get(name, "") for name in NARROWED_BY}
        words = {**number.words, **_without(narrowed, number)}
        return f"{reverse('exceptions:queue')}?{_encoded(words)}"


def _without(narrowed: Mapping[str, Any], number: Number) -> dict[str, Any]:
    """What a number says itself is not said again."""
    return {name: value for name, value in narrowed.items() if value and name not in number.words}


def _encoded(words: Mapping[str, Any]) -> str:
    query = QueryDict(mutable=True)
    query.update({name: str(value) for name, value in words.items()})
    return query.urlencode()
