"""What of the queue is asked for: a tab, and a filter over all tabs, both in the URL."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.http import QueryDict
from django_filters import CharFilter, ChoiceFilter, Filter, FilterSet, ModelChoiceFilter

from exceptions import ever, kinds, metrics, search
from exceptions.days import DayFilter, since, start_of, until
from exceptions.kinds import NO_FAILURE, Severity
from exceptions.models import Occurrence, Reopening, Ticket, TicketQuerySet
from exceptions.states import Resolution, Status
from meshline import instant
from meshline.people.models import Team, User
from meshline.people.permissions import Permission, Scope, scope
from meshline.policy import called
from meshline.web.forms import CleanText
from meshline.web.requests import Request

TABS = {
    "mine": "Mine and unclaimed",
    "unclaimed": "Unclaimed",
    "open": "All open",
    "overdue": "Overdue",
    "asleep": "Asleep",
    "resolved": "Resolved",
    "all": "All",
}
# These stand in the bar itself, the others behind "More".
IN_THE_BAR = ("q", "kind", "severity", "owner")
# The word in the queue's address that asks for those.
MORE = "more"
# How a list may be sorted: each by a column that is never empty in it, ties by the ticket's number.
ORDERS = {
    "due": ("Soonest due", "fix_due_at"),
    "near": ("Nearest to breach", "next_due_at"),
    "risk": ("Most money at risk", "-money_at_risk"),
    "closed": ("Latest resolved", "-resolved_at"),
    "newest": ("Newest", "-id"),
    "oldest": ("Oldest", "id"),
}
# What tells of amounts is not for who sees them masked.
OF_AMOUNTS = ("amount_from", "amount_to")
_DAYS_MOST = 3650
_LARGEST_ID = 2**63 - 1


class TextFilter(CharFilter):
    field_class = CleanText


class Listed(CleanText):
    """Text chosen from a list that only the page needs: a value that is not listed is no fault."""

    widget = forms.Select

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {}


class ListedFilter(CharFilter):
    field_class = Listed


class DaysFilter(Filter):
    field_class = forms.IntegerField

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=_DAYS_MOST, **options)


class NumberFilter(Filter):
    field_class = forms.IntegerField

    def __init__(self, **options: Any) -> None:
        super().__init__(max_value=_LARGEST_ID, **options)


class AmountFilter(Filter):
    field_class = forms.DecimalField

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_digits=20, decimal_places=4, **options)


def _sees_all(user: User) -> bool:
    return scope(user, Permission.SEE_QUEUE) in (Scope.ALL, Scope.MASKED)


def _is_any(tickets: TicketQuerySet, connection: str) -> bool:
    return tickets.filter(connection=connection).exists()


def _hands(request: Request) -> Any:
    """Who owns or has claimed any ticket this person may see."""
    people = User.objects.filter(pk__in=ever.people()).order_by("name", "pk")
    if _sees_all(request.user):
        return people
    theirs = Ticket.objects.visible_to(request.user)
    owns = Exists(theirs.filter(owner=OuterRef("pk")))
    has = Exists(theirs.filter(claimed_by=OuterRef("pk")))
    return people.filter(owns | has)


class TicketFilter(FilterSet):
    """Narrows tickets; a word that cannot be read narrows nothing and says so."""

    q = TextFilter(
        method="search",
        label="Search",
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Words or a number"}),
    )
    kind = ChoiceFilter(choices=kinds.choices(), empty_label="Any kind")
    severity = ChoiceFilter(
        choices=[(s.value, s.label) for s in Severity], empty_label="Any severity"
    )
    owner = ModelChoiceFilter(
        method="in_hands", label="Owner or claimer", queryset=_hands, empty_label="Anybody"
    )
    state = ChoiceFilter(
        field_name="status",
        label="State",
        choices=[(s.value, s.label) for s in Status],
        empty_label="Any state",
    )
    team = ModelChoiceFilter(
        queryset=Team.objects.order_by("name"), empty_label="Any team", label="Team"
    )
    connection = ListedFilter(max_length=60)
    record = TextFilter(
        method="about",
        max_length=200,
        widget=forms.TextInput(attrs={"placeholder": "Name, or proposal:17"}),
    )

    amount_from = AmountFilter(field_name="amount_at_risk", lookup_expr="gte", label="At risk from")
    amount_to = AmountFilter(field_name="amount_at_risk", lookup_expr="lte", label="At risk up to")
    age_from = DaysFilter(method="opened_before", label="Open for days, from")
    age_to = DaysFilter(method="opened_after", label="Open for days, up to")
    has = ModelChoiceFilter(
        method="whose", label="Who has it", queryset=_hands, empty_label="Anybody"
    )
    failure = TextFilter(
        method="failed_by",
        max_length=80,
        widget=forms.TextInput(attrs={"placeholder": f"Such as timeout, or {NO_FAILURE}"}),
    )
    opened_from = DayFilter(method=since("opened_at"), label="Opened from")
    opened_to = DayFilter(method=until("opened_at"), label="Opened to")
    acknowledged_from = DayFilter(method=since("first_acknowledged_at"), label="Acknowledged from")
    acknowledged_to = DayFilter(method=until("first_acknowledged_at"), label="Acknowledged to")
    resolved_from = DayFilter(method=since("resolved_at"), label="Resolved from")
    resolved_to = DayFilter(method=until("resolved_at"), label="Resolved to")
    resolution = ChoiceFilter(
        choices=[(r.value, r.value.capitalize()) for r in Resolution],
        empty_label="Any resolution",
    )
    reopened = ChoiceFilter(
        method="came_back",
        choices=[("yes", "Came back"), ("no", "Never came back")],
        empty_label="Either",
    )
    undone_from = DayFilter(method="did_not_last", label="Answer that did not last, from")
    undone_to = DayFilter(method="did_not_last", label="Answer that did not last, up to")
    minutes_from = NumberFilter(
        field_name="minutes_spent", lookup_expr="gte", min_value=0, label="Minutes spent, from"
    )
    same_as = NumberFilter(method="of_one_cause", min_value=1, label="Same cause as ticket")

    class Meta:
        model = Ticket
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.sees_masked:
            for name in OF_AMOUNTS:
                del self.filters[name]

    def leave_out_more(self) -> None:
        """Be the bar alone where nothing else is asked for or narrows: to make twenty fields that
        nobody sees takes longer than to draw the bar."""
        if not self.shows_more:
            for name in self.filters.keys() - set(IN_THE_BAR):
                del self.filters[name]

    @property
    def sees_masked(self) -> bool:
        return scope(self.request.user, Permission.SEE_QUEUE) is Scope.MASKED

    def search(self, tickets: TicketQuerySet, name: str, value: str) -> TicketQuerySet:
        return search.matching(tickets, value, masked=self.sees_masked)

    def in_hands(self, tickets: TicketQuerySet, name: str, value: User) -> TicketQuerySet:
        return tickets.filter(Q(owner=value) | Q(claimed_by=value))

    def whose(self, tickets: TicketQuerySet, name: str, value: User) -> TicketQuerySet:
        return tickets.in_hands_of(value)

    def failed_by(self, tickets: TicketQuerySet, name: str, value: str) -> TicketQuerySet:
        return tickets.filter(failure="" if value == NO_FAILURE else value)

    def came_back(self, tickets: TicketQuerySet, name: str, value: str) -> TicketQuerySet:
        return tickets.filter(reopened__gt=0) if value == "yes" else tickets.filter(reopened=0)

    def did_not_last(self, tickets: TicketQuerySet, name: str, value: date) -> TicketQuerySet:
        """Those with one answer within these days after which they opened again."""
        answers, asked = Reopening.objects.all(), self.form.cleaned_data
        if first := asked.get("undone_from"):
            answers = answers.filter(resolved_at__gte=start_of(first))
        if last := asked.get("undone_to"):
            answers = answers.filter(resolved_at__lt=start_of(last + timedelta(days=1)))
        return tickets.filter(pk__in=answers.values("ticket"))

    def of_one_cause(self, tickets: TicketQuerySet, name: str, value: int) -> TicketQuerySet:
        """Those of the cause that this ticket is of, as far as it may be seen."""
        known = Ticket.objects.visible_to(self.request.user).filter(pk=value)
        return tickets.filter(cause__in=known.values("cause"))

    def about(self, tickets: TicketQuerySet, name: str, value: str) -> TicketQuerySet:
        """By the record's name or reference, also where it is one of several on a ticket."""
        hang = Occurrence.objects.filter(record=value).values("ticket")
        named = Q(record_title__icontains=value)
        return tickets.filter(Q(record=value) | named | Q(pk__in=hang))

    def opened_before(self, tickets: TicketQuerySet, name: str, value: int) -> TicketQuerySet:
        return tickets.filter(opened_at__lte=self._days_ago(value))

    def opened_after(self, tickets: TicketQuerySet, name: str, value: int) -> TicketQuerySet:
        """Up to two days is also what is two and a half days old."""
        return tickets.filter(opened_at__gt=self._days_ago(value + 1))

    def _days_ago(self, days: int) -> datetime:
        return (self.request.now or instant.now()) - timedelta(days=days)

    def offer_lists(self) -> None:
        """Fill the lists to choose from, each read once; only what shows them needs them."""
        # By its iterator: a list made of the choices themselves counts them first.
        hands = list(iter(self.form.fields["owner"].choices))
        for name in {"owner", "has"} & self.form.fields.keys():
            self.form.fields[name].widget.choices = hands
        if self.shows_more:
            self._offer_connections()

    def _offer_connections(self) -> None:
        """Those that tickets name."""
        seen = Ticket.objects.visible_to(self.request.user)
        sees_all = _sees_all(self.request.user)
        named = {slug for slug in ever.connections() if sees_all or _is_any(seen, slug)}
        if chosen := self.data.get("connection", ""):
            named.add(chosen)
        widget = self.form.fields["connection"].widget
        widget.choices = [("", "Any connection"), *called.names().choices(named)]

    @property
    def bar(self) -> list[forms.BoundField]:
        return [self.form[name] for name in IN_THE_BAR]

    @cached_property
    def more(self) -> list[forms.BoundField]:
        return [self.form[name] for name in self.filters if name not in IN_THE_BAR]

    @property
    def more_used(self) -> int:
        return len(self._words_of_more())

    @property
    def shows_more(self) -> bool:
        """Whether they come with the page. They take longer to draw than the bar itself: where none
        of them narrows, they come when somebody opens them."""
        return self.more_used > 0 or MORE in self.data

    @property
    def opens_more(self) -> bool:
        """Whether they are before the reader's eyes at once: asked for, or one of them is wrong."""
        return MORE in self.data or any(field.errors for field in self.more)

    def _words_of_more(self) -> list[str]:
        """What is given of the filters outside the bar."""
        return [name for name in self.filters if name not in IN_THE_BAR and self.data.get(name)]

    @property
    def used(self) -> list[tuple[str, str, str]]:
        """What narrows it: each word of the URL with its label and its value as people say it."""
        fields = [self.form[name] for name in self.filters]
        return [(one.name, str(one.label), _said(one)) for one in fields if one.value()]

    @property
    def is_used(self) -> bool:
        return any(self.form[name].value() for name in self.filters)


def _said(field: forms.BoundField) -> str:
    if field.errors:
        return f"{field.value()}, which narrows nothing"
    value = field.form.cleaned_data[field.name]
    if field.name == "connection":
        return called.of(value)
    choices = dict(getattr(field.field, "choices", ())) if isinstance(value, str) else {}
    return str(choices.get(value, value or field.value()))


@dataclass(frozen=True)
class Used:
    """One thing the list is narrowed by, and the way to do without it."""

    label: str
    value: str
    without: str


@dataclass(frozen=True)
class Asked:
    """One tab of one person's queue, narrowed and sorted."""

    tab: str
    sorted_by: str
    filter: TicketFilter
    user: User
    at: datetime

    @classmethod
    def of(cls, request: Request, words: Mapping[str, str]) -> "Asked":
        """What these words of a URL ask for; an unknown tab is the first one."""
        given = TicketFilter(words, Ticket.objects.visible_to(request.user), request=request)
        tab = words.get("tab", "")
        given.leave_out_more()
        if tab not in TABS:
            tab = "resolved" if words.get("state") == Status.RESOLVED else "mine"
        order = words.get("order", "")
        if order not in _orders(given, tab):
            order = _usual(tab)
        return cls(tab, order, given, request.user, request.now or instant.now())

    @property
    def order(self) -> str:
        return ORDERS[self.sorted_by][1]

    @property
    def orders(self) -> list[tuple[str, str, bool]]:
        """How it could be sorted, and how it is."""
        offered = _orders(self.filter, self.tab)
        return [(word, ORDERS[word][0], word == self.sorted_by) for word in offered]

    @property
    def is_usual_order(self) -> bool:
        return self.sorted_by == _usual(self.tab)

    @property
    def rows(self) -> TicketQuerySet:
        return self.filter.qs.filter(metrics.tabs(self.user, at=self.at)[self.tab])

    def counts(self) -> dict[str, int]:
        return metrics.shown(self.filter.qs, self.user, at=self.at)

    def numbers(self, counts: dict[str, int] | None = None) -> metrics.Numbers:
        """The numbers of what is open; with `counts`, where all of it was counted already."""
        if counts is not None:
            return metrics.numbers(self.filter.qs, counts)
        return metrics.count(self.filter.qs, self.user, at=self.at)

    @property
    def unreadable(self) -> dict[str, str]:
        """Why a word narrows nothing, by the label of its field."""
        form = self.filter.form
        return {str(form[name].label): said[0] for name, said in form.errors.items()}

    @property
    def used(self) -> list[Used]:
        return [
            Used(label, value, self.query(without=name)) for name, label, value in self.filter.used
        ]

    def query(self, tab: str = "", *, narrowed: bool = True, without: str = "") -> str:
        """The words of the URL that ask for this, or for another tab of it."""
        words = QueryDict(mutable=True)
        words["tab"] = tab or self.tab
        if not self.is_usual_order:
            words["order"] = self.sorted_by
        if narrowed:
            words.update(self._narrowing)
        words.pop(without, None)
        return words.urlencode()

    @cached_property
    def _narrowing(self) -> dict[str, str]:
        """The words of the URL that narrow it."""
        given = self.filter.data
        return {name: given[name] for name in self.filter.filters if given.get(name)}


def _usual(tab: str) -> str:
    return {"resolved": "closed", "all": "newest"}.get(tab, "due")


def _orders(narrowed: TicketFilter, tab: str) -> list[str]:
    """Deadlines and money are of what is open: only that is indexed by them."""
    if tab == "resolved":
        return ["closed", "newest", "oldest"]
    hidden = {"closed", "risk"} if narrowed.sees_masked else {"closed"}
    return [word for word in ORDERS if word not in hidden]
