"""What goes wrong with an outcome, before people: given up, late, or waiting behind another.

A ticket hangs on the cause, so that an outage is one ticket for all that waits for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.urls import reverse

from exceptions import troubles
from meshline.audit.actors import part
from meshline.policy import called
from proposals.contracts import failing, sentences
from proposals.models import Outcome
from proposals.models.outcome import WAITING, State

CARRIER = part("carrier", "The carrier")
# The failure of an outcome that was delivered and cannot be read back.
UNPROVEN = "unproven"
# What says something about the connection, rather than about one request: whatever waits for it
# fails of one cause, of whichever contract it is.
OF_THE_CONNECTION = {"unavailable", "throttled", "garbled"}
_OF_NO_CONTRACT = {"", "credentials", "no-connection", *OF_THE_CONNECTION}
SAFE_AGAIN = (
    "Carries every outcome on this ticket again now, each under its own key: nothing happens twice."
)


@dataclass(frozen=True)
class Held:
    """Why nothing goes out to a connection for now, and the ticket that says so."""

    kind: str
    cause: str
    why: str
    # Whose owners answer for it: the connection's.
    process: str


def open_late_tickets(
    *, at: datetime, held: Mapping[str, Held] | None = None, most: int = 200
) -> int:
    """A ticket for what is unproven beyond its tier's budget; retries go on behind it.

    What waits for a connection that is `held` hangs on the ticket that says why.
    """
    late = Outcome.objects.late(at=at).order_by("budget_ends_at", "pk").values_list("pk", flat=True)
    return sum(_open_late_ticket(pk, held or {}, at) for pk in late[:most])


def in_front_of(outcome: Outcome) -> Outcome | None:
    """The earlier outcome of the same record and connection that holds this one back, if any."""
    return (
        Outcome.objects.filter(
            proposal=outcome.proposal_id, connection=outcome.connection, pk__lt=outcome.pk,
            state__in=WAITING, delivered_at=None,
        )
        .order_by("pk")
        .first()
    )  # fmt: skip


@transaction.atomic
def _open_late_ticket(outcome_id: int, held: Mapping[str, Held], at: datetime) -> bool:
    outcome = (
        Outcome.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("proposal__owner__team")
        .filter(pk=outcome_id, ticketed_at=None)
        .exclude(state__in=[State.PROVEN, State.CANCELLED, State.GIVEN_UP])
        .first()
    )
    if outcome is None:
        return False
    if (why := held.get(outcome.connection)) and outcome.state != State.LEASED:
        because = f"{_budget(outcome)} {why.why}"
        open_ticket(outcome, why.kind, because, at, cause=why.cause, process=why.process)
        return True
    kind, because, of = _lateness(outcome)
    open_ticket(outcome, kind, because, at, of=of)
    return True


def _budget(outcome: Outcome) -> str:
    return f"It was to be proven within the {outcome.tier} tier's budget and is not."


def _lateness(outcome: Outcome) -> tuple[str, str, Outcome]:
    """What kind of ticket a late outcome is, its reason in plain words, and whose failure it is."""
    budget = _budget(outcome)
    if outcome.delivered_at or outcome.failure == UNPROVEN:
        because = f"{budget} It was delivered, but cannot be read back."
        return "proof-missing", because, outcome
    if not outcome.connection:
        because = f"{budget} No connection plays the part of {sentences.part(outcome.target)} yet."
        return "delivery-failed", because, outcome
    holder = in_front_of(outcome)
    if holder:
        because = f"{budget} It waits behind {holder.name}: {holder.last_error}"
        return "delivery-failed", because, holder
    because = f"{budget} {outcome.last_error or 'It has not been carried yet.'}"
    return "delivery-failed", because, outcome


def open_ticket(
    outcome: Outcome, kind: str, because: str, at: datetime, *, cause: str = "", again: str = "",
    process: str = "", of: Outcome | None = None,
) -> None:  # fmt: skip
    """A ticket for one outcome, or one more on the ticket of the same cause. `again` says what a
    retry may do, if more than usual; `of` whose failure it is, where it waits behind another.

    Of what is synthetic its canary tells, with a ticket of its own.
    """
    if outcome.is_synthetic:
        return
    proposal, contract = outcome.proposal, outcome.contract
    where = outcome.connection or outcome.target
    # What is one outage for many contracts stays one ticket, as whoever met it says.
    path = {"process": process} | ({} if cause else failing.path(contract) | _parts(of or outcome))
    kind = kind if cause else failing.kind_of(contract, kind)
    failure = (of or outcome).failure or "late"
    troubles.open_ticket(
        troubles.Trouble(
            kind=kind,
            cause=cause or f"{kind}:{where}:{failure}{failing.mark(contract)}",
            title=f"{called.of(where)}: {outcome.name.replace('-', ' ')} of {proposal}",
            reason=because,
            subject=outcome.ref,
            evidence=_evidence(outcome),
            record=proposal.record,
            record_title=str(proposal),
            connection=outcome.connection,
            amount=proposal.amount,
            currency=proposal.currency,
            remedies=[
                {
                    "label": "Retry",
                    "explains": again or SAFE_AGAIN,
                    "url_name": "connectors:retry-ticket",
                    "args": ["ticket"],
                }
            ],
            led_from=f"signal:{outcome.signal_id}",
            **path,
        ),
        by=CARRIER,
        at=at,
    )
    Outcome.objects.filter(pk=outcome.pk).update(ticketed_at=at)


def _parts(outcome: Outcome) -> dict[str, str]:
    """What its cause is made of: its failure, and of one request's also which one it is."""
    parts = {"failure": outcome.failure or "late"}
    if outcome.failure in _OF_NO_CONTRACT:
        return parts
    return parts | {"contract": outcome.contract.slug, "step": outcome.name}


def _evidence(outcome: Outcome) -> dict:
    return {
        "outcome": outcome.pk,
        "what": outcome.kind,
        "key": outcome.key,
        "attempts": outcome.attempts,
        "last error": outcome.last_error,
        "payload": outcome.params,
        "page": reverse("connectors:outcome", args=[outcome.pk]),
    }
