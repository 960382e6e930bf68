"""Billing in the demo's past: what the stand-in would have told at the time, told then."""

import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

from connectors import digest
from connectors.models import Message, RecordLink
from meshline import instant
from meshline.shell import demo_doors, sandbox_control
from proposals.models import Proposal

SLUG = "stripe"
# More than it has invoices: all its answer has room for.
_MOST = 20


def tell(proposal: Proposal, at: datetime) -> None:
    """Every event of its invoice that was not told yet, as if it had happened at `at`."""
    made = RecordLink.objects.filter(connection__slug=SLUG, kind="invoice", record=proposal.record)
    invoice = made.values_list("external_id", flat=True).first()
    if invoice is None:
        return
    told = set(Message.objects.filter(connection__slug=SLUG).values_list("key", flat=True))
    fresh = [one for one in _events(invoice) if one["id"] not in told]
    for event in fresh:
        _post(event | {"created": int(at.timestamp())}, at)
    if fresh:
        with instant.stopped(at):
            digest.digest_batch()


def act(invoice: str, does: str) -> None:
    """The customer pays, or somebody voids it there. A start that was cut off may have done it."""
    (there,) = [one for one in sandbox_control.invoices(most=_MOST) if one["id"] == invoice]
    if does in there["actions"]:
        sandbox_control.act_on_invoice(invoice, does)


def _events(invoice: str) -> list[dict[str, Any]]:
    """In the order in which they happened."""
    told = sandbox_control.ask("GET", f"/{SLUG}/events", of=invoice)["results"][::-1]
    return [one for one in told if one["type"].startswith("invoice.")]


def _post(event: dict[str, Any], at: datetime) -> None:
    body = json.dumps({name: value for name, value in event.items() if name != "url"}).encode()
    stamp = str(int(at.timestamp()))
    secret = demo_doors.signing_secret(SLUG)
    signed = hmac.new(secret, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"stripe-signature": f"t={stamp},v1={signed}"}
    demo_doors.post(SLUG, body, headers=headers, query={}, at=at)
