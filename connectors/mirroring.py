"""What of a record is not written to another system: what its own word counts for, and what was
found to differ there and nobody decided to overwrite."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import connection

from connectors.base import Delivery
from connectors.models import Connection
from proposals import authority
from proposals.fields import GROUPS
from proposals.models import Outcome

# So much of a value is kept beside its difference.
LONGEST = 2000
# Told by the floor that looks back, which is not known here: differences that are open or accepted,
# each with what ours was when they were found.
_APART = """
SELECT name, ours FROM connectors_leftalone WHERE connection_id = %s AND proposal_id = %s
"""


def left_alone(
    outcome: Outcome, delivery: Delivery, there: Connection | None, links: Mapping[str, str]
) -> set[str]:
    """The values of this outcome that are left as they are over there.

    A record that is not there yet begins with all that is known; and what is synthetic is ours
    alone.
    """
    if there is None or not links or outcome.is_synthetic:
        return set()
    return its_own(outcome, delivery, there) | apart(outcome, delivery, there)


def told(outcome: Outcome, delivery: Delivery) -> dict[str, Any]:
    """All that is told of it: what the outcome says, and what its delivery makes of that."""
    return {**outcome.params, **delivery.also(outcome.params)}


def its_own(outcome: Outcome, delivery: Delivery, there: Connection) -> set[str]:
    """Those of fields for which the other system is the authority."""
    if not delivery.shows:
        return set()
    kept = authority.load().kept_by(there.slug, source=outcome.proposal.source)
    return kept & delivery.shows & set(outcome.params)


def apart(outcome: Outcome, delivery: Delivery, there: Connection) -> set[str]:
    """Those that differ there and are still what ours was then: nobody said that ours is written.
    What is new here since is carried."""
    if not delivery.shows:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_APART, [there.pk, outcome.proposal_id])
        rows = cursor.fetchall()
    params = told(outcome, delivery)
    kept = {part for name, ours in rows for part in _unchanged(name, ours, params)}
    return kept & delivery.shows & set(params)


def without(params: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """The same with these values blank, as what is not to be written."""
    return {**params, **dict.fromkeys(names, "")} if names else params


def _unchanged(name: str, ours: str, params: Mapping[str, Any]) -> tuple[str, ...]:
    """The parts of this field, if they say now what ours said then."""
    parts = GROUPS.get(name, (name,))
    said = " ".join(str(params[part]) for part in parts if params.get(part))
    return parts if _plain(said) == _plain(ours) else ()


def _plain(value: str) -> str:
    """An amount without the zeros that say nothing: 1234.5000 EUR is 1234.50 EUR."""
    number, _, currency = value.partition(" ")
    try:
        return f"{Decimal(number).normalize()} {currency}"
    except InvalidOperation:
        return value[:LONGEST]
