"""A person at PandaDoc's screen: makes documents, moves them, looks at the webhooks."""

import re
from typing import Any

from connectors.sandbox.desk import Desk, newest, release, resend, when
from connectors.sandbox.exchange import Answer, FieldError, MissingError, Request, json_answer
from connectors.sandbox.pandadoc_documents import (
    ACTIONS,
    KIND,
    Documents,
    allowed,
    money,
    person,
    recipients,
)
from connectors.sandbox.records import Record
from connectors.sandbox.webhooks import Webhooks

ACT = r"/(?P<number>\w+)/(?P<action>" + "|".join(ACTIONS) + ")"


class PandaDocDesk(Desk):
    ROUTES = (
        ("GET", re.compile("/pandadoc/documents"), "list"),
        ("POST", re.compile("/pandadoc/documents"), "create"),
        ("POST", re.compile("/pandadoc/documents" + ACT), "move"),
        ("GET", re.compile("/pandadoc/webhooks"), "webhooks_sent"),
        ("POST", re.compile("/pandadoc/webhooks/release"), "release"),
        ("POST", re.compile("/pandadoc/webhooks/resend"), "resend"),
    )

    def __init__(self, documents: Documents, webhooks: Webhooks) -> None:
        self._documents = documents
        self._webhooks = webhooks

    def _list(self, request: Request) -> Answer:
        """All in the order they were made, or with `?newest=n` the last n, newest first."""
        if most := newest(request):
            found = self._documents.records.newest(KIND, limit=most)
        else:
            found = self._documents.records.page(KIND, after=0, limit=10_000)
        return json_answer(200, {"documents": [document_view(record) for record in found]})

    def _create(self, request: Request) -> Answer:
        asked = request.json()
        if not isinstance(asked.get("name"), str) or not asked["name"].strip():
            raise FieldError("name", "The document needs a name.")
        metadata = asked.get("metadata") or {}
        if not isinstance(metadata, dict):
            raise FieldError("metadata", "The metadata is not an object.")
        record = self._documents.create(
            name=asked["name"],
            total=money(asked.get("amount"), asked.get("currency")),
            to=recipients([asked.get("recipient")]),
            owner=person(asked.get("owner"), "owner"),
            metadata=metadata,
            at=when(asked),
            by="person",
            at_once=True,
        )
        return json_answer(201, document_view(record))

    def _move(self, request: Request, number: str, action: str) -> Answer:
        try:
            record = self._documents.move(number, action, by="person", at=when(request.json()))
        except KeyError:
            raise MissingError(f"There is no document {number}.") from None
        return json_answer(200, document_view(record))

    def _webhooks_sent(self, request: Request) -> Answer:
        return json_answer(200, {"webhooks": self._webhooks.history()})

    def _release(self, request: Request) -> Answer:
        return release(self._webhooks, request)

    def _resend(self, request: Request) -> Answer:
        return resend(self._webhooks, request)


def document_view(record: Record) -> dict[str, Any]:
    """A document as the demo page and the rig see it, with what can be done next."""
    body = record.body
    return {
        "id": record.id,
        "name": body["name"],
        "status": body["status"],
        "state": body["status"].removeprefix("document."),
        "actions": allowed(body["status"]),
        "amount": body["grand_total"]["amount"],
        "currency": body["grand_total"]["currency"],
        "recipients": body["recipients"],
        "owner": body["created_by"],
        "metadata": body["metadata"],
        "date_created": body["date_created"],
        "date_modified": body["date_modified"],
        "url": f"/pandadoc/app/documents/{record.id}",
    }
