"""PandaDoc's webhooks: an array of one event, signed in the address, with an id in a header."""

import hashlib
import hmac
import json
import sqlite3
from datetime import datetime
from typing import Any

from connectors.sandbox import ids
from connectors.sandbox.sender import News, Parcel, Sender

EVENT_ID_HEADER = "X-PandaDoc-Webhook-Event-Id"
SUBSCRIPTION = "Meshline"


def sign(shared_key: str, body: bytes) -> str:
    """Hex HMAC-SHA256 over the raw body, as the vendor puts it into ?signature=."""
    return hmac.new(shared_key.encode(), body, hashlib.sha256).hexdigest()


def signed_url(url: str, signature: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}signature={signature}"


class Webhooks(Sender):
    vendor = "pandadoc"
    table = "deliveries"

    def announce(self, event: str, data: dict[str, Any], *, at: datetime) -> None:
        """Queue one event, inside the caller's transaction."""
        told = self._config["pandadoc"]
        if not told["webhook_url"] or event not in told["events"]:
            return
        news = News(
            id=ids.event_id(),
            record=data["id"],
            event=event,
            status=data.get("status", ""),
            body=_body(event, data),
            name=SUBSCRIPTION,
        )
        self.enqueue(news, at=at)

    def parcel(self, row: sqlite3.Row) -> Parcel:
        told, body = self._config["pandadoc"], row["body"].encode()
        signature = sign(told["shared_key"], body)
        url = signed_url(told["webhook_url"], signature)
        return Parcel(url, body, {EVENT_ID_HEADER: row["id"]}, signature)


def _body(event: str, data: dict[str, Any]) -> str:
    return json.dumps([{"event": event, "data": data}], ensure_ascii=False, separators=(",", ":"))
