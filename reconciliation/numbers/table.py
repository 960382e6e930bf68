"""All numbers of events there are, in the order in which they are read."""

from reconciliation.numbers import (
    before_owner,
    event_delivery,
    events,
    first_follow_up,
    hand_overs,
    human_touches,
    own_part,
    records,
    untouched,
    way_legs,
)
from reconciliation.numbers.number import Number

NUMBERS: dict[str, Number] = {
    one.name: one
    for one in (
        event_delivery.NUMBER, first_follow_up.NUMBER, own_part.NUMBER, before_owner.NUMBER,
        *way_legs.NUMBERS, events.NUMBER, records.NUMBER, untouched.NUMBER, human_touches.NUMBER,
        hand_overs.NUMBER,
    )
}  # fmt: skip
# Promised path by path, and shown first.
GOLDEN = [event_delivery.NUMBER, first_follow_up.NUMBER]
PROMISED = {one.name: one for one in NUMBERS.values() if one.is_promised}
