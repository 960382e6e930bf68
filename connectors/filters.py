"""What of the outcomes is asked for: a tab, and a filter over all tabs, both in the URL."""

from typing import Any

from django import forms
from django.db.models import Count, Q, QuerySet
from django_filters import CharFilter, ChoiceFilter, FilterSet

from connectors import registry
from connectors.models import Connection
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
