"""Putting right what a ticket is about: who may, and the line in its story that says what was done.

The acts themselves belong to the rooms above. Each begins with `begin` and ends with `tell`, in one
transaction: what is not told did not happen.
"""

from datetime import datetime

from django.db import connection

from exceptions import acts, keeping
from exceptions.models import Ticket
from exceptions.states import MoveError
from meshline.people.models import User
from meshline.people.permissions import NotAllowed

# Any number that no other lock of this kind has.
_LOCK = 4_711_008


def begin(ticket_id: int, *, by: User) -> Ticket:
    """The ticket, as long as this person may put it right; one at a time does, until the end of
    the transaction. Its row stays free: what comes right meanwhile settles on it.

    Raises Ticket.DoesNotExist, MoveError where it is over, NotAllowed where somebody else has it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, ticket_id % 2**31])
    ticket = Ticket.objects.visible_to(by).select_related("owner", "claimed_by").get(pk=ticket_id)
    if not ticket.is_unresolved:
        raise MoveError(acts.CLOSED)
    if refusal := acts.refusal_of_remedy(ticket, by):
        raise NotAllowed(refusal)
    return ticket


def tell(ticket: Ticket, said: str, *, by: User, at: datetime, why: str = "") -> None:
    """Write into its story what a remedy did, and why where a person said so."""
    # As it stands by now: what was done may have closed it.
    ticket = keeping.locked(ticket.pk)
    slept = keeping.rouse(ticket, at)
    keeping.record("ticket.remedied", ticket, by, at, after={"did": said}, why=why, slept=slept)
