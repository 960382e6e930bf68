"""HubSpot's events into our words: what it says of a deal that the CRM has a say in.

Names, amounts and owners are the quoting tool's and ours to say; that a deal's differ is found by
comparing, not by believing each change.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors import moments, parsing
from connectors.base import NO_OPTIONS, Ignored, Told
from connectors.parsing import Unreadable
from proposals.signals import TASK_COMPLETED, TOUCH
from proposals.states import State

# The option that names our own app over there: what it wrote comes back as an event.
APP_ID = "app_id"
# The id of deals among the generic subscriptions ("object.propertyChange").
DEALS = "0-3"
# HubSpot's default pipeline; stages of others are followed where a connection maps them.
CLOSING: dict[str, State | None] = {
    "closedwon": State.CLOSED_WON, "closedlost": State.CLOSED_LOST,
}  # fmt: skip
# A follow-up of ours over there, and when it is done.
STATUS, COMPLETED = "hs_task_status", "COMPLETED"
# How people turn to a customer there, and as which objects that is kept.
TOUCHES = {"call": "calls", "email": "emails", "meeting": "meetings", "note": "notes"}
# What a person did with their own hands; everything else is an integration's, a workflow's, a
# sequence's, or came from the customer.
PEOPLE = frozenset(
    {"CRM_UI", "MOBILE_IOS", "MOBILE_ANDROID", "EXTENSION", "SALES", "GMAIL_INTEGRATION"}
)
_LOGGED = "logged"
_ACTS = frozenset({"creation", "propertyChange", "deletion", "merge", "restore"})
_OURS = frozenset({"INTEGRATION", "API", "INTEGRATIONS_PLATFORM", "INTEGRATIONS_SYNC"})


def kind_of(event: Mapping[str, Any]) -> str:
    """The event's type as HubSpot writes it: deal.propertyChange."""
    return parsing.text(event.get("subscriptionType") or event.get("eventType"), longest=120)


def is_known(event: Mapping[str, Any]) -> bool:
    """Whether it is about a deal, or what people did beside it; all else is kept and ignored."""
    thing, _, act = kind_of(event).partition(".")
    if thing == "task":
        return act == "propertyChange"
    if thing in TOUCHES:
        return act == _LOGGED
    return not thing or (act in _ACTS and (thing == "deal" or _is_generic_deal(event, thing)))


def names(payload: bytes) -> frozenset[tuple[str, str]]:
    """The deal or the task that an event is about, also where it tells nothing of a proposal."""
    try:
        event = parsing.parse(payload)
    except Unreadable:
        return frozenset()
    if not isinstance(event, dict):
        return frozenset()
    thing = kind_of(event).partition(".")[0]
    if thing in TOUCHES:
        thing, pk = "deal", event.get("dealId")
    else:
        thing, pk = "deal" if _is_generic_deal(event, thing) else thing, event.get("objectId")
    return frozenset({(thing, parsing.text(pk, longest=40))})


def translate(
    payload: bytes, options: Mapping[str, str] = NO_OPTIONS,
    words: Mapping[str, State | None] | None = None,
) -> Told:  # fmt: skip
    """One event of a batch. Raises Unreadable with the field named, or Ignored.

    `words` says what each stage of a deal closes, where that is not as in CLOSING.
    """
    event = parsing.parse(payload)
    if not isinstance(event, dict):
        raise Unreadable("An event must be an object with eventId, subscriptionType and objectId.")
    for name in ("eventId", "objectId"):
        if not parsing.text(event.get(name)):
            raise Unreadable(f"{name} is missing; it says which event and which deal it is.")
    kind = kind_of(event)
    if not kind:
        raise Unreadable("subscriptionType is missing; it says what happened.")
    if not is_known(event):
        raise Ignored(f"{kind} tells nothing of a proposal.")
    if _is_echo(event, options):
        raise Ignored("It is the echo of what Meshline itself wrote.")
    at = moments.milliseconds(event.get("occurredAt"), field="occurredAt")
    thing, _, act = kind.partition(".")
    if thing == "task":
        return _completed(event, at)
    if thing in TOUCHES:
        return _touched(event, thing, at)
    return _told(event, act, at, CLOSING if words is None else words)


def _completed(event: Mapping[str, Any], at: datetime) -> Told:
    """A person completed a task: whose it is, the crosswalk knows."""
    said = parsing.text(event.get("propertyName")), parsing.text(event.get("propertyValue"))
    if said != (STATUS, COMPLETED):
        raise Ignored("Only that a task is completed says something of its proposal.")
    _check_person(event, "completed it")
    pk = parsing.text(event.get("objectId"), longest=40)
    return Told(
        kind=TASK_COMPLETED, external_id="", occurred_at=at, known_as=(("task", pk),),
        is_secondary=True, piece=f"task:{pk}",
    )  # fmt: skip


def _touched(event: Mapping[str, Any], thing: str, at: datetime) -> Told:
    """A person turned to the customer of a deal."""
    _check_person(event, "did it")
    pk, deal = (parsing.text(event.get(name), longest=40) for name in ("objectId", "dealId"))
    return Told(
        kind=f"{TOUCH}{thing}", external_id="", occurred_at=at, known_as=(("deal", deal),),
        is_secondary=True, piece=f"{thing}:{pk}",
    )  # fmt: skip


def _check_person(event: Mapping[str, Any], did: str) -> None:
    source = parsing.text(event.get("changeSource"), longest=40).upper()
    if source not in PEOPLE:
        raise Ignored(f"No person {did}: it came from {source or 'nowhere'}.")


def _told(
    event: Mapping[str, Any], act: str, at: datetime, closing: Mapping[str, State | None]
) -> Told:
    deal = parsing.text(event.get("objectId"), longest=40)
    stage = parsing.text(event.get("propertyValue")).lower()
    if act == "creation":
        raise Ignored("That a deal was created says nothing of its proposal.")
    if act == "propertyChange" and event.get("propertyName") != "dealstage":
        name = parsing.text(event.get("propertyName"), longest=60)
        raise Ignored(f"A deal's {name} is not HubSpot's to say; it is compared, not followed.")
    target = closing.get(stage) if act == "propertyChange" else None
    if act == "propertyChange" and target is None:
        raise Ignored(f"The stage {stage[:60]} closes nothing.")
    return Told(
        kind=f"deal.{target}" if target else f"deal.{act}",
        external_id="",
        occurred_at=at,
        target=target,
        known_as=tuple(("deal", one) for one in (deal, *_merged_ids(event))),
        links=_merged(event) if act == "merge" else (),
        is_secondary=True,
    )


def _merged(event: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The id under which a merged deal goes on."""
    survivor = parsing.text(event.get("newObjectId") or event.get("primaryObjectId"), longest=40)
    return (("deal", survivor),) if survivor else ()


def _merged_ids(event: Mapping[str, Any]) -> list[str]:
    """The ids under which a merged deal was known before."""
    ids = event.get("mergedObjectIds")
    named = [event.get("primaryObjectId"), *(ids if isinstance(ids, list) else [])]
    return [one for one in (parsing.text(pk, longest=40) for pk in named) if one]


def _is_generic_deal(event: Mapping[str, Any], thing: str) -> bool:
    return thing == "object" and parsing.text(event.get("objectTypeId")) == DEALS


def _is_echo(event: Mapping[str, Any], options: Mapping[str, str]) -> bool:
    """Our own write coming back: its source is the app this connection speaks as."""
    ours = options.get(APP_ID, "")
    source = parsing.text(event.get("changeSource"), longest=40).upper()
    return bool(ours) and source in _OURS and parsing.text(event.get("sourceId")) == ours
