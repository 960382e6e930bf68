"""The documented body for senders of Standard Webhooks (docs/generic-webhooks.md) into ours."""

from collections.abc import Mapping
from typing import Any

from connectors import moments, parsing
from connectors.base import NO_OPTIONS, Ignored, Told
from connectors.parsing import Unreadable, member
from proposals.signals import FIELDS
from proposals.states import State

PREFIX = "proposal."
KNOWN_TYPES = frozenset({f"{PREFIX}{state}" for state in State} | {f"{PREFIX}updated"})
_TEXTS = {
    "title": ("title",),
    "owner_email": ("owner", "email"),
    "contact_name": ("contact", "name"),
    "contact_email": ("contact", "email"),
}


def translate(payload: bytes, options: Mapping[str, str] = NO_OPTIONS) -> Told:
    """`{"type": "proposal.sent", "timestamp": …, "data": {"id": …, …}}` as what it tells."""
    body = parsing.parse(payload)
    if not isinstance(body, dict):
        raise Unreadable("The body must be an object with type, timestamp and data.")
    kind, data = parsing.text(body.get("type")), body.get("data")
    if not kind:
        raise Unreadable("type is missing; it must be such as proposal.sent.")
    if kind not in KNOWN_TYPES:
        raise Ignored(f"{kind} tells nothing of a proposal.")
    if not isinstance(data, dict):
        raise Unreadable("data is missing; it must be the proposal.")
    proposal = parsing.text(data.get("id"), longest=200)
    if not proposal:
        raise Unreadable("data.id is missing; it must be the proposal's id at its source.")
    said = kind.removeprefix(PREFIX)
    return Told(
        kind=kind,
        external_id=proposal,
        occurred_at=moments.moment(body.get("timestamp"), field="timestamp"),
        target=None if said == "updated" else State(said),
        fields=_fields(data),
        about=parsing.text(data.get("source"), longest=60),
    )


def _fields(data: dict[str, Any]) -> dict[str, Any]:
    fields = {
        name: parsing.text(member(data, *path), longest=FIELDS[name])
        for name, path in _TEXTS.items()
    }
    for name in ("owner_email", "contact_email"):
        fields[name] = fields[name].lower()
    return {name: value for name, value in fields.items() if value} | _amount(data.get("amount"))


def _amount(amount: Any) -> dict[str, str]:
    if amount is None:
        return {}
    value, currency = member(amount, "amount"), member(amount, "currency")
    # Text on purpose: many languages read a number as binary and lose the last cent.
    if not isinstance(value, str) or not isinstance(currency, str):
        raise Unreadable('data.amount must be {"amount": "1234.50", "currency": "EUR"}.')
    return parsing.amount(value, currency, field="data.amount")
