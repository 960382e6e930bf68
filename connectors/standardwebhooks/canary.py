"""That a proposal was sent, as a sender of Standard Webhooks would post it."""

import base64
import hashlib
import hmac
import json
from datetime import UTC

from connectors.base import Feigned, Signed
from connectors.standardwebhooks.receive import key


def post(feigned: Feigned, secret: str) -> Signed:
    data = {
        "id": feigned.external_id,
        "title": feigned.title,
        "amount": {"amount": feigned.amount, "currency": feigned.currency},
        "contact": {"name": feigned.contact_name, "email": feigned.contact_email},
    }
    moment = feigned.at.astimezone(UTC).isoformat()
    body = json.dumps({"type": "proposal.sent", "timestamp": moment, "data": data}).encode()
    stamp = str(int(feigned.at.timestamp()))
    signed = b".".join([feigned.key.encode(), stamp.encode(), body])
    proof = base64.b64encode(hmac.new(key(secret), signed, hashlib.sha256).digest()).decode()
    return Signed(body, {
        "webhook-id": feigned.key, "webhook-timestamp": stamp, "webhook-signature": f"v1,{proof}",
    })  # fmt: skip
