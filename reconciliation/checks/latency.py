"""Is a path as fast as its tier promises, as its canaries find it?"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from meshline.web import words
from proposals.tiers import BUDGET, Tier
from reconciliation.checks.check import Check, Failing, Finding
from reconciliation.models.canaries import Canary, Probe

BACK = timedelta(days=1)
# Of fewer a 95th percentile says nothing (the product's own number).
AT_LEAST = 20


def look(at: datetime) -> Finding:
    """Paths with enough canaries of the last day, and those of which the 95th percentile is over
    what the connection's tier allows from accepted to proven; to routed, where that is the end."""
    tried = [(one, spans) for one in _on() if len(spans := _spans(one, at)) >= AT_LEAST]
    return Finding.of(len(tried), _failing(tried))


def p95(spans: list[timedelta]) -> timedelta:
    """What 95 of 100 stay within."""
    ordered = sorted(spans)
    return ordered[-(-95 * len(ordered) // 100) - 1]


def _on() -> list[Canary]:
    rows = Canary.objects.filter(is_on=True).select_related("connection")
    return list(rows.order_by("connection__name", "pk"))


def _spans(canary: Canary, at: datetime) -> list[timedelta]:
    passed = canary.probes.filter(state=Probe.State.PASSED, begun_at__gt=at - BACK)
    times = (
        (one.received_at, one.proven_at if one.reaches_crm else one.routed_at)
        for one in passed.filter(begun_at__lte=at).order_by("pk")
    )
    return [there - received for received, there in times if received and there]


def _failing(tried: list[tuple[Canary, list[timedelta]]]) -> Iterator[Failing]:
    for canary, spans in tried:
        tier = Tier(canary.connection.tier)
        if (found := p95(spans)) > BUDGET[tier]:
            why = (
                f"95 of 100 were through within {words.span(found)}, of {len(spans)}; the tier "
                f"{tier} allows {words.span(BUDGET[tier])}."
            )
            yield Failing(f"connection:{canary.connection.slug}", str(canary), why)


CHECK = Check(
    "latency", "Synthetic latency",
    "Every path is as fast as its tier promises.",
    "Paths of which at least 20 canaries went the whole way in the last day; failing are those "
    "of which the 95th percentile, from accepted to proven (routed, where the CRM is asked for "
    "nothing), is over the connection's tier.",
    timedelta(minutes=15), look,
    "See on the canary's page which leg takes the time: translated is the workers', carried and "
    "proven the CRM's.",
)  # fmt: skip
