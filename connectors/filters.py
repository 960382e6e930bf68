"""What of the outcomes and of the messages is asked for, in the URL."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django_filters import CharFilter, ChoiceFilter, DateFilter, FilterSet

from connectors import lexemes, registry
from connectors.lexemes import Asked
from connectors.models import Connection, Message, RejectedReceipt
from meshline.people.permissions import Scope
from meshline.web.forms import CleanText
from meshline.web.requests import Request
from proposals.models import Outcome
from proposals.models.outcome import WAITING, State
from proposals.tiers import Tier

_ON_THE_WAY = Q(state__in=[*WAITING, State.DELIVERED])
# Each tab by its word in the URL: its name, and which outcomes stand under it.
OUTCOME_TABS: dict[str, tuple[str, Q]] = {
    "all": ("All", Q()),
    "waiting": ("Waiting", _ON_THE_WAY),
    "failing": ("Failing", _ON_THE_WAY & ~Q(failure="")),
    "given-up": ("Given up", Q(state=State.GIVEN_UP)),
    "proven": ("Proven", Q(state=State.PROVEN)),
}


class _Words(CharFilter):
    field_class = CleanText


def outcome_kinds() -> list[tuple[str, str]]:
    """Every kind of outcome a system carries, as (kind, what it does)."""
    systems = [registry.PEOPLE, *registry.SYSTEMS.values()]
    said = [(one.kind, one.says.capitalize()) for system in systems for one in system.deliveries]
    return [*said, ("ticket.open", "Open a ticket")]


def _connections() -> list[tuple[str, str]]:
    named = Connection.objects.order_by("name").values_list("slug", "name")
    return [(registry.PEOPLE.slug, registry.PEOPLE.name), *named]


class OutcomeFilter(FilterSet):
    """Narrows outcomes; a word that cannot be read narrows nothing and says so."""

    q = _Words(method="search", label="Record or key", max_length=200)
    state = ChoiceFilter(choices=State.choices, empty_label="Any state")
    kind = ChoiceFilter(choices=outcome_kinds, empty_label="Any kind")
    connection = ChoiceFilter(choices=_connections, empty_label="Any connection")
    tier = ChoiceFilter(choices=Tier.choices(), empty_label="Any tier")
    tab = CharFilter(method="leave", widget=forms.HiddenInput, max_length=20)

    class Meta:
        model = Outcome
        fields = ()

    def search(self, outcomes: QuerySet, name: str, value: str) -> QuerySet:
        return outcomes.filter(Q(proposal__title__icontains=value) | Q(key__icontains=value))

    def leave(self, outcomes: QuerySet, name: str, value: str) -> QuerySet:
        """The tab is applied by `rows`, so that every tab can be counted."""
        return outcomes

    @property
    def chosen(self) -> str:
        tab = self.data.get("tab", "")
        return tab if tab in OUTCOME_TABS else "all"

    @property
    def rows(self) -> QuerySet:
        return self.qs.filter(OUTCOME_TABS[self.chosen][1])

    @property
    def is_used(self) -> bool:
        return any(self.data.get(name) for name in self.filters if name != "tab")

    def tabs(self, request: Request) -> list[dict[str, Any]]:
        """The tabs with how many rows each has under this filter, counted in one question."""
        parts = {f"n{place}": Count("pk", filter=q) for place, q in enumerate(_conditions())}
        counts = list(self.qs.aggregate(**parts).values())
        return [
            {
                "label": label,
                "url": _tab_url(request, name),
                "count": count,
                "current": name == self.chosen,
            }
            for (name, (label, _)), count in zip(OUTCOME_TABS.items(), counts, strict=True)
        ]


def _conditions() -> list[Q]:
    return [q or Q(pk__isnull=False) for _, q in OUTCOME_TABS.values()]


def _tab_url(request: Request, tab: str) -> str:
    words = request.GET.copy()
    for name in ("before", "after"):
        words.pop(name, None)
    words["tab"] = tab
    return f"?{words.urlencode()}"


# --- The message desk ------------------------------------------------------------------------
# A day outside of these is a slip of the finger.
_DAYS = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2199, 12, 31))]
_LONGEST = 200
_NO_WORD = "Type at least one letter or digit; without one nothing is looked for."


def _day(label: str, method: str) -> DateFilter:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return DateFilter(method=method, label=label, widget=widget, validators=_DAYS)


def _box(size: int, **attrs: str) -> forms.TextInput:
    return forms.TextInput(attrs={"size": size, **attrs})


def _known_connections() -> list[tuple[str, str]]:
    return list(Connection.objects.order_by("name").values_list("slug", "name"))


class _Sought(CleanText):
    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if text and not lexemes.asked(text):
            raise forms.ValidationError(_NO_WORD)
        return text


class _SoughtFilter(CharFilter):
    field_class = _Sought


class DeskFilter(FilterSet):
    """What all views of the desk understand; what cannot be read narrows nothing and says so."""

    # When a row came in; the name of its column.
    came: ClassVar = "received_at"
    q = _SoughtFilter(
        method="leave",
        label="Any id, e-mail, amount or word",
        max_length=_LONGEST,
        widget=_box(26, type="search"),
    )
    connection = ChoiceFilter(
        field_name="connection__slug",
        label="Connection",
        choices=_known_connections,
        empty_label="Any connection",
    )
    since = _day("Received since", "from_day")
    until = _day("Until", "to_day")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_masked:
            self.form.fields["q"].label = "Any id, key or type"

    def leave(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Words are looked for by `finding`, among what all else leaves."""
        return rows

    def from_day(self, rows: QuerySet, name: str, value: date) -> QuerySet:
        return rows.filter(**{f"{self.came}__gte": _midnight(value)})

    def to_day(self, rows: QuerySet, name: str, value: date) -> QuerySet:
        return rows.filter(**{f"{self.came}__lt": _midnight(value + timedelta(days=1))})

    @property
    def is_masked(self) -> bool:
        """Whoever may not see values must not find them by asking either."""
        return self.request.scope is Scope.MASKED

    @property
    def words(self) -> list[Asked]:
        """What is looked for, word by word; nothing when it cannot be read."""
        self.form.is_valid()
        return lexemes.asked(getattr(self.form, "cleaned_data", {}).get("q") or "")

    @property
    def is_used(self) -> bool:
        return any(self.data.get(name) for name in self.filters)

    def query(self) -> str:
        """The words of the URL that this view understands, for another view's address."""
        known = [(name, self.data[name]) for name in self.filters if self.data.get(name)]
        return urlencode(known)


class MessageFilter(DeskFilter):
    """Narrows messages, and posts by the events cut from them."""

    status = ChoiceFilter(choices=Message.Status.choices, empty_label="Any status")
    type = _Words(label="Type", max_length=120, widget=_box(9))
    # Only by a link; the list says so.
    key = _Words(max_length=300, widget=forms.HiddenInput)
    record = _Words(max_length=120, widget=forms.HiddenInput)
    repeated = ChoiceFilter(
        method="only_repeated",
        label="Repeats",
        choices=[("yes", "Only what came again")],
        empty_label="With or without",
    )

    class Meta:
        model = Message
        fields = ()

    def only_repeated(self, messages: QuerySet, name: str, value: str) -> QuerySet:
        return messages.filter(duplicates__gt=0)


class RefusedFilter(DeskFilter):
    """Narrows what was refused."""

    came: ClassVar = "at"

    class Meta:
        model = RejectedReceipt
        fields = ()


def _midnight(day: date) -> datetime:
    """When a day begins for the reader."""
    return datetime.combine(day, time.min, timezone.get_current_timezone()).astimezone(UTC)
