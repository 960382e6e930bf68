"""PandaDoc's words into ours, one event at a time."""

from collections.abc import Mapping
from typing import Any

from connectors import moments, parsing
from connectors.base import NO_OPTIONS, Ignored, Told
from connectors.parsing import Unreadable, member
from proposals.states import State

# Events that tell of a document's state or fields. Others are kept and ignored.
KNOWN_EVENTS = frozenset(
    {"document_state_changed", "document_updated", "recipient_completed", "document_deleted"}
)
# A document's status in our words; None: a step of PandaDoc's own that moves nothing here.
STATES: dict[str, State | None] = {
    "document.draft": State.DRAFT,
    "document.sent": State.SENT,
    "document.viewed": State.VIEWED,
    "document.completed": State.SIGNED,
    "document.paid": State.SIGNED,
    "document.declined": State.DISPUTED,
    "document.rejected": State.DISPUTED,
    "document.voided": State.EXPIRED,
    "document.expired": State.EXPIRED,
    "document.uploaded": None,
    "document.error": None,
    "document.waiting_approval": None,
    "document.approved": None,
    "document.waiting_pay": None,
    "document.external_review": None,
    "document.scheduled": None,
}


def translate(
    payload: bytes, options: Mapping[str, str] = NO_OPTIONS,
    words: Mapping[str, State | None] | None = None,
) -> Told:  # fmt: skip
    """One element of a PandaDoc POST. Raises Unreadable with the field named, or Ignored.

    `words` says what each status is called here, where that is not as in STATES.
    """
    body = parsing.parse(payload)
    if not isinstance(body, dict):
        raise Unreadable("An event must be an object with event and data.")
    event, data = parsing.text(body.get("event")), body.get("data")
    if not event:
        raise Unreadable("event is missing; it says what happened.")
    if event not in KNOWN_EVENTS:
        raise Ignored(f"{event} tells nothing of a proposal's state.")
    if not isinstance(data, dict):
        raise Unreadable("data is missing; it must be the document.")
    document = parsing.text(data.get("id"), longest=200)
    if not document:
        raise Unreadable("data.id is missing; it must be the document's id.")
    target = _state(event, data, STATES if words is None else words)
    return Told(
        kind=f"proposal.{target}" if target else "proposal.updated",
        external_id=document,
        occurred_at=moments.moment(_when(data, target), field=_when_field(data, target)),
        target=target,
        fields=_fields(data),
    )


def _state(event: str, data: dict[str, Any], words: Mapping[str, State | None]) -> State | None:
    """Only a change of state says a state; every other event merely carries the current one."""
    if event != "document_state_changed":
        return None
    status = parsing.text(data.get("status"))
    if status not in words:
        known = ", ".join(name.removeprefix("document.") for name in words)
        raise Unreadable(
            f"data.status is {status[:40]!r}; it must be document. and one of {known}."
        )
    return words[status]


def _when_field(data: dict[str, Any], target: State | None) -> str:
    return "data.date_completed" if _completed(data, target) else "data.date_modified"


def _when(data: dict[str, Any], target: State | None) -> Any:
    return data.get(_when_field(data, target).removeprefix("data."))


def _completed(data: dict[str, Any], target: State | None) -> bool:
    # Older subscriptions carry no date_modified on a completed document.
    is_dated = bool(data.get("date_completed")) and not data.get("date_modified")
    return target is State.SIGNED and is_dated


def _fields(data: dict[str, Any]) -> dict[str, Any]:
    """What the document tells; a field it does not carry is not told, rather than empty."""
    fields: dict[str, Any] = {}
    if name := parsing.text(data.get("name")):
        fields["title"] = name
    fields |= _amount(data.get("grand_total"))
    if owner := _owner(data):
        fields["owner_email"] = owner
    fields |= _contact(data.get("recipients"))
    return fields


def _amount(total: Any) -> dict[str, str]:
    value = member(total, "amount")
    if value is None or value == "":
        return {}
    return parsing.amount(value, member(total, "currency"), field="data.grand_total")


def _owner(data: dict[str, Any]) -> str:
    """Who sent it owns it; before it is sent, who made it."""
    for who in ("owner", "sent_by", "created_by"):
        if email := parsing.text(member(data, who, "email"), longest=254):
            return email.lower()
    return ""


def _contact(recipients: Any) -> dict[str, str]:
    """The first signer, or the first recipient there is."""
    people = [one for one in recipients if isinstance(one, dict)] if _is_list(recipients) else []
    signers = [one for one in people if one.get("recipient_type") == "signer"]
    for person in [*signers, *people][:1]:
        parts = (parsing.text(person.get("first_name")), parsing.text(person.get("last_name")))
        name = " ".join(part for part in parts if part)[:200]
        email = parsing.text(person.get("email"), longest=254).lower()
        told = {"contact_name": name, "contact_email": email}
        return {field: value for field, value in told.items() if value}
    return {}


def _is_list(value: Any) -> bool:
    return isinstance(value, list)
