"""What the demo company has agreed beyond the founding rows, and is about to agree."""

import copy
from datetime import datetime

from meshline.audit.actors import SETUP
from meshline.people import people
from meshline.people.models import User
from meshline.policy import high_value
from proposals.contracts import publishing, versions
from proposals.models import Contract
from proposals.tiers import Tier

# Above everything of the past weeks: a larger one, made on the demo page, is held for a look.
HIGH_VALUE = {"EUR": "100000", "USD": "110000"}
WHY = "Finance looks at every invoice before it goes out."


def agree(at: datetime) -> None:
    """Before anything happens: what follows a signature has the minutes that billing takes."""
    live = Contract.objects.live().get(slug="signed")
    content = {**versions.terms_of(live).content, "tier": Tier.MINUTES}
    publishing.put_in_force(slug=live.slug, content=content, by=SETUP, at=at)


def make(at: datetime) -> None:
    """Large proposals are held; Vera signs the operating model; and Olivia asks for a gate."""
    high_value.set_thresholds(HIGH_VALUE, by=SETUP, at=at)
    _let_sign("vera@example.com", at)
    _ask_for_a_gate("olivia@example.com", at)


def _let_sign(email: str, at: datetime) -> None:
    user = User.objects.get(email=email)
    people.change(
        user_id=user.pk, name=user.name, role=user.role, team=user.team, zone=user.zone,
        is_active=user.is_active, approves_model=True, by=SETUP, at=at,
    )  # fmt: skip


def _ask_for_a_gate(email: str, at: datetime) -> None:
    """A draft of what follows a signature, waiting for a second person."""
    author = User.objects.get(email=email)
    live = Contract.objects.live().get(slug="signed")
    content = copy.deepcopy(versions.terms_of(live).content)
    for row in content["outcomes"]:
        if row["name"] == "invoice":
            row["gate"] = {"who": "approvers", "within": 240}
    draft = publishing.save(
        slug=live.slug, content=content, note=WHY, based_on=live.version, revision=0, by=author,
        at=at,
    )  # fmt: skip
    publishing.submit(slug=live.slug, revision=draft.revision, by=author, at=at)
