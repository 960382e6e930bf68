"""Stripe's events: kept as objects for thirty days at Stripe, told by signed webhooks."""

import hashlib
import hmac
import json
import sqlite3
import time
from datetime import datetime
from typing import Any

from connectors.sandbox.sender import News, Parcel, Sender


def signature(secret: str, stamp: int, body: bytes) -> str:
    """Hex HMAC-SHA256 over `t.body`, keyed by the whole secret as text."""
    return hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()


class StripeWebhooks(Sender):
    vendor = "stripe"
    table = "stripe_posts"

    def announce(self, event: dict[str, Any], *, record: str, at: datetime) -> None:
        """Queue an event, inside the caller's transaction, if the endpoint subscribes to it."""
        told = self._config["stripe"]
        wanted = told["events"]
        if not told["webhook_url"] or not ("*" in wanted or event["type"] in wanted):
            return
        status = str(event["data"]["object"].get("status") or "")
        news = News(event["id"], record, event["type"], status, json.dumps(event))
        self.enqueue(news, at=at)

    def parcel(self, row: sqlite3.Row) -> Parcel:
        """The event as it is now: a repeat says how many endpoints still wait for it."""
        told, stamp = self._config["stripe"], int(time.time())
        event = json.loads(row["body"])
        tried = len(json.loads(row["attempts"]))
        event["pending_webhooks"] = 1 + (0 if tried else told["other_endpoints"])
        body = json.dumps(event, indent=2, ensure_ascii=False).encode()
        header = f"t={stamp},v1={signature(told['webhook_secret'], stamp, body)}"
        if told["webhook_secret_old"]:
            header += f",v1={signature(told['webhook_secret_old'], stamp, body)}"
        if told["sign_v0"]:
            header += f",v0={signature('v0', stamp, body)}"
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": header,
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        return Parcel(told["webhook_url"], body, headers, header)

    def waiting(self) -> set[str]:
        """The ids of the events that have not been delivered."""
        rows = self._store.rows("SELECT id FROM stripe_posts WHERE state != 'delivered'")
        return {row["id"] for row in rows}
