"""That a proposal's invoice was finalised, as Stripe would post it: there is no such invoice."""

import hashlib
import hmac
import json
from decimal import Decimal

from connectors.base import Feigned, Signed
from connectors.stripe import money
from connectors.stripe.translate import LINK


def post(feigned: Feigned, secret: str) -> Signed:
    invoice = {
        "id": f"in_{feigned.key}",
        "object": "invoice",
        "number": feigned.title,
        "status": "open",
        "total": money.to_units(Decimal(feigned.amount), feigned.currency),
        "currency": feigned.currency.lower(),
        "hosted_invoice_url": None,
        "metadata": {LINK: f"{feigned.source}:{feigned.external_id}"},
    }
    stamp = int(feigned.at.timestamp())
    event = {
        "id": f"evt_{feigned.key}", "object": "event", "type": "invoice.finalized",
        "created": stamp, "pending_webhooks": 1, "data": {"object": invoice},
    }  # fmt: skip
    body = json.dumps(event).encode()
    signed = f"{stamp}.".encode() + body
    signature = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return Signed(body, {"stripe-signature": f"t={stamp},v1={signature}"})
