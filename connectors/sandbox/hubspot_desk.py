"""What the CRM holds, told past every fault, and without being counted as a call."""

import re
from typing import Any

from connectors.sandbox.desk import Desk, newest
from connectors.sandbox.exchange import Answer, Request, json_answer
from connectors.sandbox.hubspot_objects import Objects
from connectors.sandbox.records import Record


class HubSpotDesk(Desk):
    ROUTES = (("GET", re.compile("/hubspot/(?P<kind>deals|tasks)"), "list"),)

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def _list(self, request: Request, kind: str) -> Answer:
        found = self._objects.records.newest(kind, limit=newest(request, 20))
        return json_answer(200, {"results": [object_view(record) for record in found]})


def object_view(record: Record) -> dict[str, Any]:
    """A deal or task as the demo page shows it."""
    return {
        "id": record.id,
        "properties": record.body,
        "url": f"/hubspot/app/{record.kind}/{record.id}",
    }
