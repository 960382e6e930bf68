"""Differences of one group are one ticket: each hangs on it until it is gone or accepted."""

from datetime import datetime

from django.db import transaction

from exceptions import troubles
from exceptions.states import Resolution
from meshline import instant
from reconciliation import values
from reconciliation.kinds import KINDS, As
from reconciliation.missed import CLOCK
from reconciliation.models import Divergence, Sort

KIND = "divergence"
# In one transaction: the ticket is held meanwhile.
SOME = 100
# The name of the group's page, where no field differs but the whole record.
WHOLE = "record"
State = Divergence.State


@transaction.atomic
def tell_some(*, most: int = SOME) -> int:
    """Hang the next few on their tickets, and take off what is over; how many."""
    at = instant.now()
    fresh, over = _waiting(State.OPEN, told=False), _waiting(State.GONE, State.ACCEPTED, told=True)
    found = [*fresh[:most], *over[:most]]
    for one in found:
        if one.is_told:
            _settle(one, at)
        else:
            troubles.open_ticket(_trouble(one), by=CLOCK, at=at)
        one.is_told = not one.is_told
        one.save(update_fields=["is_told"])
    return len(found)


def something_is_due() -> bool:
    fresh, over = _untold(State.OPEN, told=False), _untold(State.GONE, State.ACCEPTED, told=True)
    return fresh.exists() or over.exists()


def _untold(*states: str, told: bool):
    return Divergence.objects.filter(state__in=states, is_told=told).order_by("pk")


def _waiting(*states: str, told: bool):
    rows = _untold(*states, told=told)
    locked = rows.select_for_update(of=("self",), no_key=True, skip_locked=True)
    return locked.select_related("connection", "proposal__owner", "accepted_by")


def _settle(one: Divergence, at: datetime) -> None:
    if one.state == State.ACCEPTED and one.accepted_by is not None:
        because = f"{one.accepted_by.name} accepted it: {one.accepted_why}"
        troubles.settle(
            subject=one.ref, because=because, by=one.accepted_by, at=at,
            resolution=Resolution.NO_ACTION,
        )  # fmt: skip
        return
    troubles.settle(subject=one.ref, because=one.why or "It is gone.", by=CLOCK, at=at)


def label(one: Divergence) -> str:
    """What differs, in words: "amount", or the record as a whole."""
    kind = KINDS[one.kind]
    known = kind.field(one.field)
    return known.label if known else one.field or kind.one


def sides(one: Divergence) -> tuple[str, str]:
    """Ours and theirs as people read them."""
    field = KINDS[one.kind].field(one.field)
    is_whole = one.sort in (Sort.MISSING_THERE, Sort.MISSING_HERE)
    if is_whole or (field is not None and field.how is As.MONEY):
        return values.in_words(one.ours), values.in_words(one.theirs)
    return one.ours, one.theirs


def title(one: Divergence) -> str:
    """What the group is, as the name of its ticket."""
    kind, there = KINDS[one.kind], one.connection.name
    if one.sort == "missing-there":
        return f"{kind.many.capitalize()} are missing in {there}"
    if one.sort == "missing-here":
        return f"{kind.many.capitalize()} of {there} are missing here"
    if one.sort == "duplicate":
        return f"Several {kind.many} in {there} for one proposal"
    stale = ", unchanged there since" if one.sort == "stale" else ""
    return f"Another {label(one)} in {there}{stale}"


def _trouble(one: Divergence) -> troubles.Trouble:
    named = str(one.proposal) if one.proposal else f"{KINDS[one.kind].one} {one.external_id}"
    ours, theirs = sides(one)
    return troubles.Trouble(
        kind=KIND,
        cause=f"{KIND}:{one.connection.slug}:{one.kind}:{one.sort}:{one.field or WHOLE}",
        title=title(one),
        reason=f"{named}: {one.cause}. Found by comparing with everything in "
        f"{one.connection.name}; each closes once a later read shows both sides equal.",
        subject=one.ref,
        evidence={
            "ours": ours or "nothing",
            "theirs": theirs or "nothing",
            "cause": one.cause,
            "page": f"/reconciliation/divergences/{one.pk}/",
        },
        record=one.proposal.record if one.proposal else "",
        record_title=named,
        connection=one.connection.slug,
        amount=one.amount,
        currency=one.currency if one.amount is not None else "",
        severity=one.severity,
        remedies=_remedies(one),
    )


def _remedies(one: Divergence) -> list[dict]:
    return [
        {"label": "See the differences", "url_name": "reconciliation:group",
         "args": [one.connection.slug, one.kind, one.sort, one.field or WHOLE],
         "explains": "Each with both sides, who should win, and what can be done.",
         "is_page": True},
    ]  # fmt: skip
