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

SLUG = "stripe"
_MOST = 500


def tell(at: datetime) -> None:
    """Every event of our invoices that was not told yet, as if it had happened at `at`."""
    told = set(Message.objects.filter(connection__slug=SLUG).values_list("key", flat=True))
    ours = set(RecordLink.objects.filter(kind="invoice").values_list("external_id", flat=True))
    fresh = [one for one in _events() if one["id"] not in told and _is_of(ours, one)]
    for event in fresh:
        _post(event | {"created": int(at.timestamp())}, at)
    if fresh:
        with instant.stopped(at):
            digest.digest_batch()


def act(invoice: str, does: str) -> None:
    """The customer pays, or somebody voids it there. A start that was cut off may have done it."""
    (there,) = [one for one in _all("invoices") if one["id"] == invoice]
    if does in there["actions"]:
        sandbox_control.act_on_invoice(invoice, does)


def _events() -> list[dict[str, Any]]:
    return _all("events")[::-1]


def _all(kind: str) -> list[dict[str, Any]]:
    """The newest first."""
    return sandbox_control.ask("GET", f"/stripe/{kind}", newest=str(_MOST))["results"]


def _is_of(ours: set[str], event: dict[str, Any]) -> bool:
    thing = event["data"]["object"]
    return event["type"].startswith("invoice.") and thing["id"] in ours


def _post(event: dict[str, Any], at: datetime) -> None:
    body = json.dumps({name: value for name, value in event.items() if name != "url"}).encode()
    stamp = str(int(at.timestamp()))
    secret = demo_doors.signing_secret(SLUG)
    signed = hmac.new(secret, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"stripe-signature": f"t={stamp},v1={signed}"}
    demo_doors.post(SLUG, body, headers=headers, query={}, at=at)
