"""Where a value comes from: the signal that told each field of a proposal, and of an outcome."""

import re
from datetime import datetime
from typing import Any

from proposals import authority, billing, history, retelling
from proposals.models import Outcome, Proposal, Signal

_PLACE = re.compile(r"\{([a-z_]+)\}")
# What a text may name, by the fields behind it.
_BEHIND = {
    "title": ("title",),
    "state": ("state",),
    "amount": ("amount",),
    "owner": ("owner_email",),
    "contact": ("contact_name", "contact_email"),
    "invoiced": ("invoice",),
}
# What an outcome carries of the invoice; it is told as one.
_OF_THE_INVOICE = {"invoice_id", "invoice_status", "invoice_url"}


def of(proposal: Proposal, *, until: datetime | None = None) -> dict[str, Signal]:
    """The signal that brought each field to what it is, or to what it was `until` then.

    A person's choice of an owner is no signal: then the owner comes from nowhere else.
    """
    known = Signal.objects.filter(proposal=proposal).exclude(result=Signal.Result.REFUSED)
    if until is not None:
        known = known.filter(received_at__lte=until)
    signals = {signal.pk: signal for signal in known}
    truths = authority.load().truths(source=proposal.source)
    told = history.told_by(map(retelling.event_of, signals.values()), truths)
    if proposal.owner_pinned:
        told.pop("owner_email", None)
    invoice = billing.name(proposal.invoice_id)
    if invoice in told:
        told["invoice"] = told[invoice]
    return {name: signals[pk] for name, pk in told.items() if not name.startswith(billing.PREFIX)}


def of_outcome(outcome: Outcome) -> dict[str, dict[str, Signal]]:
    """For each value an outcome carries the fields it was made of, each with its signal.

    As of the moment it was promised: it carries what was known then.
    """
    told = of(outcome.proposal, until=outcome.promised_at)
    texts = _texts(outcome)
    made_of = {name: _fields(name, texts.get(name, "")) for name in outcome.params}
    found = {
        name: {field: told[field] for field in fields if field in told}
        for name, fields in made_of.items()
    }
    return {name: signals for name, signals in found.items() if signals}


def _texts(outcome: Outcome) -> dict[str, Any]:
    """The contract's own wording of what this outcome carries."""
    rows = [row for row in outcome.contract.outcomes if row.get("name") == outcome.name]
    return dict(rows[0].get("params") or {}) if rows else {}


def _fields(name: str, text: Any) -> tuple[str, ...]:
    if name in _OF_THE_INVOICE:
        return ("invoice",)
    named = _PLACE.findall(text) if isinstance(text, str) else []
    return tuple(field for one in named for field in _BEHIND.get(one, ())) or (name,)
