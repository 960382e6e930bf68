"""Whose word counts: who may move a proposal into a state, and whose value of a field wins."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from django.db import connection

from meshline.policy import called, roles, truth
from meshline.policy.called import Called
from meshline.policy.models import SourceOfTruth
from meshline.policy.truth import PEOPLE, How, Said, Truth, Verdict
from proposals.fields import GROUPS, LABELS
from proposals.states import ALSO, AUTHORITY, State

__all__ = ["PEOPLE", "Authorities", "load", "moves", "steady"]

RECORD = "proposal"
# Held by whoever takes signals in, alone by whoever changes whose word counts; any number will do
# that nobody else takes.
_LOCK = 0x74727574
# Where no connection is named for a part.
_BY_ITSELF = {"quoting": " of the proposals it brings"}


@dataclass(frozen=True)
class Authorities:
    """The authority table as it stands, read once for a batch."""

    configured: dict[str, str]
    billing: str
    # The fields of which something is agreed; an empty connection is the one that brought it.
    agreed: dict[str, Truth] = field(default_factory=dict)

    # --- Moves ------------------------------------------------------------------------------
    def of(self, target: State, *, source: str) -> str:
        """The connection (slug), or PEOPLE, that may say `target` of a proposal from `source`."""
        return self._of_part(AUTHORITY[target], source)

    def _of_part(self, part: str, source: str) -> str:
        if named := self.configured.get(part):
            return named
        return {"quoting": source, "billing": self.billing, "close": PEOPLE}[part]

    def refusal(self, target: State, *, source: str, sender: str) -> str:
        """Why `sender` may not say so, as a sentence; empty when it may."""
        authority = self.of(target, source=source)
        also = {self._of_part(part, source) for part in ALSO.get(target, ())}
        if sender and sender in {authority, *also}:
            return ""
        said = target.label.lower()
        if not authority:
            return f"Nothing is connected yet that may say {said}; {self.called[sender]} may not."
        may, may_not = self.called[authority], self.called[sender]
        return f"Only {may} may say that this proposal is {said}; {may_not} may not."

    # --- Fields -----------------------------------------------------------------------------
    def truths(self, *, source: str) -> Mapping[str, Truth]:
        """What is agreed of the fields of a proposal that `source` brought."""
        return {name: _resolved(one, source) for name, one in self._governed.items()}

    def winner(self, name: str, values: Iterable[Said], *, source: str) -> Verdict:
        """Which of these values of a field counts, of a proposal from `source`: the one rule for
        intake, reconciliation and suggested fixes (meshline.policy.truth)."""
        agreed = self.agreed.get(name, Truth())
        return truth.winner(_resolved(agreed, source), values)

    def kept_by(self, connection: str, *, source: str) -> set[str]:
        """The canonical fields that this connection is the authority for: what others know of them
        is not written there."""
        return {
            part
            for name, one in self.truths(source=source).items()
            if one.how.has_authority and one.connection == connection
            for part in GROUPS[name]
        }

    @cached_property
    def _governed(self) -> dict[str, Truth]:
        """Where the most recent word counts, nothing has to be told apart."""
        return {name: one for name, one in self.agreed.items() if one.how is not How.RECENT}

    # --- In words ---------------------------------------------------------------------------
    @cached_property
    def called(self) -> Called:
        """The connections' names, read when the first sentence wants one."""
        return called.names()

    def counts(self, name: str) -> str:
        """Whose value of a field counts, as the end of a sentence."""
        agreed = self.agreed.get(name, Truth())
        if agreed.how.has_authority:
            whose = self.called[agreed.connection] or "the connection that brought the proposal"
            return f"what {whose} says, {agreed.how.label.lower()}"
        if agreed.how is How.ASK:
            return "a person is asked where systems differ"
        return "the most recent word"

    def says(self, connection: str, *, brings_proposals: bool) -> list[str]:
        """What this connection is the authority for, in words."""
        own = connection if brings_proposals else ""
        parts = [
            f"{states_of(part)}{'' if self.configured.get(part) else _BY_ITSELF.get(part, '')}"
            for part in moves()
            if connection and self._of_part(part, own) == connection
        ]
        fields = [
            f"the {LABELS[name]}, {one.how.label.lower()}"
            for name, one in self._governed.items()
            if one.how.has_authority and (one.connection or own) == connection
        ]
        return [*parts, *fields]


def _resolved(one: Truth, source: str) -> Truth:
    return Truth(one.how, one.connection or source) if one.how.has_authority else one


def moves() -> list[str]:
    """The parts that say states: each may have an authority of its own."""
    return list(dict.fromkeys(AUTHORITY.values()))


def states_of(part: str) -> str:
    """The states a part says, inside a sentence."""
    said = [state.label.lower() for state in State if AUTHORITY[state] == part]
    return " and ".join(filter(None, [", ".join(said[:-1]), said[-1]]))


def load() -> Authorities:
    """The authorities of proposals, from the one table of sources of truth."""
    configured: dict[str, str] = {}
    agreed: dict[str, Truth] = {}
    rows = SourceOfTruth.objects.filter(record_kind=RECORD)
    for name, slug, how in rows.values_list("field", "connection", "how"):
        if name in GROUPS:
            agreed[name] = Truth(How(how), slug)
        elif slug:
            configured[name] = slug
    return Authorities(configured, roles.connection_for("billing"), agreed)


def steady() -> None:
    """Until the end of the transaction nobody changes whose word counts.

    Asked for before anything else is locked: who changes it waits for all that are under way, and
    whoever comes meanwhile waits for the change. So none is told by a rule that is over.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_LOCK])


def alone() -> None:
    """Until the end of the transaction no proposal is told by anybody else; for a change of it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
