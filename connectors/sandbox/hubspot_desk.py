"""A person at HubSpot's screen: looks, creates, edits, deletes and merges.

What is looked at here is told past every fault, and without being counted as a call.
"""

import re
from typing import Any

from connectors.sandbox import times
from connectors.sandbox.desk import Desk, newest, release, resend, when
from connectors.sandbox.exchange import Answer, FieldError, Request, json_answer
from connectors.sandbox.hubspot_objects import Objects
from connectors.sandbox.hubspot_webhooks import HubSpotWebhooks
from connectors.sandbox.ids import WORKFLOW
from connectors.sandbox.records import Record

KIND = "/hubspot/(?P<kind>deals|tasks|contacts|notes|calls|emails|meetings)"
NUMBER = "/(?P<number>[0-9]+)"
SOMEBODY = "person@example.com"


class HubSpotDesk(Desk):
    ROUTES = (
        ("GET", re.compile(KIND), "list"),
        ("POST", re.compile(KIND), "create"),
        ("POST", re.compile(KIND + NUMBER + "/set"), "set"),
        ("POST", re.compile(KIND + NUMBER + "/delete"), "delete"),
        ("POST", re.compile(KIND + NUMBER + "/merge"), "merge"),
        ("GET", re.compile("/hubspot/webhooks"), "webhooks_sent"),
        ("POST", re.compile("/hubspot/webhooks/release"), "release"),
        ("POST", re.compile("/hubspot/webhooks/resend"), "resend"),
    )

    def __init__(self, objects: Objects, webhooks: HubSpotWebhooks) -> None:
        self._objects = objects
        self._webhooks = webhooks

    def _list(self, request: Request, kind: str) -> Answer:
        found = self._objects.records.newest(kind, limit=newest(request, 20))
        return json_answer(200, {"results": [object_view(record) for record in found]})

    def _create(self, request: Request, kind: str) -> Answer:
        """`deal` is the deal it belongs to, where it belongs to one."""
        given, by = _asked(request)
        record = self._objects.create(kind, given, [], at=when(request.json()), by=by)
        if deal := request.json().get("deal"):
            self._objects.link(record, self._objects.live("deals", str(deal)))
        return json_answer(201, object_view(record))

    def _set(self, request: Request, kind: str, number: str) -> Answer:
        """`properties` such as dealstage, amount, hubspot_owner_id; an empty text clears."""
        given, by = _asked(request)
        record = self._objects.live(kind, number)
        self._objects.change(record, given, at=when(request.json()), by=by)
        return json_answer(200, object_view(record))

    def _delete(self, request: Request, kind: str, number: str) -> Answer:
        _, by = _asked(request)
        self._objects.live(kind, number)
        self._objects.archive(kind, number, at=times.now(), by=by)
        return json_answer(200, {"deleted": number})

    def _merge(self, request: Request, kind: str, number: str) -> Answer:
        """The one in the address stays, `other` of the body becomes part of it."""
        _, by = _asked(request)
        other = str(request.json().get("other", ""))
        record = self._objects.merge(kind, number, other, at=times.now(), by=by)
        return json_answer(200, object_view(record))

    def _webhooks_sent(self, request: Request) -> Answer:
        return json_answer(200, {"webhooks": self._webhooks.history()})

    def _release(self, request: Request) -> Answer:
        return release(self._webhooks, request)

    def _resend(self, request: Request) -> Answer:
        return resend(self._webhooks, request)


def _asked(request: Request) -> tuple[dict[str, Any], str]:
    """The properties, and the e-mail of whoever does it; or that a workflow does."""
    asked = request.json()
    given, by = asked.get("properties") or {}, asked.get("by") or SOMEBODY
    if not isinstance(given, dict):
        raise FieldError("properties", "The properties are not an object.")
    if not isinstance(by, str) or ("@" not in by and by != WORKFLOW):
        raise FieldError("by", f"by is the e-mail of a person, or {WORKFLOW}.")
    return given, by


def object_view(record: Record) -> dict[str, Any]:
    """A deal or task as the demo page shows it."""
    return {
        "id": record.id,
        "properties": record.body,
        "url": f"/hubspot/app/{record.kind}/{record.id}",
    }
