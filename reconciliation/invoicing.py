"""What a person does about a signed proposal that is not invoiced: have one made, or link one.

Making goes by what there is: the outcome that was promised is let go or carried again; only where
none was promised it is, under the key it would have had. So no customer is billed twice.
"""

from datetime import datetime
from typing import Any

from django.db import transaction

from connectors import adopting, judging, retrying
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from proposals.contracts import approvals, by_hand
from proposals.models import Approval, Outcome, Proposal
from reconciliation import unbilled, unbilled_books
from reconciliation.lacking import Lack

# What making one is called, where it can be made at all.
LABELS = {
    Lack.UNPROMISED: "Promise it",
    Lack.CALLED_OFF: "Promise it again",
    Lack.GATE: "Approve it",
    Lack.GIVEN_UP: "Carry it again",
    Lack.CARRIED: "Carry it now",
}
_NEEDS = {
    Lack.UNPROMISED: Permission.OVERRIDE_PROPOSAL,
    Lack.CALLED_OFF: Permission.OVERRIDE_PROPOSAL,
    Lack.GATE: Permission.APPROVE_GATES,
    Lack.GIVEN_UP: Permission.RETRY_OUTCOME,
    Lack.CARRIED: Permission.RETRY_OUTCOME,
}
_NOT_MADE = {
    Lack.ON_HOLD: "The proposal is on hold; lift that first.",
    Lack.UNTOLD: "Billing made one already. Look it up there; another would bill twice.",
    Lack.DRAFT: "There is one already, a draft: finalise or delete it in billing.",
    Lack.VOID: "One was made and voided. Issue another in billing that names the proposal.",
    Lack.AMOUNT: "There is one already. Correct it in billing, or link what it lacks.",
    Lack.CURRENCY: "There is one already, in another currency. Correct it in billing.",
    Lack.UNSIGNED: "It is not signed: there is nothing to invoice yet.",
}
_NOT_LINKED = {
    Lack.UNTOLD: "Billing made one already; another would bill twice.",
    Lack.DRAFT: "There is one already, a draft: finalise or delete it in billing.",
    Lack.UNSIGNED: "It is not signed: there is nothing to invoice yet.",
}


class CannotInvoice(Exception):
    """Why nothing is made or linked, as a sentence."""


def asks_reason(lack: Lack) -> bool:
    """Whether making it takes a reason: where nothing and nobody asked for it."""
    return _NEEDS.get(lack) is Permission.OVERRIDE_PROPOSAL


def refusal_to_create(lack: Lack, user: User) -> str:
    """Why this person does not have it made; empty where they may."""
    if why := _NOT_MADE.get(lack):
        return why
    return permissions.refusal_for(user, _NEEDS[lack])


def refusal_to_link(lack: Lack, user: User) -> str:
    """Why this person links no invoice to it; empty where they may."""
    return _NOT_LINKED.get(lack) or permissions.refusal_for(user, Permission.DECIDE_VALUE)


@transaction.atomic
def create(*, proposal_id: int, reason: str, by: User, at: datetime) -> str:
    """Have its invoice made; what was done, as a sentence.

    Raises CannotInvoice, NotAllowed, ValueError without a reason where it takes one, and what the
    verbs raise that let go, carry again and promise.
    """
    row = _held(proposal_id)
    lack = Lack(row.lacks)
    if why := _NOT_MADE.get(lack):
        raise CannotInvoice(why)
    permissions.check(by, _NEEDS[lack])
    did = _make(row, lack, reason, by, at)
    unbilled_books.note(row, did, by=by, at=at)
    return f"{did}."


@transaction.atomic
def link(*, proposal_id: int, invoice: str, reason: str, by: User, at: datetime) -> str:
    """Link an invoice that billing has to it; what was done, as a sentence.

    Raises CannotInvoice, NotAllowed, ValueError and CannotLink.
    """
    row = _held(proposal_id)
    if why := _NOT_LINKED.get(Lack(row.lacks)):
        raise CannotInvoice(why)
    unbilled_books.keep_one(row)
    found = adopting.adopt(
        proposal=row, invoice=invoice, expected=row.open_amount, reason=reason, by=by, at=at
    )
    did = f"Invoice {found.number} was linked"
    unbilled_books.note(row, did, by=by, at=at)
    return f"{did}."


# --- Underneath ------------------------------------------------------------------------------
def _held(proposal_id: int) -> Any:
    """What it lacks, of the proposal held until the end of the transaction."""
    Proposal.objects.select_for_update(no_key=True).get(pk=proposal_id)
    row = unbilled.one(proposal_id)
    if row is None:
        raise CannotInvoice("Nothing is missing by now: it is invoiced as it was signed.")
    return row


def _make(row: Any, lack: Lack, reason: str, by: User, at: datetime) -> str:
    if lack in (Lack.UNPROMISED, Lack.CALLED_OFF):
        by_hand.promise(proposal_id=row.pk, kind=unbilled.INVOICE, reason=reason, by=by, at=at)
        return "The invoice was promised by hand"
    if lack is Lack.GATE:
        return _approve(row, reason, by, at)
    if lack is Lack.GIVEN_UP and (why := _lacking(row.made_id)):
        raise CannotInvoice(why)
    retrying.retry_outcome(outcome_id=row.made_id, by=by, at=at)
    return "The invoice was sent on its way again"


def _lacking(outcome_id: int) -> str:
    """Why it would be given up again as it is; empty where nothing is missing in it."""
    outcomes = Outcome.objects.select_related("contract", "proposal")
    return judging.lacking(outcomes.get(pk=outcome_id))


def _approve(row: Any, comment: str, by: User, at: datetime) -> str:
    waiting = Approval.objects.filter(outcome=row.made_id, decided_at=None).first()
    if waiting is None:
        raise CannotInvoice("It waits for no approval by now; look again.")
    approvals.approve(approval_id=waiting.pk, comment=comment, by=by, at=at)
    return "The invoice was approved"
