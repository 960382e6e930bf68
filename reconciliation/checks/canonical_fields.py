"""Does every record have what everybody downstream relies on?"""

from datetime import datetime, timedelta

from django.db.models import Q

from proposals.models import Proposal
from proposals.states import State
from reconciliation.checks.check import Check, Finding

# Before it is sent a document may still be without them.
_AFTER = [State.SENT, State.VIEWED, State.SIGNED, State.INVOICED, State.DISPUTED]
_LACKS = {
    "title": Q(title=""),
    "amount": Q(amount=None),
    "currency": Q(amount__isnull=False, currency=""),
    "contact's e-mail": Q(contact_email=""),
}


def look(at: datetime) -> Finding:
    """Open proposals that were sent, and those without a field that everybody relies on."""
    asked = Proposal.objects.filter(state__in=_AFTER)
    lacking = Q()
    for lacks in _LACKS.values():
        lacking |= lacks
    return Finding.of_proposals(asked, asked.filter(lacking), _why)


def _why(one: Proposal) -> str:
    has = {
        "title": one.title, "amount": one.amount is not None,
        "currency": one.amount is None or one.currency, "contact's e-mail": one.contact_email,
    }  # fmt: skip
    return f"It has no {', no '.join(name for name in _LACKS if not has[name])}."


CHECK = Check(
    "canonical-fields", "Data integrity",
    "Every proposal that was sent has its title, amount, currency and contact.",
    "Open proposals that were sent; failing are those that lack one of these.",
    timedelta(minutes=15), look,
    "Correct the document in the quoting tool, or map the field that carries it.",
    grave_from=10,
)  # fmt: skip
