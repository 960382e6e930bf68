"""Why an outcome that waits is not carried now, in words: asked for a whole list at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from connectors import registry
from connectors.models import Connection
from proposals import waiting as gates
from proposals.contracts import sentences
from proposals.models import Outcome
from proposals.models.outcome import WAITING, State


@dataclass(frozen=True)
class Held:
    """One reason: the sentence, what is in front of it, and when the connection is tried next."""

    why: str
    behind: int | None = None
    until: datetime | None = None


def reason(
    outcome: Outcome, *, at: datetime, there: Mapping[str, Connection] | None = None
) -> Held | None:
    """Why this outcome is held; None when nothing but its own next attempt stands before it."""
    return reasons([outcome], at=at, there=there).get(outcome.pk)


def reasons(
    outcomes: Iterable[Outcome], *, at: datetime, there: Mapping[str, Connection] | None = None
) -> dict[int, Held]:
    """The reasons of those that are held, by the outcome's id; a few questions to the database.
    `there` are the connections by their slugs, where they are known already."""
    waiting = [one for one in outcomes if one.state in (State.DUE, State.HELD, State.DELIVERED)]
    if not waiting:
        return {}
    if there is None:
        there = {one.slug: one for one in Connection.objects.all()}
    first, held = _first_in_line(waiting), gates.why_held(waiting, at=at)
    found = {
        one.pk: Held(held[one.pk]) if one.pk in held else _reason(one, there, first)
        for one in waiting
    }
    return {pk: held for pk, held in found.items() if held}


def _first_in_line(waiting: list[Outcome]) -> dict[tuple[int, str], Outcome]:
    """Per record and connection the earliest that still waits: it holds the later ones back."""
    rows = (
        Outcome.objects.filter(proposal__in={one.proposal_id for one in waiting})
        .filter(state__in=WAITING, delivered_at=None)
        .order_by("-pk")
    )
    return {(row.proposal_id, row.connection): row for row in rows}


def _reason(
    outcome: Outcome, there: Mapping[str, Connection], first: dict[tuple[int, str], Outcome]
) -> Held | None:
    if outcome.connection == registry.PEOPLE.slug:
        return None
    if not outcome.connection:
        return Held(f"No connection plays the part of {sentences.part(outcome.target)} yet.")
    connection = there.get(outcome.connection)
    if connection is None:
        return Held(f"There is no connection {outcome.connection}.")
    if not connection.is_active:
        why = connection.status_why or "No reason was given."
        return Held(f"{connection.name} is {connection.status}. {why}")
    return _behind(outcome, first) or _behind_breaker(connection)


def _behind(outcome: Outcome, first: dict[tuple[int, str], Outcome]) -> Held | None:
    earlier = first.get((outcome.proposal_id, outcome.connection))
    if earlier is None or earlier.pk >= outcome.pk or outcome.delivered_at is not None:
        return None
    name = earlier.name.replace("-", " ")
    return Held(f"It waits behind the {name} of the same record.", behind=earlier.pk)


def _behind_breaker(connection: Connection) -> Held | None:
    if connection.breaker == Connection.Breaker.CLOSED:
        return None
    return Held(
        f"{connection.name} does not answer; one outcome is tried every 30 s.",
        until=connection.next_probe_at,
    )
