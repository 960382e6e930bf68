"""Who decides at a review gate: whom it names, or who is next in line where nobody else could.

Nobody decides on what they caused or asked for. Where the gate names nobody besides, it goes to
who is accountable for the process of the contract's owner, else to the managers, else to the
company's fallback: the first of these that has somebody else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from meshline.people import availability, permissions
from meshline.people.models import User
from meshline.people.permissions import Permission, Role
from meshline.people.roll import Roll
from meshline.policy import raci
from meshline.policy.raci import Answerable
from proposals.contracts import gates
from proposals.contracts.gates import APPROVERS
from proposals.models import Approval, Outcome

# Who is accountable for this decides where the one whom a gate names has left, or caused it.
PROCESS = "proposal-state"
_MANAGERS = f"role:{Role.MANAGER.value}"


@dataclass(frozen=True)
class Decision:
    """Who decides on one outcome, in a word ("a RevOps manager"), and why not whom its gate
    names."""

    people: Sequence[User]
    whom: str
    why: str = ""


@dataclass(frozen=True)
class _Next:
    """Who would be next in line, as in "so it goes to the managers"."""

    people: Sequence[User]
    whom: str
    goes_to: str


class Deciders:
    """Who decides at one moment; each word is looked up once, however many wait for it."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self._found: dict[str, list[User]] = {}
        self._line: dict[int, list[_Next]] = {}

    def on(self, approval: Approval) -> Decision:
        """Who decides on this one."""
        named, barred = self.of(approval.who), _barred(approval)
        whom = gates.whom(approval.who)
        others = [user for user in named if user not in barred]
        if others or not any(self._means(approval.who, user) for user in barred):
            return Decision(others, whom)
        did = " and ".join(f"{user.name} {deed}" for user, deed in barred.items())
        for one in self._next_in_line(approval.outcome):
            if people := [user for user in one.people if user not in barred]:
                return Decision(people, one.whom, f"{did}, so it goes to {one.goes_to}")
        return Decision([], whom, f"{did}, and nobody else here may decide.")

    def of(self, who: str) -> list[User]:
        """Everybody who may decide by this word."""
        if who not in self._found:
            self._found[who] = [user for user in self._find(who) if may(user)]
        return self._found[who]

    def _means(self, who: str, user: User) -> bool:
        """Whether the word means this person, here or out."""
        return user in self.of(who) or who == f"person:{user.email}"

    def _find(self, who: str) -> list[User]:
        kind, _, name = who.partition(":")
        active = User.objects.active().order_by("pk")
        if who == APPROVERS:
            return list(active.filter(approves_model=True))
        if kind == "role":
            return list(active.in_role(Role(name)))
        if kind == "person":
            found = self._person(active.filter(email=name).first())
            return [found] if found else []
        return [raci.accountable_for(name, at=self.at).user]

    def _person(self, named: User | None) -> User | None:
        """Who decides for somebody: themselves, or who stands in for them."""
        if named and may(named):
            return self._roll.stand_in_for(named)
        # They have left, or may not approve any more: it would wait for them for ever.
        return raci.accountable_for(PROCESS, at=self.at).user

    @cached_property
    def _roll(self) -> Roll:
        return availability.roll_at(self.at)

    # --- Where nobody else could ------------------------------------------------------------------
    def _next_in_line(self, outcome: Outcome) -> list[_Next]:
        """Each stage after the gate's own word; outcomes of one contract have the same."""
        if outcome.contract_id not in self._line:
            self._line[outcome.contract_id] = self._stages(outcome.contract.owner)
        return self._line[outcome.contract_id]

    def _stages(self, owner: str) -> list[_Next]:
        kind, _, name = owner.partition(":")
        accountable = raci.accountable_for(name if kind == "process" else PROCESS, at=self.at)
        managers = _Next(self.of(_MANAGERS), gates.whom(_MANAGERS), "the managers.")
        # Who has it as a fallback comes when nobody is left.
        first = [] if accountable.is_fallback else [_alone(accountable)]
        return [*first, managers, _alone(raci.fallback(at=self.at))]


def may(user: User) -> bool:
    """Whether this person may decide at gates at all."""
    is_refused = permissions.refusal_for(user, Permission.APPROVE_GATES)
    return not is_refused and (user.role != Role.VIEWER or user.approves_model)


def _barred(approval: Approval) -> dict[User, str]:
    """Who does not decide on it, and what they did instead."""
    did = ((approval.asked_by, "asked for it"), (approval.caused_by, "caused it"))
    return {user: deed for user, deed in did if user is not None}


def _alone(answerable: Answerable) -> _Next:
    user = answerable.user
    return _Next([user] if may(user) else [], user.name, f"{user.name}. {answerable.why}")
