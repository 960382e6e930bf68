"""What people did in HubSpot beside the deal: tasks of ours they completed, and whom they spoke to.

Calls, e-mails, meetings and notes of the whole account change all the time. So only those a person
made are looked at any closer, and of those only what belongs to a deal of ours comes in.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from connectors import moments, parsing
from connectors.base import Trouble
from connectors.elements import Element
from connectors.hubspot import poll
from connectors.hubspot.deliver import DEAL_KEY, TASK_KEY
from connectors.hubspot.poll import Headers, Object, Reading
from connectors.hubspot.translate import COMPLETED, PEOPLE, STATUS, TOUCHES
from connectors.keyset import Row
from connectors.parsing import Unreadable
from connectors.polls import LOOKED, Asked, Find, Mode, Page, Poll

SOURCE, AUTHOR, WHEN, MADE = (
    "hs_object_source", "hs_created_by_user_id", "hs_timestamp", "hs_createdate",
)  # fmt: skip
DIRECTION, INCOMING = "hs_email_direction", "INCOMING_EMAIL"
_PROPERTIES = [SOURCE, AUTHOR, WHEN, MADE, DIRECTION, poll.CHANGED]
# There is nothing to compare with: these are not read whole.
_MODES = frozenset({Mode.INCREMENTAL, Mode.BACKFILL})
_FORBIDDEN = 403
_SAYS = {"emails": "e-mails"}


def _task(
    client: Any, row: Row, task: Object, asked: Asked, gathered: Any
) -> tuple[Find | None, Headers]:
    reply = client.history("tasks", row[0], STATUS)
    if reply is None or asked.since is None:
        return None, {}
    steps = poll.steps_of(client.caller.json(reply), "task", row[0], STATUS, asked.since)
    return Find(reply.body, tuple(steps)), reply.headers


_COMPLETED = {"propertyName": STATUS, "operator": "EQ", "value": COMPLETED}
_TASKS = Reading(
    "tasks", (poll.has(TASK_KEY), _COMPLETED), [STATUS, poll.CHANGED], _task
)  # fmt: skip


def _our_deals(client: Any, kind: str, fresh: list[Object]) -> Mapping[str, list[str]]:
    """Of those that a person made: with which deals of ours each belongs."""
    ids = [str(one.get("id")) for one in fresh if _is_a_persons(_properties(one))]
    linked = client.linked(kind, ids, to="deals") if ids else {}
    deals = sorted({pk for pks in linked.values() for pk in pks})
    ours = client.having("deals", deals, DEAL_KEY) if deals else set()
    return {pk: [deal for deal in deals if deal in ours] for pk, deals in linked.items()}


def _touch(thing: str) -> Callable[..., tuple[Find | None, Headers]]:
    def find(
        client: Any, row: Row, one: Object, asked: Asked, ours: Mapping[str, list[str]]
    ) -> tuple[Find | None, Headers]:
        at, pk = _moment(one), row[0]
        elements = tuple(_element(thing, pk, deal, one, at) for deal in ours.get(pk, []))
        return (Find(parsing.canonical(one), elements) if elements else None), {}

    return find


def _element(thing: str, pk: str, deal: str, one: Object, at: datetime) -> Element:
    """That a person turned to the customer of a deal, as a webhook of it would say."""
    key, kind = parsing.key(f"{LOOKED}{thing}:{pk}:{deal}"), f"{thing}.logged"
    properties = _properties(one)
    event = {
        "eventId": key, "subscriptionType": kind, "objectId": pk, "dealId": deal,
        "occurredAt": int(at.timestamp() * 1000), "changeSource": properties.get(SOURCE),
        "sourceId": f"userId:{properties.get(AUTHOR)}",
    }  # fmt: skip
    return Element(key=key, payload=parsing.canonical(event), type=kind)


def _is_a_persons(properties: Mapping[str, Any]) -> bool:
    """Neither an integration's nor a sequence's; and not what the customer wrote."""
    source = str(properties.get(SOURCE) or "").upper()
    is_incoming = properties.get(DIRECTION) == INCOMING
    return source in PEOPLE and bool(properties.get(AUTHOR)) and not is_incoming


def _moment(one: Object) -> datetime:
    """When it was done: what was written down later by its own time, what is still to come by when
    it was agreed on."""
    properties = _properties(one)
    try:
        told = [moments.moment(properties[n], field=n) for n in (WHEN, MADE) if properties.get(n)]
        return min(told) if told else moments.moment(None, field=MADE)
    except Unreadable as error:
        raise Trouble(f"One in HubSpot's search: {error}", failure="garbled") from None


def _properties(one: Object) -> Mapping[str, Any]:
    found = one.get("properties")
    return found if isinstance(found, dict) else {}


def _reading(thing: str) -> Reading:
    kind = TOUCHES[thing]
    return Reading(
        kind, (), _PROPERTIES, _touch(thing), lambda client, fresh: _our_deals(client, kind, fresh)
    )


def _page_of(reading: Reading) -> Callable[[Any, Asked], Page]:
    def page(client: Any, asked: Asked) -> Page:
        try:
            return poll.walk(client, asked, reading)
        except Trouble as trouble:
            if trouble.status != _FORBIDDEN or not trouble.credentials:
                raise
            # What else the token may do goes on: nobody stops delivering for this.
            note = f"HubSpot does not let our app read {reading.kind}; give it that scope."
            return Page([], dict(asked.place), is_last=True, note=note)

    return page


TASKS = Poll("tasks", "completed tasks", _page_of(_TASKS), _MODES)
ACTIVITY = tuple(
    Poll(kind, _SAYS.get(kind, kind), _page_of(_reading(thing)), _MODES)
    for thing, kind in TOUCHES.items()
)
