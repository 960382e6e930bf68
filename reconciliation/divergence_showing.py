"""Differences side by side, before one person's eyes."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors import showing
from connectors.models import RecordLink
from meshline import masking
from meshline.money import worded
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, refusal_for, scope
from proposals.models import Proposal
from reconciliation import fixing, groups
from reconciliation.judging import Judge
from reconciliation.kinds import KINDS
from reconciliation.models import Divergence, Run, Side


@dataclass(frozen=True)
class Seen:
    """A difference: what of what, both sides, who should win, and what may be done."""

    one: Divergence
    what: str
    title: str
    label: str
    ours: str
    theirs: str
    ours_raw: str
    theirs_raw: str
    at_risk: str
    badge: str
    winner: str
    refusals: dict[str, str]
    # What a person said here instead, while that is on its way.
    said: str

    @property
    def we_win(self) -> bool:
        """Whether the value here should win: its authority is another system than theirs."""
        return bool(self.winner) and self.winner != self.one.connection.slug

    @property
    def they_win(self) -> bool:
        return self.winner == self.one.connection.slug


@dataclass(frozen=True)
class Rung:
    """One step of the ladder of amounts: quoted, signed, invoiced, paid."""

    name: str
    amount: str


def rows(found: Iterable[Divergence], by: User) -> list[Seen]:
    judge = Judge()
    is_masked = scope(by, Permission.SEE_RUNS) is Scope.MASKED
    return [_seen(one, by, judge, is_masked) for one in found]


def _seen(one: Divergence, by: User, judge: Judge, is_masked: bool) -> Seen:
    def told(value: str) -> str:
        return masking.MASK if is_masked and value else value

    named = str(one.proposal) if one.proposal else f"{KINDS[one.kind].one} {one.external_id}"
    ours, theirs = groups.sides(one)
    is_said = one.state == Divergence.State.FIXING and one.fixed_to == Side.EDITED
    at_risk = "" if one.amount is None else worded(one.amount, one.currency)
    return Seen(
        one=one, what=told(named) if one.proposal is None else named, title=groups.title(one),
        label=groups.label(one), ours=told(ours), theirs=told(theirs),
        ours_raw=told(one.ours_raw), theirs_raw=told(one.theirs_raw), at_risk=told(at_risk),
        badge=judge.badge(one), winner=judge.winner(one), refusals=_refusals(one, by, judge),
        said=told(fixing.said(one)) if is_said else "",
    )  # fmt: skip


def _refusals(one: Divergence, by: User, judge: Judge) -> dict[str, str]:
    """Why not, for each act; empty: go ahead."""
    fixes = refusal_for(by, Permission.FIX_DIVERGENCE)
    over = "" if one.state in ("open", "accepted") else f"It is {one.get_state_display().lower()}."
    return {
        Side.OURS: fixes or over or judge.no_ours(one),
        Side.THEIRS: fixes or over or judge.no_theirs(one),
        Side.EDITED: fixes or fixing.over(one, Side.EDITED) or judge.no_edit(one),
        "accept": refusal_for(by, Permission.ACCEPT_DIVERGENCE) or over,
    }


def unsure(seen: Seen) -> str:
    """What is known to stand in the way of writing ours, where it may be tried all the same."""
    return "" if seen.refusals[Side.OURS] else Judge().unsure_of_ours(seen.one)


def answered(one: Divergence, by: User) -> str:
    """Why what was to be written is not there: what they said, or what kept it here."""
    said = one.outcome.last_error if one.outcome else ""
    is_masked = scope(by, Permission.SEE_RUNS) is Scope.MASKED
    return masking.MASK if is_masked and said else said


def ladder(proposal: Proposal | None, by: User) -> list[Rung]:
    """Quoted, signed, invoiced, paid: as far as each is known."""
    if proposal is None:
        return []
    is_masked = scope(by, Permission.SEE_RUNS) is Scope.MASKED
    quoted, invoiced = proposal.amount, proposal.invoiced
    steps: list[tuple[str, Decimal | None, str]] = [
        ("Quoted", quoted, proposal.currency),
        ("Signed", quoted if _was_signed(proposal) else None, proposal.currency),
        ("Invoiced", invoiced, proposal.invoiced_currency),
        ("Paid", invoiced if proposal.invoice_status == "paid" else None,
         proposal.invoiced_currency),
    ]  # fmt: skip
    return [
        Rung(name, masking.MASK if is_masked and amount is not None else worded(amount, currency))
        for name, amount, currency in steps
    ]


def _was_signed(proposal: Proposal) -> bool:
    over = ("signed", "invoiced", "closed-won")
    return proposal.state in over or proposal.transitions.filter(to_state="signed").exists()


def places(one: Divergence) -> list[Any]:
    """Where it is over there."""
    known = RecordLink.objects.filter(connection=one.connection).select_related("connection")
    record = one.proposal.record if one.proposal else "nothing"
    return [showing.place(link) for link in known.filter(record=record).order_by("pk")[:10]]


def found_by(one: Divergence) -> list[Run]:
    """The runs that found it, the newest first."""
    return list(Run.objects.filter(sightings__divergence=one).order_by("-pk")[:10])
