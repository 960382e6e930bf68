"""The pools' turns: taken under a lock, so that two workers never give the same one twice."""

from collections.abc import Collection, Iterable

from django.db.models import Count

from meshline import bulk
from meshline.people.models import User
from proposals.models import Proposal, RoutingDecision, RoutingPool
from proposals.routing import pools
from proposals.routing.pools import Turn, Turns
from proposals.routing.rules import Rule, RuleSet
from proposals.routing.targets import Pool
from proposals.states import MOVES, State

# Still somebody's work: a move out of it is theirs to bring about.
OPEN = [state for state in State if MOVES[state] and state is not State.EXPIRED]


class Book:
    """The turns of one batch.

    Every pool of the rule set is locked with the first turn that is taken, in one order, and stays
    so until the transaction ends. `rehearsed` locks and writes nothing; it may begin from turns
    that an earlier part of the same rehearsal left.
    """

    def __init__(
        self, rules: RuleSet, *, rehearsed: bool = False, begin: dict[str, dict] | None = None
    ) -> None:
        self._rules, self._rehearsed = rules, rehearsed
        self._rows: dict[str, RoutingPool] | None = None
        self._turns = {slug: Turns.read(node) for slug, node in (begin or {}).items()}
        self._taken: set[str] = set()
        self._open: dict[str, int] | None = None

    def take(self, rule: Rule, present: Collection[str]) -> Turn | None:
        """The next turn of this rule's pool among those present, below their limit."""
        assert isinstance(rule.then, Pool)
        self._open_rows()
        able = [person for person in present if self._is_below(person, rule.then.most_open)]
        turn = pools.take(rule.then, self._turns.get(rule.slug, Turns()), able)
        if turn is None:
            return None
        self._turns[rule.slug] = turn.turns
        self._taken.add(rule.slug)
        if self._open is not None and not self._rehearsed:
            self._open[turn.person] = self._open.get(turn.person, 0) + 1
        return turn

    def write(self) -> None:
        """Keep where the pools stand now."""
        if self._rehearsed or self._rows is None or not self._taken:
            return
        changed = [self._rows[slug] for slug in sorted(self._taken)]
        for row in changed:
            row.turns = self._turns[row.rule].as_json()
        bulk.update(changed, ["turns"])
        self._taken.clear()

    def as_json(self) -> dict[str, dict]:
        """Where the pools of a rehearsal stand."""
        return {slug: turns.as_json() for slug, turns in self._turns.items()}

    def _open_rows(self) -> None:
        if self._rows is not None:
            return
        slugs = pools_of(self._rules)
        if not self._rehearsed:
            # Made when the rules are published; a set that was not is no worse off.
            make_missing(slugs)
        rows = RoutingPool.objects.filter(record_kind="proposal", rule__in=slugs).order_by("pk")
        found = rows if self._rehearsed else rows.select_for_update()
        self._rows = {row.rule: row for row in found}
        read = {slug: Turns.read(row.turns) for slug, row in self._rows.items()}
        self._turns = {**read, **self._turns}

    def _is_below(self, person: str, most: int | None) -> bool:
        if most is None:
            return True
        if self._open is None:
            self._open = _open_records(self._rules)
        return self._open.get(person, 0) < most


def pools_of(rules: RuleSet) -> list[str]:
    return sorted(rule.slug for rule in rules.rules if isinstance(rule.then, Pool))


def make_missing(slugs: Iterable[str]) -> None:
    """A row for each of these pools, for the turns to be locked by."""
    here = set(RoutingPool.objects.filter(record_kind="proposal").values_list("rule", flat=True))
    missing = [RoutingPool(rule=slug) for slug in sorted(set(slugs) - here)]
    if missing:
        RoutingPool.objects.bulk_create(missing, ignore_conflicts=True)


def give_back(record: str, *, owner: User) -> None:
    """Somebody gave this record away from `owner`: the turn it cost them is owed to them."""
    theirs = RoutingDecision.objects.filter(record=record, owner=owner, took_turn=True)
    last = theirs.order_by("-pk").first()
    if last is None:
        return
    rows = RoutingPool.objects.select_for_update().filter(record_kind="proposal", rule=last.rule)
    row = rows.first()
    if row is not None:
        row.turns = pools.give_back(Turns.read(row.turns), owner.email.lower()).as_json()
        row.save(update_fields=["turns"])


def _open_records(rules: RuleSet) -> dict[str, int]:
    """How many open proposals each member of a pool owns, by their e-mail."""
    pooled = [rule.then for rule in rules.rules if isinstance(rule.then, Pool)]
    members = {email for pool in pooled for email in pool.people}
    # A row that is just being made has an owner only for the moment.
    held = Proposal.objects.filter(state__in=OPEN).exclude(version=0)
    people = User.objects.filter(email__in=members).values_list("pk", "email")
    emails = {pk: email.lower() for pk, email in people}
    counted = held.filter(owner__in=emails).values_list("owner").annotate(Count("pk"))
    return {emails[pk]: number for pk, number in counted}
