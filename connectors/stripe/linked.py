"""An invoice that was read, told as the event its webhook would have been."""

import json
from datetime import datetime

from connectors import parsing
from connectors.elements import Element

_PAID = "paid"


def event(raw: bytes, *, key: str, at: datetime) -> Element:
    """It was finalised, or paid: as it stood over there at `at`."""
    invoice = parsing.parse(raw)
    is_paid = parsing.member(invoice, "status") == _PAID
    kind = "invoice.paid" if is_paid else "invoice.finalized"
    told = {
        "id": key, "object": "event", "type": kind, "created": int(at.timestamp()),
        "data": {"object": invoice},
    }  # fmt: skip
    return Element(key=key, payload=json.dumps(told, default=float).encode(), type=kind)
