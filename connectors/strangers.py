"""People of ours whom another system does not know: a ticket each, until that system has them.

It is noted as soon as the other system has said so, before anything counts as proven: whoever sees
the proof finds here whether the owner was written with it.
"""

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Concat, Left

from connectors.base import Found
from exceptions import troubles
from exceptions.models import Occurrence
from meshline.policy import called
from proposals.lateness import CARRIER
from proposals.models import Outcome

KIND = "link-missing"
# So is it told apart among what hangs on tickets, cut where it is too long to be kept.
_OWNER, _LONGEST = ":owner:", 120


def note(outcome: Outcome, found: Found, *, at: datetime) -> None:
    """Open the ticket of the owner whom the other system does not have, or end it."""
    if not found.owner:
        return
    subject = _subject(outcome.connection, found.owner)
    if found.gap:
        troubles.open_ticket(_trouble(outcome, found, subject), by=CARRIER, at=at)
        return
    because = f"{called.of(outcome.connection)} has {found.owner} by now."
    troubles.settle(subject=subject, because=because, by=CARRIER, at=at, kinds={KIND})


def is_one(slug: str, email: str) -> bool:
    """Whether that system had nobody by this e-mail when it was last asked."""
    return _waiting().filter(subject=_subject(slug, email)).exists()


def named(outcome: str) -> Exists:
    """Whether the owner of the outcome at that end of a row is one, as a condition of its query."""
    email = KeyTextTransform("owner_email", OuterRef(f"{outcome}__params"))
    there = OuterRef(f"{outcome}__connection")
    whole = Concat(there, Value(_OWNER), email, output_field=TextField())
    return Exists(_waiting().filter(subject=Left(whole, _LONGEST)))


def _waiting() -> QuerySet[Occurrence]:
    """Who is waited for over there."""
    return Occurrence.objects.hanging().filter(ticket__kind=KIND)


def _subject(slug: str, email: str) -> str:
    return f"{slug}{_OWNER}{email}"[:_LONGEST]


def _trouble(outcome: Outcome, found: Found, subject: str) -> troubles.Trouble:
    proposal = outcome.proposal
    return troubles.Trouble(
        kind=KIND,
        cause=f"{KIND}:{outcome.connection}:{found.gap}",
        title=found.gap.rstrip("."),
        reason=f"{found.gap} What was written there is not given to them.",
        subject=subject,
        evidence={"outcome": outcome.pk, "in": outcome.connection, "id": found.external_id},
        record=proposal.record,
        record_title=str(proposal),
        connection=outcome.connection,
    )
