"""The HTTP side of the HubSpot stand-in: who may, how often, which object, in HubSpot's words."""

import hmac
import json
import re
import uuid
from typing import Any

from connectors.sandbox import times
from connectors.sandbox.config import Config
from connectors.sandbox.exchange import (
    Answer,
    RefusalError,
    Request,
    UnreadableError,
    json_answer,
)
from connectors.sandbox.hubspot_objects import (
    KINDS,
    SHOWN,
    STAMPS,
    UNIQUE,
    Objects,
    error,
    link_type,
    not_found,
)
from connectors.sandbox.hubspot_search import search
from connectors.sandbox.limits import Limits
from connectors.sandbox.records import Record

OBJECTS = r"/crm/(?:v3/objects|objects/20\d\d-\d\d)/(?P<kind>[\w-]+)"
LINKS = r"/crm/v4/objects/(?P<kind>[\w-]+)/(?P<id>[^/]+)/associations"
ROUTES = [
    ("POST", re.compile(OBJECTS + r"/search"), "search"),
    ("POST", re.compile(OBJECTS + r"/batch/upsert"), "batch_upsert"),
    ("POST", re.compile(OBJECTS + r"/batch/read"), "batch_read"),
    ("POST", re.compile(OBJECTS + r"/merge"), "merge"),
    ("GET", re.compile(OBJECTS), "list"),
    ("POST", re.compile(OBJECTS), "create"),
    ("GET", re.compile(OBJECTS + r"/(?P<id>[^/]+)"), "read"),
    ("PATCH", re.compile(OBJECTS + r"/(?P<id>[^/]+)"), "update"),
    ("DELETE", re.compile(OBJECTS + r"/(?P<id>[^/]+)"), "archive"),
    ("PUT", re.compile(LINKS + r"/default/(?P<to>[\w-]+)/(?P<to_id>[^/]+)"), "link"),
    ("GET", re.compile(LINKS + r"/(?P<to>[\w-]+)"), "links"),
    (
        "POST",
        re.compile(r"/crm/v4/associations/(?P<kind>[\w-]+)/(?P<to>[\w-]+)/batch/read"),
        "batch_links",
    ),
    ("GET", re.compile(r"/crm/v3/owners"), "owners"),
]
UNIQUE_NAMES = {name for names in UNIQUE.values() for name in names}
MOST_PER_LIST, MOST_PER_BATCH = 100, 100
POLICIES = {
    "TEN_SECONDLY_ROLLING": "You have reached your ten_secondly_rolling limit.",
    "SECONDLY": "You have reached your secondly limit.",
    "DAILY": "You have reached your daily limit.",
}


def throttled(policy: str) -> dict[str, Any]:
    return {
        "status": "error",
        "message": POLICIES.get(policy, POLICIES["TEN_SECONDLY_ROLLING"]),
        "errorType": "RATE_LIMIT",
        "correlationId": str(uuid.uuid4()),
        "policyName": policy,
    }


class HubSpotApi:
    name = "hubspot"

    def __init__(self, objects: Objects, config: Config) -> None:
        self._objects = objects
        self._config = config
        self.limits = Limits()

    def answer(self, request: Request) -> Answer:
        try:
            self._check_token(request)
            action, named = _route(request)
            headers = self._check_limits(action)
            answer: Answer = getattr(self, f"_{action}")(request, **named)
        except UnreadableError as problem:
            return error(400, f"Invalid input JSON: {problem}", "VALIDATION_ERROR").answer
        except RefusalError as refusal:
            return refusal.answer
        answer.headers |= headers
        return answer

    def error_body(self, code: int, policy: str | None) -> dict[str, Any]:
        """What HubSpot says with a status that a fault asks for."""
        if code == 429:
            return throttled(policy or "TEN_SECONDLY_ROLLING")
        message, category = {
            401: ("The OAuth token used to make this call expired.", "EXPIRED_AUTHENTICATION"),
            403: ("This app hasn't been granted all required scopes.", "MISSING_SCOPES"),
            404: ("resource not found", "OBJECT_NOT_FOUND"),
            423: ("The record is locked by another operation.", "LOCKED"),
        }.get(code, ("internal error", "INTERNAL_ERROR"))
        body = {"status": "error", "message": message, "category": category}
        return body | {"correlationId": str(uuid.uuid4())}

    def key_of(self, request: Request) -> str | None:
        """What in a call says which thing it is about: unique values, or the id in the path."""
        try:
            asked = request.json()
        except UnreadableError:
            asked = {}
        found = [
            str(value)
            for values in [asked, *_dicts(asked.get("inputs"))]
            for name, value in _keys(values)
        ]
        last = request.path.rstrip("/").rsplit("/", 1)[-1]
        return ",".join(found)[:500] or (last if any(c.isdigit() for c in last) else None)

    # Who and how often

    def _check_token(self, request: Request) -> None:
        token = self._config["hubspot"]["token"]
        given = request.headers.get("Authorization", "").encode()
        if not token or not hmac.compare_digest(given, f"Bearer {token}".encode()):
            message = (
                "Authentication credentials not found. This API supports OAuth 2.0"
                " authentication and you can find more details at"
                " https://developers.hubspot.com/docs/methods/auth/oauth-overview"
            )
            raise error(401, message, "INVALID_AUTHENTICATION")

    def _check_limits(self, action: str) -> dict[str, str]:
        """The rate limit headers, which a search does not carry."""
        most = self._config["hubspot"]["rate_limit"]
        if action == "search":
            self._take("SECONDLY", most["search_per_second"], 1)
            return {}
        daily = self._take("DAILY", most["daily"], 86_400)
        ten = self._take("TEN_SECONDLY_ROLLING", most["ten_seconds"], 10)
        return {
            "X-HubSpot-RateLimit-Max": str(most["ten_seconds"]),
            "X-HubSpot-RateLimit-Remaining": str(ten),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Daily": str(most["daily"]),
            "X-HubSpot-RateLimit-Daily-Remaining": str(daily),
        }

    def _take(self, policy: str, most: int, seconds: float) -> int:
        left = self.limits.take(policy, most=most, seconds=seconds)
        if left is None:
            raise RefusalError(json_answer(429, throttled(policy)))
        return left

    # The calls

    def _list(self, request: Request, kind: str) -> Answer:
        limit, after = _number(request, "limit", 10), _number(request, "after", 0)
        if not 1 <= limit <= MOST_PER_LIST:
            raise error(400, f"limit must be 1 to {MOST_PER_LIST}", "VALIDATION_ERROR")
        archived = request.first("archived") == "true"
        found = self._objects.records.page(kind, after=after, limit=limit + 1, archived=archived)
        page = found[:limit]
        body: dict[str, Any] = {"results": [self._view(record, request) for record in page]}
        if len(found) > limit:
            body["paging"] = {"next": {"after": str(page[-1].seq)}}
        return json_answer(200, body)

    def _read(self, request: Request, kind: str, id: str) -> Answer:
        record = self._objects.find(kind, id, request.first("idProperty"))
        if record is None or record.archived != (request.first("archived") == "true"):
            raise not_found()
        told = self._view(record, request)
        if asked := request.first("propertiesWithHistory"):
            told["propertiesWithHistory"] = {
                name: self._objects.history(record, name) for name in asked.split(",")
            }
        return json_answer(200, told)

    def _create(self, request: Request, kind: str) -> Answer:
        asked = request.json()
        record = self._objects.create(
            kind, asked.get("properties", {}), asked.get("associations") or [], at=times.now()
        )
        return json_answer(201, view(record, list(record.body)))

    def _update(self, request: Request, kind: str, id: str) -> Answer:
        record = self._objects.live(kind, id, request.first("idProperty"))
        given = request.json().get("properties", {})
        self._objects.change(record, given, at=times.now())
        return json_answer(200, view(record, list(given)))

    def _archive(self, request: Request, kind: str, id: str) -> Answer:
        self._objects.archive(kind, id, at=times.now())
        return Answer(204)

    def _merge(self, request: Request, kind: str) -> Answer:
        asked = request.json()
        number, other = str(asked.get("primaryObjectId")), str(asked.get("objectIdToMerge"))
        record = self._objects.merge(kind, number, other, at=times.now())
        return json_answer(200, view(record, list(record.body)))

    def _batch_upsert(self, request: Request, kind: str) -> Answer:
        inputs = _inputs(request)
        for one in inputs:
            if not one.get("idProperty") or one["idProperty"] == "hs_object_id":
                raise error(400, "idProperty is required", "VALIDATION_ERROR")
            self._objects.check_unique(kind, one["idProperty"])
        named = [str(one.get("id")) for one in inputs]
        if len(set(named)) < len(named):
            raise error(400, "Duplicate IDs found in batch input", "VALIDATION_ERROR")
        results, refused = [], []
        for one in inputs:
            try:
                given = one.get("properties", {})
                record, new = self._objects.upsert(
                    kind, one["idProperty"], str(one.get("id", "")), given, at=times.now()
                )
                results.append(view(record, [*given, one["idProperty"]]) | {"new": new})
            except RefusalError as refusal:
                refused.append(refusal)
        if refused and not results:
            raise refused[0]
        return _batch(results, [json.loads(refusal.answer.body) for refusal in refused])

    def _batch_read(self, request: Request, kind: str) -> Answer:
        asked = request.json()
        results, missing = [], []
        for one in _inputs(request):
            number = str(one.get("id", ""))
            record = self._objects.find(kind, number, asked.get("idProperty") or "")
            if record is None or record.archived:
                missing.append(number)
            else:
                results.append(view(record, _names(asked, kind)))
        if not missing:
            return _batch(results, [])
        message = (
            f"Could not get some {kind[:-1].upper()} objects, they may be deleted or not exist."
        )
        lost = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": message}
        return _batch(results, [lost | {"context": {"ids": missing}}])

    def _search(self, request: Request, kind: str) -> Answer:
        asked = request.json()
        indexed = self._objects.records.indexed(kind, at=times.now())
        total, page, following = search(indexed, asked)
        names = _names(asked, kind)
        body: dict[str, Any] = {"total": total, "results": [view(one, names) for one in page]}
        if following:
            body["paging"] = {"next": {"after": following}}
        return json_answer(200, body)

    def _link(self, request: Request, kind: str, id: str, to: str, to_id: str) -> Answer:
        other_kind = _kind(to)
        if link_type(kind, other_kind) is None:
            raise error(400, f"{kind} have no association to {other_kind}", "VALIDATION_ERROR")
        one, other = self._objects.live(kind, id), self._objects.live(other_kind, to_id)
        self._objects.link(one, other)
        pairs = [
            {
                "from": {"id": here.id},
                "to": {"id": there.id},
                "associationSpec": _spec(here.kind, there.kind),
            }
            for here, there in ((one, other), (other, one))
        ]
        return _batch(pairs, [])

    def _links(self, request: Request, kind: str, id: str, to: str) -> Answer:
        record, other_kind = self._objects.live(kind, id), _kind(to)
        spec = _spec(kind, other_kind)
        label = {"category": spec["associationCategory"], "typeId": spec["associationTypeId"]}
        results = [
            {"toObjectId": int(number), "associationTypes": [label | {"label": None}]}
            for number in self._objects.records.linked(record, other_kind)
        ]
        return json_answer(200, {"results": results})

    def _batch_links(self, request: Request, kind: str, to: str) -> Answer:
        """What each of many is associated with; of what has nothing there is no result."""
        other_kind, results = _kind(to), []
        spec = _spec(kind, other_kind)
        label = {"category": spec["associationCategory"], "typeId": spec["associationTypeId"]}
        for one in _inputs(request):
            record = self._objects.find(kind, str(one.get("id", "")))
            linked = self._objects.records.linked(record, other_kind) if record else []
            if record and linked:
                types = [label | {"label": None}]
                found = [{"toObjectId": int(pk), "associationTypes": types} for pk in linked]
                results.append({"from": {"id": record.id}, "to": found})
        return _batch(results, [])

    def _owners(self, request: Request) -> Answer:
        wanted, archived = request.first("email").lower(), request.first("archived") == "true"
        results = [
            owner
            for owner in self._objects.owners()
            if owner["archived"] == archived and wanted in ("", owner["email"].lower())
        ]
        limit, after = _number(request, "limit", 100), _number(request, "after", 0)
        body: dict[str, Any] = {"results": results[after : after + limit]}
        if len(results) > after + limit:
            body["paging"] = {"next": {"after": str(after + limit)}}
        return json_answer(200, body)

    def _view(self, record: Record, request: Request) -> dict[str, Any]:
        shown = view(record, request.all("properties") or SHOWN[record.kind])
        linked = {}
        for name in request.all("associations"):
            other = _kind(name)
            found = self._objects.records.linked(record, other)
            if found:
                type_name = f"{record.kind[:-1]}_to_{other[:-1]}"
                linked[other] = {"results": [{"id": one, "type": type_name} for one in found]}
        return shown | ({"associations": linked} if linked else {})


def view(record: Record, names: list[str]) -> dict[str, Any]:
    """A record with the named properties, null where it has none, and those always shown."""
    created, modified = STAMPS[record.kind]
    shown = [*names, "hs_object_id", created, modified]
    return {
        "id": record.id,
        "properties": {name: record.body.get(name) for name in shown},
        "createdAt": record.body[created],
        "updatedAt": record.body[modified],
        "archived": record.archived,
    }


def _route(request: Request) -> tuple[str, dict[str, str]]:
    known_path = False
    for method, pattern, action in ROUTES:
        if found := pattern.fullmatch(request.path):
            known_path = True
            if method == request.method:
                named = found.groupdict()
                return action, named | ({"kind": _kind(named["kind"])} if "kind" in named else {})
    if known_path:
        raise error(405, "Method not allowed", "METHOD_NOT_ALLOWED")
    raise not_found()


def _kind(name: str) -> str:
    if name not in KINDS:
        raise error(400, f"Unable to infer object type from: {name}", "VALIDATION_ERROR")
    return KINDS[name]


def _number(request: Request, name: str, default: int) -> int:
    text = request.first(name) or str(default)
    if not (text.isascii() and text.isdigit()):
        raise error(400, f"{name} is not a number", "VALIDATION_ERROR")
    return int(text[:18])


def _inputs(request: Request) -> list[dict[str, Any]]:
    inputs = request.json().get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
        raise error(400, "Invalid input JSON: inputs", "VALIDATION_ERROR")
    if not 1 <= len(inputs) <= MOST_PER_BATCH:
        raise error(400, f"inputs must be 1 to {MOST_PER_BATCH}", "VALIDATION_ERROR")
    return inputs


def _names(asked: dict[str, Any], kind: str) -> list[str]:
    """The properties a body asks for, or those shown when it asks for none."""
    names = asked.get("properties") or SHOWN[kind]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise error(400, "Invalid input JSON: properties", "VALIDATION_ERROR")
    return names


def _batch(results: list[Any], errors: list[Any]) -> Answer:
    stamp = times.milli(times.now())
    body: dict[str, Any] = {
        "status": "COMPLETE",
        "results": results,
        "startedAt": stamp,
        "completedAt": stamp,
    }
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return json_answer(207 if errors else 200, body)


def _spec(from_kind: str, to_kind: str) -> dict[str, Any]:
    number = link_type(from_kind, to_kind)
    return {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _keys(values: dict[str, Any]) -> list[tuple[str, Any]]:
    """Unique values in a body, an input of a batch or the filters of a search."""
    found = []
    if "idProperty" in values and "id" in values:
        found.append((values["idProperty"], values["id"]))
    properties = values.get("properties")
    if isinstance(properties, dict):
        found += [(n, v) for n, v in properties.items() if n in UNIQUE_NAMES]
    for group in _dicts(values.get("filterGroups")):
        for one in _dicts(group.get("filters")):
            if one.get("propertyName") in UNIQUE_NAMES:
                found.append((one["propertyName"], one.get("value")))
    return found
