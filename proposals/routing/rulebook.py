"""The routing rules' versions: drafted, published, brought back. Only one is in force."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Lower

from meshline.audit import trail
from meshline.audit.actors import SETUP, Someone
from meshline.people import permissions
from meshline.people.models import Team, User
from meshline.people.permissions import Permission, Role
from meshline.policy import called, drafts
from meshline.policy.models import Company, Draft
from meshline.policy.operating_model import ModelError, Stale
from meshline.policy.processes import PROCESSES
from meshline.sound_conditions import Known
from proposals.models import RoutingRules
from proposals.routing import rules, targets, turns
from proposals.routing.rules import Rule, RuleError, RuleSet
from proposals.routing.targets import InTeam, Names, Queue

# What its drafts are filed under.
KIND, SLUG = "routing-rules", "proposals"
SAY_WHY = "Say why it comes back; it stands with the version and on the trail."

# As it was before there were rules: whom the source names, else the fallback owner.
FOUNDING: list[dict[str, Any]] = [
    {
        "slug": "named-owner",
        "name": "The owner its source names",
        "when": {"field": "owner_active", "op": "is", "value": True},
        "then": {"to": "named"},
    },
    {"slug": "default", "name": "Everything else", "then": {"to": "fallback"}},
]


class RulesError(ModelError):
    """Rules that cannot be: a sentence, which rule (from 1; 0 for all), and which part of it."""

    def __init__(self, sentence: str, rule: int = 0, part: str = "") -> None:
        super().__init__(sentence, "rules")
        self.rule, self.part = rule, part


@dataclass(frozen=True)
class InForce:
    """One version, compiled."""

    pk: int
    number: int
    rules: RuleSet


# Versions never change, so what was read once stays read.
_compiled: dict[int, InForce] = {}


def in_force(record_kind: str = "proposal") -> InForce:
    """The version that decides now: one question that reads no more than its number."""
    pk = RoutingRules.objects.live(record_kind).values_list("pk", flat=True).get()
    return version(pk)


def version(pk: int) -> InForce:
    """A version, compiled once for this process."""
    if pk not in _compiled:
        row = RoutingRules.objects.get(pk=pk)
        _compiled[pk] = InForce(row.pk, row.number, rules.read(row.content))
    return _compiled[pk]


def numbered(number: int, record_kind: str = "proposal") -> RoutingRules | None:
    return RoutingRules.objects.filter(record_kind=record_kind, number=number).first()


def draft() -> Draft | None:
    return drafts.of(KIND, SLUG)


# --- Verbs ----------------------------------------------------------------------------------------
@transaction.atomic
def save_draft(
    *, content: Any, note: str, based_on: int, revision: int, by: User, at: datetime
) -> Draft:
    """Keep what somebody prepares, if it could be published. Raises RulesError or Stale."""
    read = check(content)
    return drafts.save(
        kind=KIND, slug=SLUG, content=read.as_json(), note=note, based_on=based_on,
        revision=revision, by=by, at=at,
    )  # fmt: skip


@transaction.atomic
def publish(*, revision: int, seen: int, note: str, by: User, at: datetime) -> RoutingRules:
    """Put the draft into force; `seen` is the version it was compared with. Raises Stale."""
    here = _locked()
    if here.number != seen:
        raise Stale({"version": seen}, {"version": here.number})
    taken = drafts.take(
        kind=KIND, slug=SLUG, revision=revision, in_force=here.number, second=False, by=by, at=at
    )  # fmt: skip
    author = taken.changed_by.actor_label
    return _publish(here, check(taken.content), note or taken.note, author, by, at)


@transaction.atomic
def restore(*, number: int, seen: int, reason: str, by: User, at: datetime) -> RoutingRules:
    """Bring an older version's rules back, as a new version. Raises RulesError or Stale."""
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    if not reason.strip():
        raise ModelError(SAY_WHY, "reason")
    here = _locked()
    if here.number != seen:
        raise Stale({"version": seen}, {"version": here.number})
    old = numbered(number)
    if old is None or old.pk == here.pk:
        raise ModelError("These rules are in force already.", "reason")
    return _publish(here, check(old.content), reason, old.author, by, at, restores=old.number)


@transaction.atomic
def set_rules(content: Any, *, by: Someone, at: datetime) -> RoutingRules:
    """Put these rules into force at once, as a file does. The same again is no new version."""
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    here, read = _locked(), check(content)
    if read.as_json() == here.content:
        return here
    return _publish(here, read, "From the operating model file.", by.actor_label, by, at)


def found(*, at: datetime) -> None:
    """The rules an installation begins with."""
    if not RoutingRules.objects.live().exists():
        label = SETUP.actor_label
        RoutingRules.objects.create(
            number=1, content=FOUNDING, author=label, approver=label, published_at=at,
            note="As it was before there were rules.",
        )  # fmt: skip


def _locked() -> RoutingRules:
    # Drafts are kept apart by the company's row; whoever publishes takes it first as well.
    Company.objects.select_for_update(of=("self",)).get()
    return RoutingRules.objects.live().select_for_update().get()


def _publish(
    here: RoutingRules, read: RuleSet, note: str, author: str, by: Someone, at: datetime,
    *, restores: int | None = None,
) -> RoutingRules:  # fmt: skip
    before = rules.read(here.content)
    if read == before:
        raise ModelError("These are the rules in force; there is nothing to publish.")
    here.is_live = False
    here.save(update_fields=["is_live"])
    made = RoutingRules.objects.create(
        number=here.number + 1, content=read.as_json(), author=author, approver=by.actor_label,
        note=note.strip()[:300], published_at=at, based_on=here.number, restores=restores,
    )  # fmt: skip
    turns.make_missing(turns.pools_of(read))
    told = rules.difference(before, read, names(before, read))
    trail.record(
        "routing-rules.restored" if restores else "routing-rules.published", subject=made, by=by,
        at=at, before={"version": here.number, **told["before"]},
        after={"version": made.number, "written by": author, **told["after"]}, why=note.strip(),
    )  # fmt: skip
    return made


# --- Checking -------------------------------------------------------------------------------------
def check(content: Any) -> RuleSet:
    """The rules, if every person, team, process and connection they name is there, and their
    conditions can say something. Raises RulesError."""
    try:
        read = rules.write(content, known=known())
    except RuleError as error:
        raise RulesError(str(error), error.rule, error.part) from None
    rows = User.objects.annotate(known_as=Lower("email")).filter(known_as__in=read.people)
    people = {user.known_as: user for user in rows}
    known_teams = set(Team.objects.values_list("slug", flat=True))
    for number, rule in enumerate(read.rules, start=1):
        _check_people(rule, number, people)
        _check_places(rule, number, known_teams)
    return read


def known() -> Known:
    """What the fields of a condition can be that name something here."""
    teams = Team.objects.values_list("slug", flat=True)
    return {"source": called.names(), "owner_team": set(teams)}


def _check_people(rule: Rule, number: int, people: dict[str, User]) -> None:
    for place, email in enumerate(rule.then.people, start=1):
        in_pool = isinstance(rule.then, targets.Pool)
        part = f"then.members.{place}.person" if in_pool else "then.person"
        user = people.get(email)
        if user is None:
            raise RulesError(f"There is nobody {email} here.", number, part)
        if not user.is_active:
            sentence = f"{user.name} is not active here any more; choose somebody who is."
            raise RulesError(sentence, number, part)
        if user.role == Role.VIEWER:
            sentence = f"{user.name} cannot follow a proposal up; choose somebody who can."
            raise RulesError(sentence, number, part)


def _check_places(rule: Rule, number: int, known_teams: set[str]) -> None:
    if isinstance(rule.then, InTeam) and rule.then.team not in known_teams:
        raise RulesError(f"There is no team “{rule.then.team}”.", number, "then.team")
    if isinstance(rule.then, Queue) and rule.then.process not in PROCESSES:
        raise RulesError(f"There is no process “{rule.then.process}”.", number, "then.process")


def names(*read: RuleSet) -> Names:
    """What everybody and everything these rules name is called."""
    emails = {email for one in read for email in one.people}
    rows = User.objects.annotate(known_as=Lower("email")).filter(known_as__in=emails)
    return Names(
        people=dict(rows.values_list("known_as", "name")),
        teams=dict(Team.objects.values_list("slug", "name")),
        processes={name: one.label.lower() for name, one in PROCESSES.items()},
    )
