"""Which hours and whose events a dashboard is of: whole hours, and all of it in the URL."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from exceptions.days import DayField, Period, start_of
from meshline.people.models import Team
from meshline.people.permissions import Permission, Scope, scope
from meshline.web.requests import Request
from reconciliation.passages import hour_of
from reconciliation.rollups import HOUR, Within

RANGES = {"24h": 24, "7d": 7 * 24, "30d": 30 * 24, "90d": 90 * 24}
LABELS = {"24h": "Last 24 hours", "7d": "Last 7 days", "30d": "Last 30 days", "90d": "Last 90 days"}
USUAL = "7d"
_MOMENT = timedelta(seconds=1)
# Whoever sees a team's and is in none sees nobody's.
NO_TEAM = -1
_FIELDS = ("range", "since", "until", "team")


class AskedForm(forms.Form):
    """A range up to now, or from one day to another; and a team, of those that one may see."""

    range = forms.ChoiceField(label="Range", required=False, choices=list(LABELS.items()))
    since = DayField(label="Or from", required=False)
    until = DayField(label="To", required=False)
    team = forms.ChoiceField(label="Team", required=False)

    def __init__(self, data: Mapping[str, Any], *, teams: list[tuple[str, str]]) -> None:
        super().__init__(data)
        field = self.fields["team"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = teams

    def clean(self) -> None:
        first, last = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if first and last and first > last:
            self.add_error("until", "This is before the first day; choose a later one.")


@dataclass(frozen=True)
class Asked:
    """What a URL asks a dashboard for."""

    form: AskedForm
    within: Within
    words: Mapping[str, str]
    at: datetime

    @classmethod
    def of(cls, request: Request, at: datetime) -> "Asked":
        given = {name: request.GET.get(name, "") for name in _FIELDS}
        given["range"] = given["range"] or USUAL
        form = AskedForm(given, teams=_teams(request))
        form.full_clean()
        since, until = _hours(form, at)
        within = Within(since, until, _team(request, form))
        return cls(form, within, {name: value for name, value in given.items() if value}, at)

    @property
    def query(self) -> str:
        return encoded(self.words)

    @property
    def said(self) -> str:
        """From when to when, in the reader's zone."""
        first, last = timezone.localtime(self.within.since), timezone.localtime(self.within.until)
        return f"{date_format(first, 'j M Y, H:i')} – {date_format(last, 'j M Y, H:i')}"

    @property
    def days(self) -> Period:
        """The days that these hours lie in, as the queue counts.

        A day that begins within the first hour is the first one, as an own day asks for it.
        """
        first, last = self.within.since + HOUR - _MOMENT, self.within.until - _MOMENT
        return Period(timezone.localdate(first), timezone.localdate(last))

    @property
    def whole_days(self) -> Within:
        """These days as hours: of them is what stands against a number of the queue's."""
        return replace(self.within, since=hour_of(start_of(self.days.first)))


def rows_url(number: str, within: Within, **narrowed: Any) -> str:
    """The page with exactly the rows of a number in these hours."""
    words: dict[str, Any] = {"from": stamp(within.since), "to": stamp(within.until)}
    if within.team is not None:
        words["team"] = within.team
    words.update((name, value) for name, value in narrowed.items() if value != "")
    return f"{reverse('reconciliation:rows', args=[number])}?{encoded(words)}"


def rows_asked(request: Request, at: datetime) -> Within:
    """The hours and the team of a page of rows; what cannot be read is the usual range."""
    usual = Asked.of(request, at).within
    since, until = _moment(request.GET.get("from")), _moment(request.GET.get("to"))
    if since is None or until is None or since >= until:
        return usual
    return replace(usual, since=since, until=until)


def stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def encoded(words: Mapping[str, Any]) -> str:
    query = QueryDict(mutable=True)
    query.update({name: str(value) for name, value in words.items()})
    return query.urlencode()


def _hours(form: AskedForm, at: datetime) -> tuple[datetime, datetime]:
    """Whole hours: an own day begins with the hour in which its midnight is."""
    until = hour_of(at) + HOUR
    long = RANGES[form.cleaned_data.get("range") or USUAL] * HOUR
    first, last = form.cleaned_data.get("since"), form.cleaned_data.get("until")
    if {"since", "until"} & set(form.errors):
        return until - long, until
    if last:
        until = hour_of(start_of(last + timedelta(days=1)))
    if first and hour_of(start_of(first)) < until:
        return hour_of(start_of(first)), until
    return until - long, until


def _teams(request: Request) -> list[tuple[str, str]]:
    if scope(request.user, Permission.SEE_DASHBOARDS) is Scope.TEAM:
        own = request.user.team
        return [("", own.name if own else "No team"), *([(str(own.pk), own.name)] if own else [])]
    teams = [(str(team.pk), team.name) for team in Team.objects.order_by("name")]
    return [("", "Every team"), *teams]


def _team(request: Request, form: AskedForm) -> int | None:
    if scope(request.user, Permission.SEE_DASHBOARDS) is Scope.TEAM:
        return request.user.team_id or NO_TEAM
    chosen = form.cleaned_data.get("team")
    return int(chosen) if chosen else None


def _moment(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat((text or "")[:40].replace("Z", "+00:00"))
        return hour_of(found) if found.tzinfo and 2000 <= found.year < 2200 else None
    except ValueError:
        return None
