"""The OpenAPI document: finished for programs, and read for people."""

import json
from dataclasses import dataclass
from typing import Any

_NOES = {
    400: "The request or its JSON could not be read.",
    401: "No token, or one that is not known, over, revoked, or of somebody inactive.",
    403: "Not for this person; the sentence says whom to ask.",
    404: "It does not exist, or not for this person.",
    406: "The answer is application/json.",
    409: "The move is not allowed, or somebody was faster; the sentence names them.",
    411: "A body needs a Content-Length.",
    413: "A body is at most 64 KiB.",
    415: "A body is application/json.",
    422: "A parameter or field is wrong; `field` names it.",
    429: "Too many requests in this minute.",
    500: "Something broke on our side.",
    503: "The database is away.",
}
_RETRY = {"schema": {"type": "integer", "minimum": 0}, "description": "Seconds to wait."}


@dataclass(frozen=True)
class Operation:
    """One operation as the page shows it."""

    method: str
    path: str
    says: str
    parameters: list[dict[str, Any]]
    body: list[dict[str, Any]]
    answer: list[dict[str, Any]]
    noes: list[int]


@dataclass(frozen=True)
class Chapter:
    name: str
    operations: list[Operation]


def polished(document: Any) -> dict[str, Any]:
    """The document with what each no means, and the headers that come with it."""
    plain = json.loads(json.dumps(document))
    for operations in plain["paths"].values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                answer["description"] = _NOES.get(int(status), "It is so.")
                if status in ("429", "503"):
                    answer["headers"] = {"Retry-After": _RETRY}
    return plain


def chapters(document: dict[str, Any]) -> list[Chapter]:
    """The operations by what they are about, in the document's order."""
    found: dict[str, list[Operation]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            shown = _operation(document, method, path, operation)
            found.setdefault(operation["tags"][0], []).append(shown)
    return [Chapter(name, operations) for name, operations in found.items()]


def _operation(document: dict, method: str, path: str, operation: dict) -> Operation:
    sent = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    return Operation(
        method=method.upper(),
        path=path,
        says=operation.get("description", operation["summary"]).replace("`", ""),
        parameters=[_parameter(one) for one in operation["parameters"]],
        body=_fields(document, sent.get("schema", {})),
        answer=_fields(document, _item(document, answer)),
        noes=sorted(int(status) for status in operation["responses"] if int(status) >= 400),
    )


def _parameter(one: dict[str, Any]) -> dict[str, Any]:
    return {"name": one["name"], "required": one["required"], "is": _words(one["schema"])}


def _item(document: dict, schema: dict) -> dict[str, Any]:
    """What a list holds, or the thing itself."""
    items = _resolved(document, schema).get("properties", {}).get("items")
    return items["items"] if items else schema


def _fields(document: dict, schema: dict) -> list[dict[str, Any]]:
    shape = _resolved(document, schema)
    required = shape.get("required", [])
    return [
        {"name": name, "required": name in required, "is": _words(field)}
        for name, field in shape.get("properties", {}).items()
    ]


def _resolved(document: dict, schema: dict) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema


def _words(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "anyOf" in schema:
        return " or ".join(_words(one) for one in schema["anyOf"])
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2].removesuffix("Shape").lower()
    if "enum" in schema:
        return ", ".join(schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_words(schema['items'])}"
    if "maximum" in schema:
        return f"whole number from {schema['minimum']} to {schema['maximum']:,}"
    if "maxLength" in schema:
        return f"text of at most {schema['maxLength']:,} characters"
    if schema.get("format") == "date-time":
        return "moment"
    return {"string": "text", "integer": "whole number", "boolean": "true or false"}.get(
        schema.get("type", ""), schema.get("type", "anything")
    )
