"""PandaDoc over HTTP: the few calls we make, in its words."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from connectors.answers import Caller
from connectors.base import Trouble
from connectors.http import Reply

API = "/public/v1"
NOT_FOUND = 404


class Client:
    """One PandaDoc workspace, by API key."""

    def __init__(
        self, base_url: str, credential: str, *, allow_loopback: bool = False,
        deadline: float = 15.0,
    ) -> None:  # fmt: skip
        self.caller = Caller(
            base_url.rstrip("/"), {"Authorization": f"API-Key {credential}"},
            allow_loopback=allow_loopback, deadline=deadline,
        )  # fmt: skip

    def whoami(self) -> str:
        """A cheap call that needs a good key."""
        self.caller.call("GET", f"{API}/documents", params={"count": "1"})
        return "PandaDoc answers and accepts the key."

    def changed(
        self, *, since: datetime | None, until: datetime, page: int, count: int
    ) -> list[dict[str, Any]]:
        """A page of the documents that were modified in a span, the earliest first."""
        params = {"order_by": "date_modified", "count": str(count), "page": str(page)}
        params["modified_to"] = until.isoformat()
        if since is not None:
            params["modified_from"] = since.isoformat()
        reply = self.caller.call("GET", f"{API}/documents", params=params)
        answer = self.caller.json(reply)
        rows = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
            raise Trouble("PandaDoc's list holds no results.", failure="garbled")
        return rows

    def details(self, document: str) -> Reply | None:
        """All of one document as it came; None when it is gone."""
        path = f"{API}/documents/{quote(document, safe='')}/details"
        reply = self.caller.call("GET", path, fine=frozenset({NOT_FOUND}))
        return None if reply.status == NOT_FOUND else reply
