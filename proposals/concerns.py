"""What a proposal's story puts before people: a ticket each, which ends when the story moves on."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from exceptions import troubles
from meshline.audit.actors import Someone
from meshline.policy import called
from proposals import billing, contradictions
from proposals.billing import PAYMENT_DISPUTED, PAYMENT_KEPT
from proposals.models import Proposal, Signal
from proposals.routing.assigning import BY_HAND, DRIFT, Assignment
from proposals.states import State
from proposals.story import Story

# Tickets for a record whose owner has it only for the time being.
OWNERLESS = {DRIFT, BY_HAND}
# In these the customer owes what was agreed.
_OWED = (State.SIGNED, State.INVOICED, State.CLOSED_WON)


def raise_and_settle(story: Story, *, at: datetime) -> None:
    """Open the tickets this batch of a story asks for, and settle those it makes right."""
    for signal, incoming in story.fresh:
        if signal.result == Signal.Result.REFUSED:
            troubles.open_ticket(_not_the_authority(story.proposal, signal), by=incoming.by, at=at)
        elif signal.kind == PAYMENT_DISPUTED and story.proposal.state != State.DISPUTED:
            troubles.open_ticket(_payment_disputed(story.proposal, signal), by=incoming.by, at=at)
        elif signal.kind == PAYMENT_KEPT:
            troubles.settle(
                subject=f"payment:{story.proposal.record}",
                kinds={"dispute"},
                because="The bank decided: the payment stands.",
                by=incoming.by,
                at=at,
            )
    last = story.fresh[-1][1]
    follow(story, by=last.by, at=at, led_from=last.origin)


def follow(
    story: Story, *, by: Someone, at: datetime, led_from: str, known: Collection[str] | None = None
) -> None:
    """The tickets that follow from how a story stands now, whatever led to it; `known` are the
    contradictions that have one, if that is not to be seen from the story itself."""
    if story.proposal.invoice_id and story.transitions:
        _look_for_an_invoice(story, by, at, led_from)
    contradictions.raise_and_settle(story, by=by, at=at, led_from=led_from, known=known)
    if not story.decided:
        return
    _, assignment = story.decided[-1]
    if story.had_temporary_owner:
        because = f"{assignment.owner.name} is the owner now."
        record = story.proposal.record
        troubles.settle(subject=record, kinds=OWNERLESS, because=because, by=by, at=at)
    if assignment.is_temporary:
        troubles.open_ticket(_role_drift(story.proposal, assignment, led_from), by=by, at=at)


def _look_for_an_invoice(story: Story, by: Someone, at: datetime, origin: str) -> None:
    """What is won is asked for: a voided invoice without another one is a ticket until there is."""
    proposal = story.proposal
    if proposal.state in _OWED and proposal.invoice_status == billing.VOID:
        troubles.open_ticket(_invoice_voided(proposal, origin), by=by, at=at)
        return
    because = (
        f"It is {State(proposal.state).label.lower()}, {proposal.invoice_status or 'invoiced'}."
    )
    subject, kinds = f"invoice:{proposal.record}", {"invoice-voided"}
    troubles.settle(subject=subject, kinds=kinds, because=because, by=by, at=at)


def _not_the_authority(proposal: Proposal, signal: Signal) -> troubles.Trouble:
    sender, said = called.of(signal.source), signal.get_target_display().lower()
    return troubles.Trouble(
        kind="not-the-authority",
        cause=f"authority:{signal.source}:{signal.target}:{proposal.record}",
        title=f"{sender} said {said} of {proposal}",
        reason=signal.why,
        subject=signal.ref,
        evidence={"signal": signal.pk, "said": signal.kind, "origin": signal.origin},
        led_from=signal.origin,
        **_about(proposal),
    )


def _payment_disputed(proposal: Proposal, signal: Signal) -> troubles.Trouble:
    """A customer wants paid money back; where the state does not say so, a ticket still does."""
    state = State(proposal.state).label.lower()
    return troubles.Trouble(
        kind="dispute",
        cause=f"payment-disputed:{proposal.record}",
        title=f"The payment for {proposal} is disputed",
        reason=f"{called.of(signal.source)} says that the customer disputes the payment; "
        f"it is {state}.",
        subject=f"payment:{proposal.record}",
        evidence={"signal": signal.pk, "said": signal.kind, "origin": signal.origin},
        led_from=signal.origin,
        **_about(proposal),
    )


def _invoice_voided(proposal: Proposal, origin: str) -> troubles.Trouble:
    state = State(proposal.state).label.lower()
    amount = proposal.amount_words or "no amount"
    return troubles.Trouble(
        kind="invoice-voided",
        cause=f"invoice-voided:{proposal.record}",
        title=f"The invoice of {proposal} was voided",
        reason=f"It is {state} over {amount}, but nothing asks the customer for it any more: "
        f"invoice {proposal.invoice_number or proposal.invoice_id} was voided.",
        subject=f"invoice:{proposal.record}",
        evidence={"invoice": proposal.invoice_id, "url": proposal.invoice_url, "origin": origin},
        led_from=origin,
        **_about(proposal),
    )


def _role_drift(proposal: Proposal, assignment: Assignment, origin: str) -> troubles.Trouble:
    named = assignment.facts["owner_named"]
    return troubles.Trouble(
        kind=assignment.trouble,
        cause=assignment.cause,
        title=assignment.drift.rstrip("."),
        reason=f"{assignment.drift} {assignment.owner.name} has it for the time being.",
        subject=proposal.record,
        evidence={"named": named, "temporary owner": assignment.owner.name, "origin": origin},
        # Whoever the rule leaves it to has the ticket as well.
        owner=assignment.owner if assignment.trouble == BY_HAND else None,
        led_from=origin,
        **_about(proposal),
    )


def _about(proposal: Proposal) -> dict[str, Any]:
    return {
        "record": proposal.record,
        "record_title": str(proposal),
        "connection": proposal.source,
        "amount": proposal.amount,
        "currency": proposal.currency,
    }
