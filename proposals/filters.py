"""What of the proposals is asked for: a filter and an order, both in the URL."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest
from django_filters import (
    CharFilter,
    ChoiceFilter,
    FilterSet,
    ModelChoiceFilter,
    NumberFilter,
)

from exceptions import days
from meshline import instant
from meshline.people.models import Team, User
from meshline.people.permissions import Scope
from meshline.policy import called
from meshline.web import paging
from meshline.web.forms import CleanText
from meshline.web.requests import Request
from proposals import metrics, search
from proposals.models import FollowUp, Proposal
from proposals.models.follow_up import State as FollowUpState
from proposals.states import State

ATTENTION = {
    "ticket": "Has an open ticket",
    "overdue": "Follow-up overdue",
    "temporary": "Temporary owner",
    "hold": "On hold",
}
# The list's own order: what changed last comes first, by keyset, however long the list is.
NEWEST = "-changed"
SORTS = {
    NEWEST: "Last changed",
    "changed": "Longest unchanged",
    "-amount": "Largest amount",
    "amount": "Smallest amount",
    "title": "Title, A to Z",
    "-title": "Title, Z to A",
    "follow-up": "Next follow-up, soonest",
    "-follow-up": "Next follow-up, latest",
}
_FIELDS: dict[str, Any] = {
    "amount": F("amount"),
    "title": Lower("title"),
    "follow-up": F("next_follow_up_at"),
}
# Sorted by what may be missing or equal, a page is a number, and numbers end somewhere.
PAGE_SIZE, MOST_PAGES = 50, 40


class WordsFilter(CharFilter):
    field_class = CleanText


def _owners(request: Request) -> QuerySet:
    """Everybody who owns a proposal this person may see."""
    seen = Proposal.objects.visible_to(request.user).filter(owner=OuterRef("pk"))
    return User.objects.filter(Exists(seen)).order_by("name", "pk")


def _sources() -> list[tuple[str, str]]:
    told = Proposal.objects.order_by("source").values_list("source", flat=True).distinct()
    return called.names().choices(told)


class ProposalFilter(FilterSet):
    """Narrows proposals; a word that cannot be read narrows nothing and says so."""

    q = WordsFilter(method="search", label="Search", max_length=200)
    state = ChoiceFilter(choices=State.choices(), empty_label="Any state")
    owner = ModelChoiceFilter(queryset=_owners, empty_label="Anybody")
    source = ChoiceFilter(choices=_sources, empty_label="Any source")
    attention = ChoiceFilter(
        method="needing",
        label="Needing attention",
        choices=list(ATTENTION.items()),
        empty_label="Anything",
    )
    sort = ChoiceFilter(
        method="leave", label="Sorted by", choices=list(SORTS.items())[1:],
        empty_label=SORTS[NEWEST],
    )  # fmt: skip

    class Meta:
        model = Proposal
        fields = ()

    def search(self, proposals: QuerySet, name: str, value: str) -> QuerySet:
        return search.matching(proposals, value, masked=self.is_masked)

    def needing(self, proposals: QuerySet, name: str, value: str) -> QuerySet:
        if value == "ticket":
            return metrics.with_open_ticket(proposals)
        if value == "overdue":
            return proposals.filter(next_follow_up_at__lt=self.request.now)
        if value == "hold":
            return proposals.exclude(hold="")
        return proposals.filter(owner_is_temporary=True)

    def leave(self, proposals: QuerySet, name: str, value: str) -> QuerySet:
        """The order is not a condition; see `page`."""
        return proposals

    @property
    def is_masked(self) -> bool:
        return self.request.scope is Scope.MASKED

    @property
    def order(self) -> str:
        """The order asked for. An order by what somebody may not see would tell it all the same."""
        asked = getattr(self.form, "cleaned_data", {}).get("sort") or NEWEST
        return NEWEST if self.is_masked and asked.endswith("amount") else asked

    @property
    def is_used(self) -> bool:
        """Whether it hides anything; an order does not."""
        return any(self.data.get(name) for name in self.filters if name != "sort")


MISSED = "missed"


def _followers(request: Request) -> QuerySet:
    """Everybody who has a follow-up that this person may see."""
    seen = FollowUp.objects.visible_to(request.user).filter(owner=OuterRef("pk"))
    return User.objects.filter(Exists(seen)).order_by("name", "pk")


class FollowUpFilter(FilterSet):
    """Narrows follow-ups; without a word on their state to those that are open."""

    q = WordsFilter(method="search", label="Search", max_length=200)
    state = ChoiceFilter(
        method="standing", choices=[
            *FollowUpState.choices[1:], (MISSED, "Not done in time"), ("all", "Any state"),
        ],
        empty_label="Open",
    )  # fmt: skip
    owner = ModelChoiceFilter(queryset=_followers, empty_label="Anybody")
    team = ModelChoiceFilter(
        queryset=Team.objects.order_by("name", "pk"), field_name="owner__team",
        empty_label="Any team", label="Team",
    )  # fmt: skip
    due_from = days.DayFilter(method=days.since("due_at"), label="Due from")
    due_to = days.DayFilter(method=days.until("due_at"), label="Due to")
    record = NumberFilter(
        field_name="proposal", label="Proposal number", min_value=1, max_value=2**63 - 1
    )

    class Meta:
        model = FollowUp
        fields = ()

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        masked = self.request.scope is Scope.MASKED
        found = search.matching(Proposal.objects.all(), value, masked=masked)
        return rows.filter(proposal__in=found.values("pk"))

    def standing(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """See `qs`: it counts when nothing is said, too."""
        return rows

    @property
    def qs(self) -> QuerySet:
        rows = super().qs
        said = self._said
        if said == MISSED:
            return rows.missed(at=self.request.now or instant.now())
        return rows if said == "all" else rows.filter(state=said or FollowUpState.OPEN)

    @property
    def order(self) -> str:
        """What is open the soonest first; what is over the other way round."""
        return "-due_at" if self._said else "due_at"

    @property
    def is_used(self) -> bool:
        return any(self.data.get(name) for name in self.filters)

    @property
    def _said(self) -> str:
        return getattr(self.form, "cleaned_data", {}).get("state") or ""


@dataclass(frozen=True)
class Column:
    """The head of a column one can sort by: what a click asks for, and how it stands now."""

    sort: str
    direction: str = ""


def page(proposals: QuerySet, request: HttpRequest, order: str) -> tuple[paging.Page, bool]:
    """A page of these in this order, and whether more follow that no page number reaches."""
    name = order.lstrip("-")
    if name == "changed":
        return paging.page(proposals, request, PAGE_SIZE, by=f"{order}_at"), False
    field, down = _FIELDS[name], order.startswith("-")
    by = field.desc(nulls_last=True) if down else field.asc(nulls_last=True)
    number = _number(request)
    start = (number - 1) * PAGE_SIZE
    rows = list(proposals.order_by(by, "-pk")[start : start + PAGE_SIZE + 1])
    more = len(rows) > PAGE_SIZE
    further = more and number < MOST_PAGES
    shown = paging.Page(
        rows[:PAGE_SIZE],
        _url(request, number + 1) if further else "",
        _url(request, number - 1) if number > 1 else "",
    )
    return shown, more and not further


def columns(order: str) -> dict[str, Column]:
    """What each column's head asks for: its own order, or the other way round."""
    return {
        "title": _column(order, "title", first="title"),
        "amount": _column(order, "amount", first="-amount"),
        "follow_up": _column(order, "follow-up", first="follow-up"),
        "changed": _column(order, "changed", first=NEWEST),
    }


def _column(order: str, name: str, *, first: str) -> Column:
    if order.lstrip("-") != name:
        return Column(first)
    other = name if order.startswith("-") else f"-{name}"
    return Column(other, "descending" if order.startswith("-") else "ascending")


def _number(request: HttpRequest) -> int:
    asked = request.GET.get("page", "")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
    return min(max(number, 1), MOST_PAGES)


def _url(request: HttpRequest, number: int) -> str:
    query = request.GET.copy()
    query["page"] = str(number)
    return f"?{query.urlencode()}"
