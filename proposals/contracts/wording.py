"""Filling a contract's texts: plain `{name}` substitution over an allow-list, nothing else."""

import re
from datetime import datetime
from typing import Any

from proposals.models import Proposal
from proposals.states import State

_PLACE = re.compile(r"\{([a-z_]+)\}")


def names(proposal: Proposal) -> dict[str, str]:
    """What a text may name (terms.PLACES), and what it says for this proposal."""
    return {
        "title": str(proposal),
        "state": State(proposal.state).label.lower(),
        "amount": proposal.amount_words or "no amount",
        "owner": proposal.owner.name,
        "contact": proposal.contact_name or proposal.contact_email or "the customer",
        "invoice": proposal.invoice_number or proposal.invoice_id or "no invoice",
        "invoiced": proposal.invoiced_words or "no amount",
    }


def fill(
    params: dict[str, Any], proposal: Proposal, *, due_at: datetime | None = None
) -> dict[str, Any]:
    """A contract's parameters with their texts filled in for this proposal, as of now."""
    known = names(proposal)
    filled = {name: _filled(value, known) for name, value in params.items()}
    filled["owner_email"] = _owner_of(proposal)
    if due_at:
        filled["due_at"] = due_at.isoformat()
    return filled


def content(proposal: Proposal) -> dict[str, Any]:
    """What a mirror of the proposal in another system shows: all that must be equal there."""
    return {
        "title": str(proposal),
        "state": proposal.state,
        "amount": str(proposal.amount) if proposal.amount is not None else "",
        "currency": proposal.currency,
        "owner_email": _owner_of(proposal),
        "proposal": ":".join(proposal.known_as),
        "invoice_id": proposal.invoice_id,
        "invoice_status": proposal.invoice_status,
        "invoice_url": proposal.invoice_url,
    }


def facts(proposal: Proposal) -> dict[str, Any]:
    """What an outcome takes along that tells of the proposal itself, its contact included."""
    contact = {"contact_name": proposal.contact_name, "contact_email": proposal.contact_email}
    return content(proposal) | contact


def _owner_of(proposal: Proposal) -> str:
    """What is synthetic is put before nobody."""
    return "" if proposal.is_synthetic else proposal.owner.email


def _filled(value: Any, known: dict[str, str]) -> Any:
    if not isinstance(value, str):
        return value
    return _PLACE.sub(lambda place: known.get(place.group(1), place.group(0)), value)
