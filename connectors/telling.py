"""Telling people here, set-based: carrying a notice is a row of our own, and so is its proof."""

import logging
import time
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, transaction

from connectors import registry
from connectors.models import DeliveryAttempt
from meshline import bulk, instant
from meshline.notices import notices
from meshline.notices.notices import News
from meshline.people.models import User
from proposals import outbox
from proposals.models import Outcome, Proposal
from proposals.outbox import LeaseLost

log = logging.getLogger(__name__)


def tell_batch(*, most: int = 10) -> tuple[int, list[Outcome]]:
    """Tell up to `most` due notices in one transaction: how many, and what is to be carried alone.

    Alone goes what is out of the ordinary (nobody by that e-mail, no longer wanted, died on the
    way before), and everything when the batch fails.
    """
    taken = outbox.claim_all(
        [registry.PEOPLE.slug], lease_seconds=settings.LEASE_SECONDS, most=most
    )
    if not taken:
        return 0, []
    people = _people(taken)
    plain = [outcome for outcome in taken if _is_plain(outcome, people)]
    alone = [outcome for outcome in taken if outcome not in plain]
    try:
        _tell(plain, people, instant.now())
    except DatabaseError:
        # Their leases lapse by themselves, and the next claim finds them.
        log.exception("The database failed while %d people were told", len(plain))
    except LeaseLost as error:
        log.warning("%s", error)
    except Exception:
        log.exception("A batch of %d notices failed; each is carried alone", len(plain))
        return 0, alone + outbox.again(plain)
    return len(plain), alone


@transaction.atomic
def _tell(outcomes: list[Outcome], people: dict[str, User], at: datetime) -> None:
    if not outcomes:
        return
    started = time.monotonic()
    about = Proposal.objects.in_bulk({outcome.proposal_id for outcome in outcomes})
    told = notices.tell_all(
        [
            News(
                people[o.params["owner_email"]],
                o.params["subject"],
                o.key,
                o.params["url"],
                record=o.record,
                record_title=str(about[o.proposal_id]),
            )
            for o in outcomes
        ],
        at=at,
    )
    evidence = {}
    for outcome in outcomes:
        outcome.external_id = str(told[outcome.key])
        name = people[outcome.params["owner_email"]].name
        evidence[outcome.pk] = f"The notice is in front of {name}."
    outbox.mark_all_proven(outcomes, evidence, at=at)
    seconds = (time.monotonic() - started) / len(outcomes)
    bulk.insert([_attempt(outcome, evidence[outcome.pk], seconds, at) for outcome in outcomes])


def _attempt(outcome: Outcome, result: str, seconds: float, at: datetime) -> DeliveryAttempt:
    return DeliveryAttempt(
        outcome=outcome, connection=outcome.connection, number=max(outcome.attempts, 1), at=at,
        seconds=seconds, succeeded=True, result=result,
    )  # fmt: skip


def _people(outcomes: list[Outcome]) -> dict[str, User]:
    emails = {outcome.params.get("owner_email", "") for outcome in outcomes}
    return {user.email: user for user in User.objects.filter(email__in=emails)}


def _is_plain(outcome: Outcome, people: dict[str, User]) -> bool:
    return (
        outcome.params.get("owner_email") in people
        and outcome.unwanted_at is None
        and outcome.crashes == 0
        and outcome.delivered_at is None
    )
