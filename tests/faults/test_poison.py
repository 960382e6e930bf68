"""An event that kills whoever reads it: put aside with a ticket, and everything else flows."""

import json

from tests.faults.house import House
from tests.faults.judge import judge, under_way, wait_until_done
from tests.faults.processes import until
from tests.faults.sender import Document, Event, Sender, documents


def poisonous(name: str) -> Event:
    """The hook kills the process that translates a payload with this word in it."""
    one = Document(documents(name, 1)[0].id, ("sent",), "100.00")
    event = one.events()[0]
    said = json.loads(event.body)
    said[0]["data"]["name"] = "POISON"
    return Event(event.key, json.dumps(said).encode())


def test_a_poisonous_event_is_put_aside_and_the_rest_flows(house: House):
    event = poisonous("poison")
    before, after = documents("before", 12), documents("after", 24)
    sender = Sender(house.port).send([*before])
    sender.send_events([event]).wait()
    # What was read in one batch with it dies with it, comes back, and is read alone.
    until(lambda: _crashes(house, event) >= 1, what="it has killed once")
    Sender(house.port).send(after).wait()
    wait_until_done(house, [*before, *after])
    until(lambda: _status(house, event) == "quarantined", what="it is put aside")
    assert _crashes(house, event) == 3
    assert _ticket(house, event) == ("processing-failed", "open")
    assert under_way(house) == 0
    judge(house, [*before, *after])


def _crashes(house: House, event: Event) -> int:
    return _one(house, "SELECT crashes FROM connectors_message WHERE key = %s", event)[0]


def _status(house: House, event: Event) -> str:
    return _one(house, "SELECT status FROM connectors_message WHERE key = %s", event)[0]


def _ticket(house: House, event: Event) -> tuple:
    return _one(
        house,
        "SELECT t.kind, t.status FROM exceptions_ticket t"
        " JOIN exceptions_occurrence o ON o.ticket_id = t.id"
        " JOIN connectors_message m ON o.subject = 'message:' || m.id WHERE m.key = %s",
        event,
    )


def _one(house: House, query: str, event: Event) -> tuple:
    with house.database() as session:
        row = session.execute(query.encode(), [event.key]).fetchone()
    assert row is not None
    return row
