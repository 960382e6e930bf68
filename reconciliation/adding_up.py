"""The records over there that add up to one of ours, one by one, as a run read them."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from meshline import masking
from meshline.money import MINOR_UNITS, worded
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, scope
from reconciliation import comparing
from reconciliation.kinds import KINDS
from reconciliation.models import Divergence

# More of one proposal nobody reads.
MOST = 50
_CHOSEN = """coalesce(nullif(r.fields ->> 'number', ''), r.external_id), r.amount_minor, r.currency,
    coalesce(r.fields ->> 'state', '')"""


@dataclass(frozen=True)
class Part:
    """One of them: what it is called there, its amount and state, and whether it is added."""

    name: str
    amount: str
    state: str
    counts: bool


def parts(one: Divergence, by: User) -> list[Part]:
    """Those of the last run that saw the difference; none where nothing adds up, or what that run
    read is kept no longer."""
    kind = KINDS[one.kind]
    if not kind.adds_up or one.proposal is None:
        return []
    facts = {
        "snapshot": one.last_run.snapshot_id, "connection": one.connection_id,
        "source": one.proposal.source, "document": one.proposal.external_id, "most": MOST,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(comparing.one_by_one(kind, f"{_CHOSEN}, {kind.counts}"), facts)
        found = cursor.fetchall()
    is_masked = scope(by, Permission.SEE_RUNS) is Scope.MASKED
    return [
        Part(name, masking.MASK if is_masked else _amount(units, currency), state, counts)
        for name, units, currency, state, counts in found
    ]


def _amount(units: int | None, currency: str) -> str:
    if units is None:
        return "no amount"
    return worded(Decimal(units).scaleb(-MINOR_UNITS.get(currency, 2)), currency)
