"""What of the signed and not invoiced is asked for: a filter, all of it in the URL."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django_filters import ChoiceFilter, FilterSet, ModelChoiceFilter

from meshline.people.models import Team, User
from meshline.people.permissions import Scope
from meshline.policy import called
from meshline.web.requests import Request
from proposals import search
from proposals.filters import WordsFilter
from proposals.models import Proposal
from reconciliation import lacking, unbilled
from reconciliation.lacking import Lack

WEEK, EVER = "7", "all"
RANGES = {WEEK: "Last 7 days", EVER: "All time"}


def _owners(request: Request) -> QuerySet:
    """Everybody who owns a proposal that may lack an invoice and that this person sees."""
    seen = Proposal.objects.visible_to(request.user).filter(
        owner=OuterRef("pk"), state__in=[*lacking.SIGNED, *lacking.UNSIGNED]
    )
    return User.objects.filter(Exists(seen)).order_by("name", "pk")


def _sources() -> list[tuple[str, str]]:
    told = Proposal.objects.order_by("source").values_list("source", flat=True).distinct()
    return called.names().choices(told)


class UnbilledFilter(FilterSet):
    """Narrows what is signed and not invoiced; a word that cannot be read narrows nothing."""

    range = ChoiceFilter(
        method="within", label="Signed", choices=[(EVER, RANGES[EVER])], empty_label=RANGES[WEEK]
    )
    q = WordsFilter(method="search", label="Search", max_length=200)
    lack = ChoiceFilter(
        field_name="lacks", label="What is missing", choices=Lack.choices(), empty_label="Anything"
    )
    owner = ModelChoiceFilter(queryset=_owners, empty_label="Anybody")
    team = ModelChoiceFilter(
        field_name="owner__team", label="Team", queryset=Team.objects.order_by("name"),
        empty_label="Any team",
    )  # fmt: skip
    source = ChoiceFilter(label="Connection", choices=_sources, empty_label="Any connection")

    class Meta:
        model = Proposal
        fields = ()

    def within(self, found: QuerySet, name: str, value: str) -> QuerySet:
        """The range is one of two, and not all of them where nothing is said; see `rows`."""
        return found

    def search(self, found: QuerySet, name: str, value: str) -> QuerySet:
        return search.matching(found, value, masked=self.request.scope is Scope.MASKED)

    @property
    def rows(self) -> QuerySet:
        """What is asked for, within its range."""
        found = self.qs
        return found if self.is_ever else unbilled.of_the_week(found, at=self.request.now)

    @property
    def is_ever(self) -> bool:
        return getattr(self.form, "cleaned_data", {}).get("range") == EVER

    @property
    def is_used(self) -> bool:
        """Whether it hides anything beside its range."""
        return any(self.data.get(name) for name in self.filters if name != "range")


def asked(request: Request) -> UnbilledFilter:
    """The filter of this request, over what this person may see."""
    seen = Proposal.objects.visible_to(request.user).select_related("owner__team")
    return UnbilledFilter(request.GET, unbilled.rows(seen), request=request)


def of_rows(request: Request) -> dict[str, Any]:
    """The filter as the trail keeps it."""
    data = {name: request.GET.get(name, "") for name in UnbilledFilter.base_filters}
    return {name: value for name, value in data.items() if value}
