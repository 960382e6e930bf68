"""A ticket: what went wrong, whose it is, and by when."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce, Least

from exceptions import kinds
from exceptions.kinds import KINDS, Severity
from exceptions.models.plain import Plain
from exceptions.states import Resolution, Status
from meshline.money import worded
from meshline.people.models import Team, User
from meshline.people.permissions import Permission, Scope, scope

UNRESOLVED = ~Q(status=Status.RESOLVED)


def overdue(at: datetime) -> Q:
    """Past one of its two deadlines; a clock that stands still counts as it stood then."""
    now = Least(Value(at, output_field=models.DateTimeField()), F("paused_since"))
    return Q(fix_due_at__lt=now) | Q(acknowledged_at=None, ack_due_at__lt=now)


class TicketQuerySet(models.QuerySet):
    def unresolved(self):
        return self.filter(UNRESOLVED)

    def resolved(self):
        return self.filter(status=Status.RESOLVED)

    def owned_by(self, user: User):
        return self.filter(owner=user)

    def in_hands_of(self, user: User):
        """Claimed by them, or theirs and claimed by nobody."""
        return self.filter(Q(claimed_by=user) | Q(claimed_by=None, owner=user))

    def unclaimed(self):
        return self.filter(status=Status.OPEN)

    def overdue(self, *, at: datetime):
        return self.unresolved().filter(overdue(at))

    def about(self, kind: str, pk: int | str):
        return self.filter(record=f"{kind}:{pk}")

    def soonest_due(self):
        return self.order_by("fix_due_at", "pk")

    def visible_to(self, user: User):
        reach = scope(user, Permission.SEE_QUEUE)
        if reach in (Scope.ALL, Scope.MASKED):
            return self
        if reach is Scope.TEAM and user.team_id:
            # What somebody has for one of the team is still the team's to see.
            of_the_team = Q(owner__team=user.team_id) | Q(stands_in_for__team=user.team_id)
            # And what somebody has claimed is theirs to see, with whomever it is by now.
            theirs = Q(owner=user) | Q(stands_in_for=user) | Q(claimed_by=user)
            return self.filter(of_the_team | theirs)
        return self.filter(Q(owner=user) | Q(claimed_by=user)) if reach else self.none()


class Ticket(models.Model):
    """Something a person must decide: a reason, an owner, two deadlines, evidence, a remedy."""

    # A callable: another kind is a row in that table, not a migration.
    kind = models.CharField(max_length=40, choices=kinds.choices)
    # Whose owners answer for it: its kind's process, or one connection's health. What was opened
    # before tickets said so themselves is its kind's.
    process = models.CharField(max_length=80, blank=True)
    severity = models.CharField(max_length=10, choices=[(s.value, s.label) for s in Severity])
    status = models.CharField(
        max_length=12, default=Status.OPEN, choices=[(s.value, s.label) for s in Status]
    )
    # What went wrong, as one word for the machine: one unresolved ticket per cause.
    cause = models.CharField(max_length=300)
    # What the cause is made of beside kind and connection, where whoever met it knows.
    contract = models.CharField(max_length=80, blank=True)
    step = models.CharField(max_length=80, blank=True)
    failure = models.CharField(max_length=80, blank=True)
    field_name = models.CharField(max_length=80, blank=True)
    title = models.CharField(max_length=300)
    reason = models.TextField()
    # Snapshots, so that the ticket says what was so when it opened.
    record = models.CharField(max_length=120, blank=True)
    record_title = models.CharField(max_length=300, blank=True)
    connection = models.CharField(max_length=60, blank=True)
    amount_at_risk = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    # What is at risk in further currencies, as text by currency.
    other_amounts = models.JSONField(default=dict, blank=True)
    evidence = models.JSONField()
    # [{"label", "explains", "url_name", "args"}]: buttons that post to rooms above.
    remedies = models.JSONField(default=list)
    occurrences = models.PositiveIntegerField(default=1)
    last_seen_at = models.DateTimeField()

    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="tickets")
    owner_why = models.CharField(max_length=300)
    # Whose it is, while its owner has it only because they are out (exceptions.delegation).
    stands_in_for = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT)
    opened_at = models.DateTimeField()
    ack_due_at = models.DateTimeField()
    fix_due_at = models.DateTimeField()
    escalated = models.PositiveSmallIntegerField(default=0)
    # Both clocks count from here: its opening, or its last reopening.
    counted_from = models.DateTimeField()
    # But the first one from when an acknowledgement lapsed, and how often one did.
    ack_counted_from = models.DateTimeField()
    ack_paused_for = models.DurationField(default=timedelta)
    lapsed = models.PositiveSmallIntegerField(default=0)
    # What the queue is sorted by: the next of both deadlines, and money, where none is nothing.
    next_due_at = models.GeneratedField(
        expression=Case(
            When(acknowledged_at__isnull=True, then=F("ack_due_at")), default=F("fix_due_at")
        ),
        output_field=models.DateTimeField(),
        db_persist=True,
    )
    money_at_risk = models.GeneratedField(
        expression=Coalesce("amount_at_risk", Value(Decimal(0))),
        output_field=models.DecimalField(max_digits=20, decimal_places=4),
        db_persist=True,
    )
    # What it is found by: to who sees masked by its names alone, to others by its reason as well.
    name_words = models.GeneratedField(
        expression=SearchVector(Plain("title"), Plain("record_title"), config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    all_words = models.GeneratedField(
        expression=SearchVector(
            Plain("title"), Plain("record_title"), Plain("reason"), config="simple"
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    # For how much business time a rule has stopped the clocks, and since when and which one does.
    paused_for = models.DurationField(default=timedelta)
    paused_since = models.DateTimeField(null=True, blank=True)
    paused_by_rule = models.CharField(max_length=40, blank=True)
    resumed_at = models.DateTimeField(null=True, blank=True)
    # When the clock has to do something about it next: a warning, an escalation, a check.
    next_step_at = models.DateTimeField(null=True, blank=True)
    # The last thing a person did with it: what is acknowledged and then forgotten lapses.
    last_act_at = models.DateTimeField(null=True, blank=True)
    # Asleep: in nobody's way until then, or until one of its deadlines passes.
    snoozed_until = models.DateTimeField(null=True, blank=True)
    snoozed_at = models.DateTimeField(null=True, blank=True)
    snoozed_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    snooze_reason = models.CharField(max_length=300, blank=True)
    # The same cause came back soon after it was closed: how often, and when last.
    reopened = models.PositiveSmallIntegerField(default=0)
    reopened_at = models.DateTimeField(null=True, blank=True)
    # Of a cause that came back later than that, the ticket before.
    follows = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="followed_by"
    )

    # Whose part it has become: what its cause does from then on hangs there.
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="taken_in"
    )

    claimed_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="claimed_tickets"
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    # Whose claim it is, in the same way.
    claimed_for = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    acknowledged_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    # Survives a reopening and an acknowledgement that lapsed.
    first_acknowledged_at = models.DateTimeField(null=True, blank=True)
    # How much of its team's business time that took, and its closing (exceptions.took).
    acknowledged_within = models.DurationField(null=True, blank=True)
    resolved_within = models.DurationField(null=True, blank=True)
    # Nobody, when it closed on evidence.
    resolved_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.CharField(
        max_length=30, blank=True, choices=[(r.value, r.value) for r in Resolution]
    )
    resolution_note = models.TextField(blank=True)
    # Closed by hand while something on it was not proven; it is looked at again.
    is_unverified = models.BooleanField(default=False)
    recheck_at = models.DateTimeField(null=True, blank=True)
    # What it took a person, in minutes, as they said.
    minutes_spent = models.PositiveIntegerField(null=True, blank=True)

    objects = TicketQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            # Grouping is atomic: the second opener finds the first one's ticket.
            models.UniqueConstraint(
                fields=["cause"], condition=UNRESOLVED, name="one_unresolved_ticket_per_cause"
            ),
            models.CheckConstraint(
                condition=~Q(cause="") & ~Q(reason="") & ~Q(evidence={}) & Q(occurrences__gte=1),
                name="ticket_has_cause_and_evidence",
            ),
            # What is acknowledged keeps its time, also when a shorter fix is agreed later; and when
            # that lapsed the time begins anew, whatever is left for the fix.
            models.CheckConstraint(
                condition=Q(ack_due_at__lte=models.F("fix_due_at"))
                | Q(acknowledged_at__isnull=False)
                | Q(lapsed__gt=0),
                name="ack_due_before_fix_due",
            ),
            models.CheckConstraint(
                condition=Q(claimed_by=None, claimed_at=None)
                | Q(claimed_by__isnull=False, claimed_at__isnull=False),
                name="claimed_who_and_when",
            ),
            models.CheckConstraint(
                condition=~Q(stands_in_for=models.F("owner")),
                name="ticket_owner_stands_in_for_another",
            ),
            models.CheckConstraint(
                condition=Q(claimed_for=None)
                | Q(claimed_by__isnull=False) & ~Q(claimed_for=models.F("claimed_by")),
                name="ticket_claimed_for_another",
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_by=None, acknowledged_at=None)
                | Q(acknowledged_by__isnull=False, acknowledged_at__isnull=False),
                name="acknowledged_who_and_when",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[Status.CLAIMED, Status.ACKNOWLEDGED])
                | Q(claimed_by__isnull=False),
                name="a_claimed_ticket_has_a_claimer",
            ),
            models.CheckConstraint(
                condition=(~Q(status=Status.RESOLVED) & Q(resolved_at=None, resolution=""))
                | (Q(status=Status.RESOLVED, resolved_at__isnull=False) & ~Q(resolution="")),
                name="resolved_when_and_how",
            ),
            models.CheckConstraint(
                condition=~Q(merged_into=models.F("id")),
                name="a_ticket_is_no_part_of_itself",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.RESOLVED) | Q(next_step_at__isnull=False),
                name="an_open_ticket_has_a_next_step",
            ),
            models.CheckConstraint(
                condition=Q(paused_since=None, paused_by_rule="")
                | Q(paused_since__isnull=False) & ~Q(paused_by_rule=""),
                name="paused_since_when_and_by_which_rule",
            ),
            models.CheckConstraint(
                condition=Q(snoozed_until=None, snoozed_at=None, snoozed_by=None, snooze_reason="")
                | Q(snoozed_until__gt=models.F("snoozed_at"), snoozed_by__isnull=False)
                & ~Q(snooze_reason=""),
                name="snoozed_by_whom_and_why",
            ),
        ]
        indexes: ClassVar = [
            # The queue in its own order, only what is unresolved.
            models.Index(fields=["fix_due_at", "id"], name="tickets_due", condition=UNRESOLVED),
            # And in its two others.
            models.Index(
                fields=["next_due_at", "id"], name="tickets_next_due", condition=UNRESOLVED
            ),
            models.Index(
                fields=["-money_at_risk", "-id"], name="tickets_at_risk", condition=UNRESOLVED
            ),
            models.Index(
                fields=["owner", "fix_due_at"], name="tickets_owner", condition=UNRESOLVED
            ),
            models.Index(fields=["claimed_by"], name="tickets_claimer", condition=UNRESOLVED),
            # What the clock looks for every few seconds.
            models.Index(fields=["next_step_at"], name="tickets_next_step", condition=UNRESOLVED),
            # Whose clocks stand still; the clock asks whether they still have to.
            models.Index(
                fields=["paused_since"],
                name="tickets_paused",
                condition=UNRESOLVED & Q(paused_since__isnull=False),
            ),
            # What was resolved without proof and is looked at again.
            models.Index(
                fields=["recheck_at"], name="tickets_recheck", condition=Q(recheck_at__isnull=False)
            ),
            # Whether the same cause was met before.
            models.Index(fields=["cause", "-id"], name="tickets_cause"),
            # What the clock wakes.
            models.Index(
                fields=["snoozed_until"],
                name="tickets_asleep",
                condition=Q(snoozed_until__isnull=False),
            ),
            # What goes back when somebody is here again; nearly always none.
            models.Index(
                fields=["stands_in_for"],
                name="tickets_stood_in_for",
                condition=UNRESOLVED & Q(stands_in_for__isnull=False),
            ),
            models.Index(
                fields=["claimed_for"],
                name="tickets_claimed_for",
                condition=UNRESOLVED & Q(claimed_for__isnull=False),
            ),
            # Tickets of one record, on its page.
            models.Index(fields=["record", "-id"], name="tickets_record", condition=~Q(record="")),
            models.Index(fields=["-resolved_at", "-id"], name="tickets_resolved"),
            # The last ones of a kind that were resolved, beside one of that kind.
            models.Index(
                fields=["kind", "-resolved_at", "-id"],
                name="tickets_resolved_of_kind",
                condition=Q(status=Status.RESOLVED),
            ),
            # How often trouble of one pattern opened a ticket since.
            models.Index(fields=["kind", "failure", "opened_at"], name="tickets_of_failure"),
            # The newest and the oldest of what is open, without a look at what was resolved since.
            models.Index(fields=["id"], name="tickets_open", condition=UNRESOLVED),
            models.Index(fields=["opened_at"], name="tickets_oldest", condition=UNRESOLVED),
            # All that the tabs count by, and what they are narrowed by most: no row is read for it.
            models.Index(
                fields=["status", "snoozed_until", "fix_due_at"],
                include=[
                    "claimed_by",
                    "ack_due_at",
                    "acknowledged_at",
                    "paused_since",
                    "kind",
                    "severity",
                    "owner",
                    "team",
                    "reopened",
                    "opened_at",
                    "id",
                ],
                name="tickets_counted",
                condition=UNRESOLVED,
            ),
            # What happened in a period, for the numbers, and what they tell of it.
            models.Index(fields=["opened_at"], include=["kind", "failure"], name="tickets_opened"),
            models.Index(
                fields=["first_acknowledged_at"],
                include=["kind", "failure", "acknowledged_within"],
                name="tickets_acknowledged",
                condition=Q(first_acknowledged_at__isnull=False),
            ),
            # Which connections tickets name: hopped over, from one to the next.
            models.Index(
                fields=["connection"], name="tickets_connection", condition=~Q(connection="")
            ),
            # By word, and by how one begins.
            GinIndex(fields=["name_words"], name="tickets_name_words"),
            GinIndex(fields=["all_words"], name="tickets_all_words"),
            # Where the trouble of a cause goes whose ticket was merged; few are.
            models.Index(
                fields=["cause"], name="tickets_merged", condition=Q(merged_into__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.title}"

    @property
    def is_unresolved(self) -> bool:
        return self.status != Status.RESOLVED

    @property
    def about(self) -> kinds.Kind:
        return KINDS[self.kind]

    @property
    def falls_under(self) -> str:
        """The process whose owners answer for it."""
        return self.process or self.about.process

    @property
    def whose(self) -> User:
        """Who has it now: the claimer, or the owner while nobody claimed it."""
        return self.claimed_by or self.owner

    @property
    def due_at(self) -> datetime:
        """The next deadline: acknowledgement first, then the fix."""
        return self.fix_due_at if self.acknowledged_at else self.ack_due_at

    @property
    def amounts(self) -> dict[str, Decimal]:
        """What is at risk, by currency, the largest number first."""
        first = {} if self.amount_at_risk is None else {self.currency: self.amount_at_risk}
        return first | {name: Decimal(text) for name, text in self.other_amounts.items()}

    @property
    def amount_words(self) -> str:
        return " + ".join(worded(amount, currency) for currency, amount in self.amounts.items())
