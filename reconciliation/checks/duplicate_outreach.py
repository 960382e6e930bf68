"""Was the same person asked twice within a few days?"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db.models import Count
from django.db.models.functions import Lower, Trim

from proposals.models import Outcome
from reconciliation.checks.check import Check, Failing, Finding

# Nobody is contacted again within this time (the product's own number), and how far one looks back.
INTERVAL = timedelta(hours=72)
BACK = timedelta(days=7)
# What makes somebody here get in touch with a customer.
_OUTREACH = ("task.create",)


def look(at: datetime) -> Finding:
    """People who were to be contacted in the last 7 days, and the tasks for another proposal of
    theirs less than 72 hours after one."""
    asked = (
        Outcome.objects.filter(kind__in=_OUTREACH, proven_at__gt=at - BACK, proven_at__lte=at)
        .exclude(proposal__contact_email="")
        .annotate(person=Lower(Trim("proposal__contact_email")))
        .order_by()
    )
    people = asked.values("person")
    often = people.annotate(n=Count("proposal", distinct=True)).filter(n__gt=1).values("person")
    rows = asked.filter(person__in=often).select_related("proposal").order_by("person", "proven_at")
    return Finding.of(people.distinct().count(), _too_soon(list(rows)))


def _too_soon(rows: list[Any]) -> Iterator[Failing]:
    for before, after in pairwise(rows):
        is_other = before.proposal_id != after.proposal_id
        is_soon = after.proven_at - before.proven_at < INTERVAL
        if before.person == after.person and is_other and is_soon:
            why = (
                f"Somebody was asked to contact the same person for “{before.proposal.title}” "
                "less than 72 hours before."
            )
            yield Failing(after.ref, after.proposal.title, why, after.record)


CHECK = Check(
    "duplicate-outreach", "Duplicate outreach",
    "Nobody is contacted twice within 72 hours.",
    "People for whom a task was made in the last 7 days, by their e-mail; failing is each task "
    "made for another proposal less than 72 hours after one for the same person.",
    timedelta(minutes=15), look,
    "Let one person follow up for both; then see which contracts ask for it at once.",
    grave_from=10,
)  # fmt: skip
