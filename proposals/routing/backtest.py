"""What other rules would have made of the last events: counted in parts, and nothing is written.

Each past decision is put to the rules once more, over what was known then and with the people who
were present then. Where the same rule still gives to the same target the owner stays as it was.
The database itself refuses to write meanwhile.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from meshline.people.models import Team, User
from meshline.policy import business_time, calendars
from meshline.policy.business_time import Hours
from proposals.models import Outcome, Proposal, RoutingDecision
from proposals.routing import assigning, rulebook, rules
from proposals.routing.assigning import Assignment
from proposals.routing.roster import Roster
from proposals.routing.rules import Rule, RuleSet
from proposals.routing.turns import Book

MOST_EVENTS, SPAN = 250, timedelta(days=7)
# So many are judged between two looks at the progress.
AT_ONCE = 25


@dataclass
class Tally:
    """How far it has come; small enough to be carried from one part to the next."""

    first: int
    last: int
    total: int
    at: int = 0
    done: int = 0
    # Decision, owner and rule of those that would go to somebody else or by another rule.
    others: list[list[Any]] = field(default_factory=list)
    turns: dict[str, dict] = field(default_factory=dict)
    # Follow-ups that would be due at another time; newly late, and no longer late.
    moved: int = 0
    late: int = 0
    in_time: int = 0

    @property
    def is_over(self) -> bool:
        return self.done >= self.total

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Other:
    """One event that would have gone otherwise."""

    proposal: Proposal | None
    title: str
    at: datetime
    owner_then: User
    owner_now: User
    rule_then: str
    rule_now: str

    @property
    def has_other_owner(self) -> bool:
        return self.owner_then.pk != self.owner_now.pk


@dataclass(frozen=True)
class Share:
    """How many events a rule had then, and would have now."""

    name: str
    lost: int
    gained: int


@dataclass(frozen=True)
class Summary:
    others: list[Other]
    owners: int
    shares: list[Share]


# --- Judging --------------------------------------------------------------------------------------
def begin(*, at: datetime) -> Tally:
    """The last 250 events or 7 days, whichever is fewer: those that decided an owner."""
    recent = RoutingDecision.objects.filter(at__gt=at - SPAN).order_by("-pk")
    ids = list(recent.values_list("pk", flat=True)[:MOST_EVENTS])
    return Tally(ids[-1], ids[0], len(ids), at=ids[-1] - 1) if ids else Tally(0, 0, 0)


def whole(rule_set: RuleSet, *, now: datetime) -> Tally:
    """All of it at once."""
    tally = begin(at=now)
    while not tally.is_over:
        tally = go_on(rule_set, tally, now=now)
    return tally


def go_on(rule_set: RuleSet, tally: Tally, *, now: datetime) -> Tally:
    """The next part. Nothing that is written here would be kept, and the database refuses it."""
    with reading_only():
        rows = RoutingDecision.objects.filter(pk__gt=tally.at, pk__lte=tally.last).order_by("pk")
        part = list(rows.select_related("owner__team")[:AT_ONCE])
        book = Book(rule_set, rehearsed=True, begin=tally.turns)
        found = [(row, made) for row in part if (made := _judge(row, rule_set, book))]
        moved, late, in_time = _due_otherwise(found, now)
    is_last = len(part) < AT_ONCE or not part
    return Tally(
        tally.first, tally.last, tally.total,
        at=part[-1].pk if part else tally.last,
        done=tally.total if is_last else tally.done + len(part),
        others=[*tally.others, *([row.pk, made.owner.pk, _slug(made)] for row, made in found)],
        turns=book.as_json(),
        moved=tally.moved + moved, late=tally.late + late, in_time=tally.in_time + in_time,
    )  # fmt: skip


def _judge(row: RoutingDecision, rule_set: RuleSet, book: Book) -> Assignment | None:
    """What the rules make of it now; None where it all stays as it was."""
    facts = rules.from_json(row.facts)
    rule, before = rule_set.decide(facts), _rule_then(row)
    if before and before.slug == rule.slug and before.then == rule.then:
        return None
    made = assigning.decide(rule_set, facts, roster=Roster(at=row.at), book=book)
    is_same = made.owner.pk == row.owner_id and rule.slug == row.rule
    return None if is_same else made


def _rule_then(row: RoutingDecision) -> Rule | None:
    return rulebook.version(row.rules_id).rules.rule(row.rule)


def _slug(made: Assignment) -> str:
    return made.rule.slug if made.rule else ""


@contextmanager
def reading_only() -> Iterator[None]:
    """What happens within writes nothing, by the database's own word."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        yield
        # Rolled back also where it is a part of a larger transaction, which may go on writing.
        transaction.set_rollback(True)


# --- Due times ------------------------------------------------------------------------------------
def _due_otherwise(
    found: Iterable[tuple[RoutingDecision, Assignment]], now: datetime
) -> tuple[int, int, int]:
    """How many follow-ups the new owners' hours would move; newly late, and no longer late."""
    elsewhere = {
        row.record: made.owner for row, made in found if made.owner.team_id != row.owner.team_id
    }
    if not elsewhere:
        return 0, 0, 0
    hours: dict[int | None, Hours] = {}
    moved = late = in_time = 0
    for outcome, start, minutes in _timed(elsewhere):
        owner, due_at = elsewhere[outcome.record], datetime.fromisoformat(outcome.params["due_at"])
        other = business_time.add(start, minutes, _hours(owner, hours))
        moved += other != due_at
        ended = outcome.unwanted_at or now
        late += due_at >= ended > other
        in_time += other >= ended > due_at
    return moved, late, in_time


def _timed(records: Iterable[str]) -> Iterator[tuple[Outcome, datetime, int]]:
    """The outcomes of these records that are due by business time: from when, within how long."""
    ids = [int(record.partition(":")[2]) for record in records]
    outcomes = Outcome.objects.filter(proposal__in=ids, undo_of=None, params__has_key="due_at")
    for outcome in outcomes.select_related("contract", "signal"):
        agreed = [one for one in outcome.contract.outcomes if one["name"] == outcome.name]
        minutes = (agreed[0].get("params") or {}).get("due_within") if agreed else None
        if minutes and outcome.signal:
            yield outcome, outcome.signal.occurred_at, int(minutes)


def _hours(owner: User, known: dict[int | None, Hours]) -> Hours:
    if owner.team_id not in known:
        team: Team | None = owner.team
        known[owner.team_id] = calendars.hours_of(team)
    return known[owner.team_id]


# --- Showing ------------------------------------------------------------------------------------
def summary(rule_set: RuleSet, tally: Tally) -> Summary:
    """A tally in rows: who would have had what, and which rules gained and lost."""
    decisions = RoutingDecision.objects.select_related("owner").in_bulk(
        [pk for pk, _, _ in tally.others]
    )
    people = User.objects.in_bulk({owner for _, owner, _ in tally.others})
    proposals = Proposal.objects.in_bulk(
        {int(one.record.partition(":")[2]) for one in decisions.values()}
    )
    others = [
        _other(decisions[pk], people[owner], rule_set.rule(slug), proposals)
        for pk, owner, slug in reversed(tally.others)
        if pk in decisions and owner in people
    ]
    return Summary(others, sum(one.has_other_owner for one in others), _shares(others))


def _other(
    row: RoutingDecision, owner: User, rule: Rule | None, proposals: dict[int, Proposal]
) -> Other:
    proposal, before = proposals.get(int(row.record.partition(":")[2])), _rule_then(row)
    return Other(
        proposal=proposal, title=str(proposal or row.record), at=row.at, owner_then=row.owner,
        owner_now=owner, rule_then=before.name if before else row.rule,
        rule_now=rule.name if rule else "",
    )  # fmt: skip


def _shares(others: list[Other]) -> list[Share]:
    by_other_rule = [one for one in others if one.rule_then != one.rule_now]
    lost = Counter(one.rule_then for one in by_other_rule)
    gained = Counter(one.rule_now for one in by_other_rule)
    return [Share(name, lost[name], gained[name]) for name in dict.fromkeys([*gained, *lost])]
