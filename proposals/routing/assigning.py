"""Who owns a proposal, and why it is them. There is always exactly one person.

The rules in force decide (proposals.routing.rules); here they meet who is there at that moment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from meshline.people.models import User
from proposals.history import Naming
from proposals.models import Proposal, RoutingDecision, Signal
from proposals.routing import rulebook, rules
from proposals.routing.roster import Roster
from proposals.routing.rules import Rule, RuleSet
from proposals.routing.targets import Fallback, InTeam, Named, Person, Pool, Queue
from proposals.routing.turns import Book

Facts = Mapping[str, Any]
# Of a viewer: they see everything, and are given no work.
_ONLY_LOOKS = "only looks on here and is given no work"
# A record whose owner a person must choose, and one whose named owner is nobody we know.
BY_HAND, DRIFT = "route-by-hand", "role-drift"


@dataclass(frozen=True)
class Assignment:
    """An owner with the reason; `drift` says what is wrong while they are only temporary.

    Then a ticket of the kind `trouble` says so, one for each `cause`.
    """

    owner: User
    why: str
    drift: str = ""
    trouble: str = DRIFT
    cause: str = ""
    # Whose it is, where the owner stands in for somebody who is out.
    meant_for: User | None = None
    took_turn: bool = False
    # What decided: the rule, its version, and what was known.
    rule: Rule | None = None
    version: int = 0
    facts: Facts = field(default_factory=dict)

    @property
    def is_temporary(self) -> bool:
        return bool(self.drift)


class Router:
    """Assigns owners for one batch by one version of the rules, the one in force as it began."""

    def __init__(self, emails: Iterable[str], *, at: datetime) -> None:
        self.in_force = rulebook.in_force()
        self.roster = Roster(emails, at=at)
        self._book = Book(self.in_force.rules)
        # Of what is synthetic: nobody's turn is taken for it.
        self._rehearsal = Book(self.in_force.rules, rehearsed=True)

    def for_now(self, named: str) -> tuple[User, User | None]:
        """Somebody for a row that is just being made, and whom they stand in for; the rules decide
        once its story is told."""
        user = self.roster.person(named) if named else None
        if user is None or not user.can_be_given_work:
            return self.roster.fallback.user, None
        holder = self.roster.stand_in(user) or self.roster.fallback.user
        return holder, None if holder == user else user

    def assign(
        self, naming: Naming, *, source: str, holder: User | None, is_synthetic: bool = False
    ) -> Assignment:
        """The owner by the rules; `holder` has it now, and keeps a turn they took before."""
        book = self._rehearsal if is_synthetic else self._book
        facts = facts_of(naming, source=source, roster=self.roster)
        return decide(
            self.in_force.rules, facts, roster=self.roster, book=book, holder=holder,
            version=self.in_force.number,
        )  # fmt: skip

    def decision(
        self, proposal: Proposal, signal: Signal | None, made: Assignment
    ) -> RoutingDecision:
        """What was decided, to be written down with the rest of the batch."""
        return RoutingDecision(
            record=proposal.record, signal=signal, rules_id=self.in_force.pk,
            rule=made.rule.slug if made.rule else "", owner=made.owner, meant_for=made.meant_for,
            took_turn=made.took_turn, why=made.why[:300], facts=rules.as_json(made.facts),
            at=self.roster.at,
        )  # fmt: skip

    def write(self) -> None:
        self._book.write()


def own(proposal: Proposal, naming: Naming, router: Router) -> Assignment | None:
    """Let the rules decide, where what they go by is new and no person has chosen."""
    named_anew, basis = naming.owner != proposal.owner_named, rules.basis(naming)
    proposal.owner_named = naming.owner
    if proposal.owner_pinned or not (named_anew or _is_news(proposal, basis)):
        return None
    holder = proposal.owner if proposal.version else None
    made = router.assign(
        naming, source=proposal.source, holder=holder, is_synthetic=proposal.is_synthetic
    )
    proposal.owner, proposal.owner_why = made.owner, made.why[:300]
    proposal.owner_is_temporary, proposal.owner_basis = made.is_temporary, basis
    proposal.stands_in_for = made.meant_for if made.meant_for != made.owner else None
    return made


def _is_news(proposal: Proposal, basis: str) -> bool:
    """Whether the rules would go by something else now: an older event told it differently.

    What was decided before there were rules stays decided.
    """
    decided_by_rules = bool(proposal.owner_basis) or not proposal.version
    return decided_by_rules and basis != proposal.owner_basis


def facts_of(naming: Naming, *, source: str, roster: Roster) -> dict[str, Any]:
    """Everything a rule may ask: what the story tells, and how the person it names stands now."""
    named = roster.person(naming.owner) if naming.owner else None
    return {
        **rules.told(naming, source=source),
        "owner_known": named is not None,
        "owner_active": bool(named and named.is_active),
        "owner_present": roster.is_present(named),
        "owner_team": named.team.slug if named and named.team else "",
    }


def decide(
    rule_set: RuleSet, facts: Facts, *, roster: Roster, book: Book, holder: User | None = None,
    version: int = 0,
) -> Assignment:  # fmt: skip
    """What these rules make of these facts."""
    rule = rule_set.decide(facts)
    made = _ANSWERS[type(rule.then)](rule, facts, roster, book, holder)
    return replace(made, rule=rule, version=version, facts=facts)


# --- One answer a kind of target ------------------------------------------------------------------
def _named(rule: Rule, facts: Facts, roster: Roster, book: Book, holder: User | None) -> Assignment:
    """Whoever the source names, or who stands in for them."""
    user = roster.person(facts["owner_named"]) if facts["owner_named"] else None
    if user is None or not user.can_be_given_work:
        return _fallback(rule, facts, roster, book, holder)
    said = f"{roster.called[facts['source']]} names {user.name} ({user.email}) as owner"
    return _given_to(user, said, roster, rule)


def _person(
    rule: Rule, facts: Facts, roster: Roster, book: Book, holder: User | None
) -> Assignment:
    assert isinstance(rule.then, Person)
    user = roster.person(rule.then.person)
    if user is None or not user.can_be_given_work:
        name = user.name if user else rule.then.person
        why = "no longer works here" if user is None or not user.is_active else _ONLY_LOOKS
        return _nobody(rule, f"“{rule.name}” gives it to {name}, who {why}.", roster)
    return _given_to(user, f"“{rule.name}” gives it to {user.name}", roster, rule)


def _pool(rule: Rule, facts: Facts, roster: Roster, book: Book, holder: User | None) -> Assignment:
    assert isinstance(rule.then, Pool)
    roster.meet(rule.then.people)
    here = [email for email in rule.then.people if roster.is_present(roster.person(email))]
    if holder is not None and holder.email.lower() in here:
        return Assignment(holder, f"{holder.name} has it already, and is in “{rule.name}”.")
    turn = book.take(rule, here)
    user = roster.person(turn.person) if turn else None
    if turn is None or user is None:
        limit = f" below their limit of {rule.then.most_open}" if rule.then.most_open else ""
        return _nobody(rule, f"Nobody in the pool of “{rule.name}” is present{limit}.", roster)
    owed = ", for one that was given away" if turn.was_owed else ""
    why = f"“{rule.name}” goes in turn: it is the turn of {user.name}{owed}."
    return Assignment(user, why, took_turn=True)


def _team(rule: Rule, facts: Facts, roster: Roster, book: Book, holder: User | None) -> Assignment:
    assert isinstance(rule.then, InTeam)
    team, user = roster.team(rule.then.team)
    name = team.name if team else rule.then.team
    if user is None:
        return _nobody(rule, f"“{rule.name}” gives it to {name}, where nobody is present.", roster)
    return Assignment(user, f"“{rule.name}” gives it to {name}: {user.name} is there for it now.")


def _queue(rule: Rule, facts: Facts, roster: Roster, book: Book, holder: User | None) -> Assignment:
    assert isinstance(rule.then, Queue)
    found = roster.responsible(rule.then.process)
    return Assignment(
        found.user, f"“{rule.name}” leaves the owner to be chosen. {found.why}",
        drift=f"“{rule.name}” leaves the owner to be chosen by a person.",
        trouble=BY_HAND, cause=f"{BY_HAND}:{rule.slug}",
    )  # fmt: skip


def _fallback(
    rule: Rule, facts: Facts, roster: Roster, book: Book, holder: User | None
) -> Assignment:
    """The fallback owner; only for the time being where the source named nobody we can reach."""
    drift = _drift(facts, roster)
    cause = f"{DRIFT}:{facts['source']}:{facts['owner_named'].lower() or 'nobody'}"
    return Assignment(roster.fallback.user, roster.fallback.why, drift, cause=cause)


_ANSWERS = {
    Named: _named, Person: _person, Pool: _pool, InTeam: _team, Queue: _queue, Fallback: _fallback,
}  # fmt: skip


# --- What they share ------------------------------------------------------------------------------
def _given_to(user: User, said: str, roster: Roster, rule: Rule) -> Assignment:
    """Them, or who stands in while they are out, or the fallback owner."""
    someone = roster.stand_in(user)
    if someone is None:
        why = f"{said}, but they are out and nobody stands in. {roster.fallback.why}"
        return Assignment(roster.fallback.user, why, meant_for=user)
    if someone != user:
        why = f"{said}; they are out, and {someone.name} stands in."
        return Assignment(someone, why, meant_for=user)
    return Assignment(user, f"{said}.")


def _nobody(rule: Rule, sentence: str, roster: Roster) -> Assignment:
    """A rule that finds nobody: the fallback owner has it, and somebody looks at the rule."""
    why = f"{sentence} {roster.fallback.why}"
    return Assignment(
        roster.fallback.user, why, drift=sentence, cause=f"{DRIFT}:rule:{rule.slug}"
    )  # fmt: skip


def _drift(facts: Facts, roster: Roster) -> str:
    """Why nobody could be found by what the source names; empty when somebody could."""
    named, source = facts["owner_named"], roster.called[facts["source"]]
    user = roster.person(named) if named else None
    if not named:
        return f"{source} names no owner."
    if user is None:
        return f"{source} names {named} as owner, but nobody here has that e-mail."
    if not user.is_active:
        return f"{source} names {user.name} as owner, but they no longer work here."
    if not user.can_be_given_work:
        return f"{source} names {user.name} as owner, who {_ONLY_LOOKS}."
    return ""
