"""Keeping the books of what is signed and not invoiced: what came, what is settled, by whom, how.

Looked at every minute: what is invoiced sooner than that was never open here.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from meshline.people.models import User
from proposals.models import Proposal, Transition
from proposals.states import State
from reconciliation import unbilled
from reconciliation.lacking import SIGNED, Lack
from reconciliation.models.unbilled import Unbilled

_CHANGES = ["lack", "amount", "currency"]
_ENDS = ["settled_at", "settled_by", "settled_how"]


@transaction.atomic
def keep(*, at: datetime) -> None:
    """Bring the books in line with what is so now."""
    now = {row.pk: row for row in unbilled.rows()}
    kept = {one.proposal_id: one for one in Unbilled.objects.open().select_for_update()}
    _open([row for pk, row in now.items() if pk not in kept])
    _change([(one, now[pk]) for pk, one in kept.items() if pk in now])
    settle([one for pk, one in kept.items() if pk not in now], at=at)


def note(proposal: Proposal, did: str, *, by: User, at: datetime) -> None:
    """Somebody did something about it; where that settles it already, it is settled by that."""
    keep_one(proposal)
    mine = Unbilled.objects.open().filter(proposal=proposal)
    mine.update(act=did[:300], act_by=by.name, act_at=at)
    left = unbilled.one(proposal.pk)
    if left is None:
        settle(list(mine), at=at)
    else:
        _change([(one, left) for one in mine])


def keep_one(proposal: Proposal) -> None:
    """It stands in the books, also where nobody looked since it came."""
    row = unbilled.one(proposal.pk)
    if row is not None and not Unbilled.objects.open().filter(proposal=proposal).exists():
        _open([row])


def settle(over: list[Unbilled], *, at: datetime) -> None:
    """These lack nothing any more: by what somebody did here, else by what changed them last."""
    last = _last_changes(one.proposal_id for one in over)
    proposals = Proposal.objects.in_bulk([one.proposal_id for one in over])
    for one in over:
        one.settled_at = at
        one.settled_by, one.settled_how = _ended(one, proposals[one.proposal_id], last)
    Unbilled.objects.bulk_update(over, _ENDS)


def _open(rows: Iterable[Any]) -> None:
    Unbilled.objects.bulk_create(
        [
            Unbilled(
                proposal_id=row.pk, opened_at=row.signed_at, lack=row.lacks,
                amount=row.open_amount, currency=row.currency,
            )
            for row in rows
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def _change(pairs: Iterable[tuple[Unbilled, Any]]) -> None:
    changed = []
    for one, row in pairs:
        told = (row.lacks, row.open_amount, row.currency)
        if (one.lack, one.amount, one.currency) != told:
            one.lack, one.amount, one.currency = told
            changed.append(one)
    Unbilled.objects.bulk_update(changed, _CHANGES)


def _last_changes(proposals: Iterable[int]) -> dict[int, Transition]:
    rows = Transition.objects.filter(proposal__in=list(proposals)).order_by("proposal", "-version")
    return {one.proposal_id: one for one in rows.distinct("proposal")}


def _ended(
    one: Unbilled, proposal: Proposal, last: dict[int, Transition]
) -> tuple[str, str]:  # fmt: skip
    """Who settled it, and how."""
    change = last.get(proposal.pk)
    if one.act:
        return one.act_by, f"{one.act}: {_stands(one, proposal)}"[:300]
    return (change.by_label if change else ""), _stands(one, proposal)


def _stands(one: Unbilled, proposal: Proposal) -> str:
    """How it stands by now, in words."""
    if proposal.state not in SIGNED:
        is_signed = one.lack != Lack.UNSIGNED
        state = State(proposal.state).label.lower()
        return f"It is {state}, and waits for no invoice." if is_signed else f"It is {state}."
    invoice = proposal.invoice_number or proposal.invoice_id
    status = proposal.invoice_status or "told"
    return f"invoice {invoice} is {status}" if invoice else "it asks for no amount"
