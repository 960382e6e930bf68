"""What happened to a proposal, told to whoever listens."""

import hashlib
import json
from datetime import UTC

from connectors.base import Errand, Found

# What the receiver is told; the rest of an outcome's parameters is ours.
_TOLD = ("title", "state", "amount", "currency", "owner_email", "contact_name", "contact_email")


def webhook(errand: Errand) -> Found:
    """Send it, under an id that the receiver can know repeats by."""
    reply = errand.client.send(body(errand), message_id=message_id(errand.key))
    return Found(message_id(errand.key), "", f"The receiver answered {reply.status}.")


def read_webhook(errand: Errand) -> Found | None:
    """A webhook cannot be read back: that it was taken is all the proof there is."""
    if not errand.external_id:
        return None
    return Found(errand.external_id, "", "It was taken; a webhook cannot be read back.")


def message_id(key: str) -> str:
    """The webhook-id of an outcome: the same over all its attempts."""
    return f"msg_{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def body(errand: Errand) -> bytes:
    """The same bytes over all attempts."""
    source, _, document = errand.params["proposal"].partition(":")
    told = {name: errand.params[name] for name in _TOLD if errand.params.get(name)}
    message = {
        "type": errand.params["type"],
        "timestamp": errand.promised_at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "data": {"id": document, "source": source, "record": errand.record, **told},
    }
    return json.dumps(message, separators=(",", ":")).encode()
