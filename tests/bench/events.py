"""Signed webhooks, ready to be sent."""

import json
import uuid
from datetime import UTC, datetime, timedelta

from tests.bench.load import request
from tests.factories import document, signature

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def sent(count: int, *, documents: int | None = None, slug: str = "pandadoc") -> list[bytes]:
    """`count` PandaDoc posts of documents that were sent, as many documents as posts by default."""
    run = uuid.uuid4().hex[:8]
    return [_post(f"{run}-{n % (documents or count)}", f"{run}-{n}", n, slug) for n in range(count)]


def _post(doc: str, event_id: str, n: int, slug: str) -> bytes:
    body = json.dumps([document("sent", id=doc, at=START + timedelta(seconds=n))]).encode()
    headers = {"X-PandaDoc-Webhook-Event-Id": event_id}
    return request(f"/hooks/{slug}/?signature={signature(body)}", body, headers)
