"""The versions of contracts, read as rules want them: those in force, now or when it began."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from proposals.contracts import promises
from proposals.contracts.promises import ContractSpec
from proposals.contracts.terms import Terms
from proposals.models import Contract
from proposals.states import State
from proposals.story import Story
from proposals.tiers import Tier


def newest() -> int | None:
    """The id that stands for the contracts of this moment; what comes in now keeps it."""
    return Contract.objects.order_by("-pk").values_list("pk", flat=True).first()


def newest_at(moment: datetime) -> int | None:
    """The id that stood for the contracts of that moment."""
    published = Contract.objects.filter(published_at__lte=moment)
    return published.order_by("-pk").values_list("pk", flat=True).first()


def live() -> list[ContractSpec]:
    """What counts for whatever comes in now."""
    return [spec_of(contract) for contract in Contract.objects.live().order_by("slug")]


def governing(stories: Iterable[Story]) -> list[ContractSpec]:
    """Every version under which something in these stories began, or would begin now."""
    unders = {
        episode.under for story in stories for episode in story.told.episodes if episode.events
    }
    known = [under for under in unders if under is not None]
    current = Q(replaced_by=None)
    in_force = current | Q(replaced_by__gt=min(known)) if known else current
    rows = Contract.objects.filter(in_force, is_retired=False).order_by("slug", "version")
    return [spec_of(contract) for contract in rows]


def spec_of(contract: Contract) -> ContractSpec:
    """A version as the rules know it."""
    return ContractSpec(
        id=contract.pk,
        slug=contract.slug,
        trigger=State(contract.trigger),
        outcomes=tuple(promises.spec_from(row) for row in contract.outcomes),
        condition=promises.condition_from(contract.condition),
        tier=Tier(contract.tier) if contract.tier else None,
        since=contract.pk,
        until=contract.replaced_by_id,
    )


def terms_of(contract: Contract) -> Terms:
    """What a version says."""
    return Terms(
        name=contract.name, trigger=State(contract.trigger), outcomes=contract.outcomes,
        condition=contract.condition, tier=contract.tier, retry=contract.retry,
        owner=contract.owner, ticket=contract.ticket, severity=contract.severity,
    )  # fmt: skip


def proposed(terms: Terms, *, slug: str) -> ContractSpec:
    """What is not published yet, as the rules would know it."""
    return ContractSpec(
        id=0,
        slug=slug,
        trigger=terms.trigger,
        outcomes=tuple(promises.spec_from(row) for row in terms.outcomes),
        condition=promises.condition_from(terms.condition),
        tier=Tier(terms.tier) if terms.tier else None,
    )
