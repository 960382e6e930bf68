"""That a document was sent, as PandaDoc would post it."""

import hashlib
import hmac
import json
from datetime import UTC

from connectors.base import Feigned, Signed
from connectors.pandadoc.receive import EVENT_ID

# Where no status of theirs is mapped to sent: then that is what is broken.
SENT = "document.sent"


def post(feigned: Feigned, secret: str) -> Signed:
    first, _, last = feigned.contact_name.partition(" ")
    signer = {
        "first_name": first, "last_name": last, "email": feigned.contact_email,
        "recipient_type": "signer",
    }  # fmt: skip
    data = {
        "id": feigned.external_id,
        "name": feigned.title,
        "status": feigned.word or SENT,
        "date_modified": feigned.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "grand_total": {"amount": feigned.amount, "currency": feigned.currency},
        "recipients": [signer],
    }
    body = json.dumps([{"event": "document_state_changed", "data": data}]).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return Signed(body, {EVENT_ID: feigned.key}, {"signature": signature})
