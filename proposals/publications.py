"""Who hears that something of the model was published here: whoever works by it, once a version."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse

from meshline.audit.actors import SETUP
from meshline.notices import tidings
from meshline.people.models import User
from proposals.models import Contract, RoutingRules

# What was published longer ago was told then, or is news no more.
RECENTLY = timedelta(hours=1)


@dataclass(frozen=True)
class Source:
    """A table of published versions: who published one, and the page it is read on."""

    model: type[Contract] | type[RoutingRules]
    publisher: str
    page: str


# Versions of either kind are rows with `published_at` and `is_live`.
_SOURCES = [
    Source(Contract, "published_by", "proposals:contracts"),
    Source(RoutingRules, "approver", "proposals:routing"),
]


def tell(*, at: datetime) -> None:
    """Tell of what was published since the last look; looking again tells nobody twice."""
    for source in _SOURCES:
        fresh = source.model.objects.filter(
            is_live=True, published_at__gt=at - RECENTLY, published_at__lte=at
        )
        for version in fresh.exclude(**{source.publisher: SETUP.actor_label}).order_by("pk"):
            _tell_of(source, version, at)


def _tell_of(source: Source, version: Contract | RoutingRules, at: datetime) -> None:
    label = getattr(version, source.publisher)
    tidings.published(
        str(version),
        key=f"{source.model.__name__.lower()}:{version.pk}:published",
        url=reverse(source.page),
        by_label=label,
        by=_person(label),
        at=at,
    )


def _person(label: str) -> User | None:
    """The person behind the label; they need not be told."""
    name = label.rpartition(" (")[0]
    return User.objects.active().filter(name=name).first() if name else None
