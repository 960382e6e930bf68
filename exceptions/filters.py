"""What of the queue is asked for: a tab, and a filter over all tabs, both in the URL."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.http import QueryDict
from django_filters import CharFilter, ChoiceFilter, FilterSet, ModelChoiceFilter

from exceptions import kinds, metrics
from exceptions.kinds import Severity
from exceptions.models import Occurrence, Ticket, TicketQuerySet
from exceptions.states import Status
from meshline import instant
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, scope
from meshline.web.forms import CleanText
from meshline.web.requests import Request

TABS = {
    "mine": "Mine and unclaimed",
    "unclaimed": "Unclaimed",
    "open": "All open",
    "overdue": "Overdue",
    "resolved": "Resolved",
}
# These stand in the bar itself, the others behind "More".
IN_THE_BAR = ("q", "kind", "severity", "owner")


class TextFilter(CharFilter):
    field_class = CleanText


class Listed(CleanText):
    """Text chosen from a list that only the page needs: a value that is not listed is no fault."""

    widget = forms.Select

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {}


class ListedFilter(CharFilter):
    field_class = Listed


def _hands(request: Request) -> Any:
    """Who owns or has claimed any ticket this person may see."""
    theirs = Ticket.objects.visible_to(request.user)
    owns = Exists(theirs.filter(owner=OuterRef("pk")))
    has = Exists(theirs.filter(claimed_by=OuterRef("pk")))
    return User.objects.filter(owns | has).order_by("name", "pk")


class TicketFilter(FilterSet):
    """Narrows tickets; a word that cannot be read narrows nothing and says so."""

    q = TextFilter(method="search", label="Search", max_length=200)
    kind = ChoiceFilter(choices=kinds.choices(), empty_label="Any kind")
    severity = ChoiceFilter(choices=[(s.value, s.label) for s in Severity], empty_label="Any")
    owner = ModelChoiceFilter(
        method="in_hands", label="Owner or claimer", queryset=_hands, empty_label="Anybody"
    )
    state = ChoiceFilter(
        field_name="status",
        label="State",
        choices=[(s.value, s.label) for s in Status],
        empty_label="Any state",
    )
    connection = ListedFilter(max_length=60)
    record = TextFilter(
        method="about",
        max_length=200,
        widget=forms.TextInput(attrs={"placeholder": "Name, or proposal:17"}),
    )

    class Meta:
        model = Ticket
        fields = ()

    def search(self, tickets: TicketQuerySet, name: str, value: str) -> TicketQuerySet:
        found = Q(title__icontains=value) | Q(record_title__icontains=value)
        # Who sees personal values masked cannot find out by searching for them.
        if scope(self.request.user, Permission.SEE_QUEUE) is not Scope.MASKED:
            found |= Q(reason__icontains=value)
        return tickets.filter(found)

    def in_hands(self, tickets: TicketQuerySet, name: str, value: User) -> TicketQuerySet:
        return tickets.filter(Q(owner=value) | Q(claimed_by=value))

    def about(self, tickets: TicketQuerySet, name: str, value: str) -> TicketQuerySet:
        """By the record's name or reference, also where it is one of several on a ticket."""
        hang = Occurrence.objects.filter(evidence__record=value).values("ticket")
        named = Q(record_title__icontains=value)
        return tickets.filter(Q(record=value) | named | Q(pk__in=hang))

    def offer_connections(self) -> None:
        """List the connections that tickets name; only the page itself needs to know them."""
        seen = Ticket.objects.visible_to(self.request.user).exclude(connection="")
        named = set(seen.order_by().values_list("connection", flat=True).distinct())
        if chosen := self.data.get("connection", ""):
            named.add(chosen)
        widget = self.form.fields["connection"].widget
        widget.choices = [("", "Any connection"), *((slug, slug) for slug in sorted(named))]

    @property
    def bar(self) -> list[forms.BoundField]:
        return [self.form[name] for name in IN_THE_BAR]

    @property
    def more(self) -> list[forms.BoundField]:
        return [self.form[name] for name in self.filters if name not in IN_THE_BAR]

    @property
    def more_used(self) -> int:
        return sum(bool(field.value()) for field in self.more)

    @property
    def is_used(self) -> bool:
        return any(self.form[name].value() for name in self.filters)


@dataclass(frozen=True)
class Asked:
    """One tab of one person's queue, narrowed."""

    tab: str
    filter: TicketFilter
    user: User
    at: datetime

    @classmethod
    def of(cls, request: Request, words: Mapping[str, str]) -> "Asked":
        """What these words of a URL ask for; an unknown tab is the first one."""
        given = TicketFilter(words, Ticket.objects.visible_to(request.user), request=request)
        tab = words.get("tab", "")
        if tab not in TABS:
            tab = "resolved" if words.get("state") == Status.RESOLVED else "mine"
        return cls(tab, given, request.user, request.now or instant.now())

    @property
    def order(self) -> str:
        return "-id" if self.tab == "resolved" else "fix_due_at"

    @property
    def rows(self) -> TicketQuerySet:
        return self.filter.qs.filter(metrics.tabs(self.user, at=self.at)[self.tab])

    def numbers(self) -> metrics.Numbers:
        return metrics.count(self.filter.qs, self.user, at=self.at)

    def query(self, tab: str = "", *, narrowed: bool = True) -> str:
        """The words of the URL that ask for this, or for another tab of it."""
        words = QueryDict(mutable=True)
        words["tab"] = tab or self.tab
        if narrowed:
            given = {name: self.filter.data.get(name, "") for name in self.filter.filters}
            words.update({name: value for name, value in given.items() if value})
        return words.urlencode()
