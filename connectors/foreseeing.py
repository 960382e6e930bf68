"""What letting a forced effect go would do, for the second person to see; then exactly that."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from connectors import holding, judging, replay_facts, showing
from connectors.replay_words import Verdict
from connectors.replaying import Moved
from meshline.people.models import User
from meshline.policy import called
from proposals import forcing
from proposals.models import ForcedEffect, Outcome


@dataclass(frozen=True)
class Foresight:
    """What would be done and under which key, what stands against it; what the old one has come
    to, and what changed since it was promised."""

    verdict: Verdict
    sentence: str
    why: str
    old: list[str]
    changed: list[str]

    @property
    def fingerprint(self) -> str:
        """Equal for two that say the same."""
        told = [self.verdict, self.sentence, self.why, self.old, self.changed]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def look(asked: ForcedEffect, *, by: User, at: datetime) -> Foresight:
    """What it would do; nothing of it is kept. Raises what letting it go raises."""
    with transaction.atomic():
        _, ahead = _let_go(asked.pk, "", by, at)
        transaction.set_rollback(True)
    return ahead


@transaction.atomic
def approve(*, asked_id: int, shown: str, comment: str, by: User, at: datetime) -> ForcedEffect:
    """Let go what was shown. Raises Moved where it would be something else by now."""
    asked, ahead = _let_go(asked_id, comment, by, at)
    if ahead.fingerprint != shown:
        raise Moved
    return asked


def _let_go(asked_id: int, comment: str, by: User, at: datetime) -> tuple[ForcedEffect, Foresight]:
    # As they stand from here on: what was read before they are held may be over by then.
    old = forcing.held(asked_id).outcome
    stood, changed = _stands(old), judging.changed(old, replay_facts.of([old]))
    asked = forcing.approve(asked_id=asked_id, comment=comment, by=by, at=at)
    made = Outcome.objects.select_related("contract", "proposal").get(forced_by=asked)
    held = holding.reason(made, at=at)
    verdict = Verdict.BLOCKED if held else Verdict.FIRES
    why = f"It is promised, and waits: {held.why}" if held else "It goes out at once."
    sentence = f"{showing.says(made.kind)}{_where(made)}, under the new key {made.key}"
    return asked, Foresight(verdict, sentence, why, stood, changed)


def _stands(old: Outcome) -> list[str]:
    """What became of it under its old key."""
    tries = "1 attempt" if old.attempts == 1 else f"{old.attempts} attempts"
    told = [f"Under {old.key}: {old.get_state_display().lower()}, {tries}."]
    if old.external_id:
        told.append(f"It was there as {old.external_id}.")
    if old.last_error:
        told.append(f"Last answer: {old.last_error}")
    return told


def _where(outcome: Outcome) -> str:
    return f" in {called.of(outcome.connection)}" if outcome.connection else ""
