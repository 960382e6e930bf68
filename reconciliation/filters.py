"""What of the differences is asked for, in the URL."""

from typing import Any

from django.db.models import Q, QuerySet
from django_filters import CharFilter, ChoiceFilter, FilterSet, NumberFilter

from connectors.models import Connection
from exceptions.kinds import Severity
from meshline.web.forms import CleanText
from reconciliation.kinds import KINDS
from reconciliation.models import Divergence, DivergenceQuerySet, Sort

UNSETTLED = "unsettled"
_STATES = [(UNSETTLED, "Not gone"), *Divergence.State.choices]
_SEVERITIES = [(one.value, one.label) for one in Severity if one is not Severity.CRITICAL]


class _Words(CharFilter):
    field_class = CleanText


def _connections() -> list[tuple[str, str]]:
    systems = {kind.system for kind in KINDS.values()}
    named = Connection.objects.filter(system__in=systems).order_by("name")
    return list(named.values_list("slug", "name"))


def _kinds() -> list[tuple[str, str]]:
    return [(kind.name, kind.many.capitalize()) for kind in KINDS.values()]


def _fields() -> list[tuple[str, str]]:
    labels = {one.name: one.label for kind in KINDS.values() for one in kind.fields}
    named = [(name, label[:1].upper() + label[1:]) for name, label in labels.items()]
    return [("record", "The whole record"), *named, ("proposal", "Which proposal it names")]


class DivergenceFilter(FilterSet):
    """Narrows differences; without a state to those that are not gone."""

    q = _Words(method="search", label="Proposal, id or value", max_length=200)
    connection = ChoiceFilter(
        field_name="connection__slug", choices=_connections, empty_label="Any connection",
        label="Connection",
    )  # fmt: skip
    kind = ChoiceFilter(choices=_kinds, empty_label="Any record", label="Record")
    sort = ChoiceFilter(choices=Sort.choices, empty_label="Any difference", label="Difference")
    field = ChoiceFilter(method="of_field", choices=_fields, empty_label="Any field")
    severity = ChoiceFilter(choices=_SEVERITIES, empty_label="Any severity")
    state = ChoiceFilter(method="in_state", choices=_STATES, empty_label="Not gone", label="State")
    # Exactly those that a run found.
    run = NumberFilter(field_name="sightings__run", min_value=1, max_value=2**31 - 1, label="Run")

    class Meta:
        model = Divergence
        fields = ()

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        named = Q(proposal__title__icontains=value) | Q(external_id__icontains=value)
        return rows.filter(named | Q(ours__icontains=value) | Q(theirs__icontains=value))

    def of_field(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(field="" if value == "record" else value)

    def in_state(self, rows: DivergenceQuerySet, name: str, value: str) -> QuerySet:
        return rows.unsettled() if value == UNSETTLED else rows.filter(state=value)

    def filter_queryset(self, queryset: Any) -> Any:
        found = super().filter_queryset(queryset)
        is_said = self.form.cleaned_data.get("state") or self.form.cleaned_data.get("run")
        return found if is_said else found.unsettled()

    @property
    def is_used(self) -> bool:
        return any(self.data.get(name) for name in self.filters)

    @property
    def words(self) -> str:
        """What it narrows to, as the URL says it."""
        return "&".join(f"{name}={self.data[name]}" for name in self.filters if self.data.get(name))
