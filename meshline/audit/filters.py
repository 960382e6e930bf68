"""Narrowing the trail, and how far it reaches for a person."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connection
from django.db.models import Q, QuerySet
from django.urls import resolve
from django.utils import timezone

from meshline.audit import records, timeline
from meshline.people.models import User
from meshline.people.permissions import Scope, may
from meshline.web.forms import SHORT, CleanText

# A day outside of these is a slip of the finger, and some are outside of what a database holds.
_YEARS = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2199, 12, 31))]


def within(lines: QuerySet, user: User, scope: Scope | None) -> QuerySet:
    """The lines in this person's scope: a team's are those of the records its people own."""
    if scope in (Scope.ALL, Scope.MASKED):
        return lines
    return records.of_records_seen_by(user, lines) if scope else lines.none()


def opens(user: User) -> timeline.Opens:
    """Whether the page at a URL lets this person in, so that no link leads to a closed door."""

    def opened(url: str) -> bool:
        permission = getattr(resolve(url).func, "permission", None)
        return permission is None or may(user, permission)

    return opened


def _box(size: int) -> forms.TextInput:
    return forms.TextInput(attrs={"size": size})


class DayField(forms.DateField):
    def __init__(self, label: str) -> None:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(label=label, required=False, validators=_YEARS, widget=widget)


class TrailFilter(forms.Form):
    """What is not valid narrows nothing, and says so beside its field."""

    q = CleanText(label="In why or who", max_length=SHORT, required=False, widget=_box(13))
    kind = forms.ChoiceField(label="About", required=False)
    id = CleanText(label="Its number", max_length=80, required=False, widget=_box(6))
    actor = CleanText(label="Who", max_length=200, required=False, widget=_box(11))
    what = forms.ChoiceField(label="What", required=False)
    since = DayField("Since")
    until = DayField("Until")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        kinds = [(kind, timeline.name_of(kind)) for kind in ever("subject_kind")]
        fields["kind"].choices = [("", "Anything"), *kinds]
        acts = [(what, timeline.words(what)) for what in ever("what")]
        fields["what"].choices = [("", "Anything"), *acts]

    def clean(self) -> None:
        if self.cleaned_data.get("id") and not self.cleaned_data.get("kind"):
            self.add_error("kind", "Choose what the number is of.")

    def narrow(self, lines: QuerySet, scope: Scope | None) -> QuerySet:
        self.is_valid()
        asked = getattr(self, "cleaned_data", {})
        if text := asked.get("q"):
            found = Q(actor_label__icontains=text)
            # Who sees personal values masked cannot find out by searching for them.
            lines = lines.filter(found if scope is Scope.MASKED else found | Q(why__icontains=text))
        if kind := asked.get("kind"):
            lines = lines.filter(about(kind, asked.get("id", "")))
        if actor := asked.get("actor"):
            lines = lines.filter(by(actor))
        if what := asked.get("what"):
            lines = lines.filter(what=what)
        if since := asked.get("since"):
            lines = lines.filter(at__gte=_start_of(since))
        if until := asked.get("until"):
            lines = lines.filter(at__lt=_start_of(until + timedelta(days=1)))
        return lines


def about(kind: str, pk: str) -> Q:
    """A subject itself, and all that belongs to it where it is a record."""
    if not pk:
        return Q(subject_kind=kind)
    return Q(subject_kind=kind, subject_id=pk) | Q(record=f"{kind}:{pk}")


def by(actor: str) -> Q:
    """Exactly one actor ("person:3", as the links on the page say it), or part of a name."""
    kind, _, pk = actor.partition(":")
    exact = Q(actor_kind=kind, actor_id=pk) if kind and pk else Q(pk__in=[])
    return exact | Q(actor_label__icontains=actor)


def _start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def ever(column: str) -> list[str]:
    """Every word that was ever in this column, by hopping over its index from one to the next.

    DISTINCT would read the whole trail for a few dozen words.
    """
    name = connection.ops.quote_name(column)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH RECURSIVE seen AS (
                SELECT min({name}) AS word FROM audit_trailline
                UNION ALL
                SELECT (SELECT min({name}) FROM audit_trailline WHERE {name} > seen.word)
                FROM seen WHERE seen.word IS NOT NULL
            )
            SELECT word FROM seen WHERE word IS NOT NULL
            """
        )
        return [word for (word,) in cursor.fetchall()]
