"""HubSpot over HTTP: the few calls we make, in its words."""

from time import monotonic
from typing import Any
from urllib.parse import quote

from connectors import parsing
from connectors.answers import Caller
from connectors.base import Trouble
from connectors.http import Reply

# Versions of the object API end in September 2027: the prefix stands here alone.
OBJECTS = "/crm/v3/objects"
ASSOCIATIONS = "/crm/v4/associations"
_OWNERS = "/crm/v3/owners"
# Of a batch, the most inputs.
_MOST = 100
TASK_TO_DEAL = 216
NOT_FOUND, CONFLICT = 404, 409
LOCKED, MIGRATING = 423, 477
# Every deal and task names an owner, and owners hardly change: asked again after so many seconds.
_OWNER_HOLDS = 60.0
# (address, credential, e-mail) → the owner's id, and until when it holds.
_owners: dict[tuple[str, str, str], tuple[str, float]] = {}
# (address, credential) → everybody's e-mail by their id, and until when it holds.
_everybody: dict[tuple[str, str], tuple[dict[str, str], float]] = {}
# Owners are read so many at a time, and no further than so many pages.
_OWNERS_A_PAGE, _OWNER_PAGES = 500, 40


class Client:
    """One HubSpot account, by private app token or service key."""

    def __init__(
        self, base_url: str, credential: str, *, allow_loopback: bool = False,
        deadline: float = 15.0,
    ) -> None:  # fmt: skip
        self._account = (base_url, credential)
        self.caller = Caller(
            base_url.rstrip("/"), {"Authorization": f"Bearer {credential}"},
            allow_loopback=allow_loopback, deadline=deadline, retry_after=_throttled_for,
            passing=frozenset({LOCKED, MIGRATING}),
        )  # fmt: skip

    def upsert(self, kind: str, *, unique: str, value: str, properties: dict[str, str]) -> str:
        """Create or update one object by a unique property; its id."""
        one = {"idProperty": unique, "id": value, "properties": {unique: value, **properties}}
        reply = self.caller.call("POST", f"{OBJECTS}/{kind}/batch/upsert", json={"inputs": [one]})
        return _only_id(self.caller.json(reply))

    def create(
        self, kind: str, *, properties: dict[str, str], associations: list[dict[str, Any]]
    ) -> str | None:
        """Create one object; None when one with the same unique value is there already."""
        body = {"properties": properties, "associations": associations}
        reply = self.caller.call("POST", f"{OBJECTS}/{kind}", json=body, fine=frozenset({CONFLICT}))
        return None if reply.status == CONFLICT else _id(self.caller.json(reply))

    def update(self, kind: str, pk: str, *, properties: dict[str, str]) -> None:
        self.caller.call("PATCH", f"{OBJECTS}/{kind}/{quote(pk)}", json={"properties": properties})

    def find(self, kind: str, pk: str, *, properties: list[str]) -> dict[str, Any] | None:
        """One object by its id; None when there is none."""
        reply = self.caller.call(
            "GET", f"{OBJECTS}/{kind}/{quote(pk, safe='')}",
            params={"properties": ",".join(properties)}, fine=frozenset({NOT_FOUND}),
        )  # fmt: skip
        return None if reply.status == NOT_FOUND else _live(self.caller.json(reply))

    def find_by(self, kind: str, unique: str, value: str) -> dict[str, Any] | None:
        """One object by a unique property; None when there is none.

        By a batch of one: our keys hold slashes, which do not survive in the path of a GET. And not
        by a search, which lags behind what was just written.
        """
        body = {"idProperty": unique, "inputs": [{"id": value}], "properties": [unique]}
        reply = self.caller.call(
            "POST", f"{OBJECTS}/{kind}/batch/read", json=body, fine=frozenset({NOT_FOUND})
        )
        if reply.status == NOT_FOUND:
            return None
        answer = self.caller.json(reply)
        results = answer.get("results") if isinstance(answer, dict) else None
        return _live(results[0]) if results else None

    def search(
        self, kind: str, *, filters: list[dict[str, str]], by: str, properties: list[str],
        limit: int, after: int,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """A page of a search, the earliest change first."""
        body = {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": by, "direction": "ASCENDING"}],
            "properties": properties, "limit": limit, "after": str(after),
        }  # fmt: skip
        answer = self.caller.json(self.caller.call("POST", f"{OBJECTS}/{kind}/search", json=body))
        rows = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
            raise Trouble("HubSpot's search holds no results.", failure="garbled")
        return rows

    def history(self, kind: str, pk: str, name: str) -> Reply | None:
        """One object with every value a property ever had, as it came; None when it is gone."""
        reply = self.caller.call(
            "GET", f"{OBJECTS}/{kind}/{quote(pk, safe='')}",
            params={"properties": name, "propertiesWithHistory": name},
            fine=frozenset({NOT_FOUND}),
        )  # fmt: skip
        return None if reply.status == NOT_FOUND else reply

    def linked(self, kind: str, ids: list[str], *, to: str) -> dict[str, list[str]]:
        """With which objects of another kind each of these is associated; at most a hundred."""
        body = {"inputs": [{"id": pk} for pk in ids]}
        path = f"{ASSOCIATIONS}/{kind}/{to}/batch/read"
        answer = self.caller.json(self.caller.call("POST", path, json=body))
        return {
            str(parsing.member(one, "from", "id")): [
                str(parsing.member(other, "toObjectId"))
                for other in parsing.member(one, "to") or []
            ]
            for one in _results(answer, "associations")
        }

    def having(self, kind: str, ids: list[str], name: str) -> set[str]:
        """Which of these objects have a value for a property."""
        found: set[str] = set()
        for start in range(0, len(ids), _MOST):
            inputs = [{"id": pk} for pk in ids[start : start + _MOST]]
            body = {"inputs": inputs, "properties": [name]}
            reply = self.caller.call(
                "POST", f"{OBJECTS}/{kind}/batch/read", json=body, fine=frozenset({NOT_FOUND})
            )
            if reply.status != NOT_FOUND:
                rows = _results(self.caller.json(reply), kind)
                found |= {
                    str(parsing.member(one, "id"))
                    for one in rows
                    if parsing.member(one, "properties", name)
                }
        return found

    def owner_id(self, email: str) -> str:
        """The owner (not user) id for an e-mail; empty when HubSpot has nobody by it.

        Who was found is remembered for a minute, who was not is looked for each time.
        """
        asked = (*self._account, email)
        known, until = _owners.get(asked, ("", 0.0))
        if monotonic() < until:
            return known
        found = self._look_up_owner(email)
        if found:
            _owners[asked] = (found, monotonic() + _OWNER_HOLDS)
        return found

    def _look_up_owner(self, email: str) -> str:
        reply = self.caller.call(
            "GET", _OWNERS, params={"email": email}, fine=frozenset({NOT_FOUND})
        )
        if reply.status == NOT_FOUND:
            return ""
        found = self.caller.json(reply)
        results = found.get("results") if isinstance(found, dict) else None
        active = [one for one in results or [] if not one.get("archived")]
        return str(active[0]["id"]) if active else ""

    def owner_emails(self, ids: set[str]) -> dict[str, str]:
        """The e-mails of owners by their ids, also of those who left; without whom nobody knows.

        Everybody is remembered for a minute; whoever is not among them is looked for each time.
        """
        known, until = _everybody.get(self._account, ({}, 0.0))
        if monotonic() >= until or not ids <= known.keys():
            known = {**self._owners_by_id("true"), **self._owners_by_id("false")}
            _everybody[self._account] = (known, monotonic() + _OWNER_HOLDS)
        return {pk: known[pk] for pk in ids if pk in known}

    def _owners_by_id(self, archived: str) -> dict[str, str]:
        found: dict[str, str] = {}
        asked = {"archived": archived, "limit": str(_OWNERS_A_PAGE)}
        for _ in range(_OWNER_PAGES):
            answer = self.caller.json(self.caller.call("GET", _OWNERS, params=asked))
            for one in _results(answer, "owners"):
                found[str(parsing.member(one, "id"))] = parsing.text(parsing.member(one, "email"))
            after = parsing.member(answer, "paging", "next", "after")
            if not after:
                break
            asked = {**asked, "after": str(after)}
        return found

    def whoami(self) -> str:
        """A cheap call that needs a good token."""
        self.caller.call("GET", f"{OBJECTS}/deals", params={"limit": "1"})
        return "HubSpot answers and accepts the token."


def _results(answer: Any, what: str) -> list[Any]:
    rows = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise Trouble(f"HubSpot's {what} hold no results.", failure="garbled")
    return rows


def _live(found: Any) -> dict[str, Any] | None:
    return None if not isinstance(found, dict) or found.get("archived") is True else found


def _throttled_for(reply: Reply) -> float | None:
    """HubSpot promises no Retry-After: by its policy name ten seconds, one second, or an hour."""
    if reply.status == LOCKED:
        return 2.0
    if reply.status != 429:
        return 2.0 if reply.status == 503 else None
    body = reply.body.decode("utf-8", "replace")
    if "DAILY" in body:
        return 3600.0
    return 1.0 if "secondly limit" in body and "TEN_SECONDLY" not in body else 10.0


def _only_id(answer: Any) -> str:
    results = answer.get("results") if isinstance(answer, dict) else None
    if not results:
        raise Trouble(
            f"HubSpot took the upsert, but named no result: {str(answer)[:200]}",
            failure="garbled", unknown=True,
        )  # fmt: skip
    return _id(results[0])


def _id(answer: Any) -> str:
    pk = answer.get("id") if isinstance(answer, dict) else None
    if not pk:
        raise Trouble("HubSpot's answer carries no id.", failure="garbled", unknown=True)
    return str(pk)
