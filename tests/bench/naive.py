"""The naive way: one event's state, trail line and outcomes by the ORM, a transaction each."""

import random
from datetime import timedelta
from functools import lru_cache
from uuid import uuid4

from django.db import transaction

from meshline import instant
from meshline.audit.models import TrailLine
from proposals.models import Contract, Outcome, Proposal
from proposals.tiers import Tier


@transaction.atomic
def naive_event_in_a_transaction() -> None:
    naive_event()


@lru_cache(maxsize=1)
def _proposals() -> list[int]:
    return list(Proposal.objects.values_list("pk", flat=True)[:1000])


def _some_proposal() -> int:
    return random.choice(_proposals())


def naive_event() -> None:
    """Change a proposal's state, write one trail line and three outcomes: what ours does, bare."""
    at = instant.now()
    proposal = Proposal.objects.select_for_update().get(pk=_some_proposal())
    contract = Contract.objects.filter(is_live=True).first()
    proposal.version += 1
    proposal.changed_at = at
    proposal.save(update_fields=["version", "changed_at"])
    TrailLine.objects.create(
        at=at, actor_kind="bench", actor_id="1", actor_label="Bench", what="bench.moved",
        subject_kind="proposal", subject_id=str(proposal.pk), record=proposal.record,
    )  # fmt: skip
    for name in ("deal", "follow-up", "tell-owner"):
        Outcome.objects.create(
            proposal=proposal, contract=contract, name=name, kind="bench", target="bench",
            connection="bench", key=str(uuid4()), tier=Tier.MINUTES, tier_rank=1, promised_at=at,
            budget_ends_at=at + timedelta(minutes=5), next_attempt_at=at,
        )  # fmt: skip
