"""Tickets, the occurrences that hang on them, and what people wrote about them."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from exceptions import kinds
from exceptions.kinds import KINDS, Severity
from exceptions.states import Resolution, Status
from meshline.money import worded
from meshline.people.models import Team, User
from meshline.people.permissions import Permission, Scope, scope

UNRESOLVED = ~Q(status=Status.RESOLVED)


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
        ack_overdue = Q(acknowledged_at=None, ack_due_at__lt=at)
        return self.unresolved().filter(ack_overdue | Q(fix_due_at__lt=at))

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
            return self.filter(of_the_team | Q(owner=user) | Q(stands_in_for=user))
        return self.filter(owner=user) if reach else self.none()


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
    title = models.CharField(max_length=300)
    reason = models.TextField()
    # Snapshots, so that the ticket says what was so when it opened.
    record = models.CharField(max_length=120, blank=True)
    record_title = models.CharField(max_length=300, blank=True)
    connection = models.CharField(max_length=60, blank=True)
    amount_at_risk = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
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
    # Nobody, when it closed on evidence.
    resolved_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.CharField(
        max_length=30, blank=True, choices=[(r.value, r.value) for r in Resolution]
    )
    resolution_note = models.TextField(blank=True)

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
            # What is acknowledged keeps its time, also when a shorter fix is agreed later.
            models.CheckConstraint(
                condition=Q(ack_due_at__lte=models.F("fix_due_at"))
                | Q(acknowledged_at__isnull=False),
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
        ]
        indexes: ClassVar = [
            # The queue in its own order, only what is unresolved.
            models.Index(fields=["fix_due_at", "id"], name="tickets_due", condition=UNRESOLVED),
            models.Index(
                fields=["owner", "fix_due_at"], name="tickets_owner", condition=UNRESOLVED
            ),
            models.Index(fields=["claimed_by"], name="tickets_claimer", condition=UNRESOLVED),
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
    def amount_words(self) -> str:
        return worded(self.amount_at_risk, self.currency)


class Occurrence(models.Model):
    """One more thing the same cause did: its own subject and evidence, settled on its own."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="all_occurrences")
    subject = models.CharField(max_length=120)  # "outcome:88", "message:4711"
    at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    evidence = models.JSONField()
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_because = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["ticket", "subject"], name="one_occurrence_per_subject")
        ]
        indexes: ClassVar = [
            # Closing on evidence looks for what hangs on one subject.
            models.Index(fields=["subject"], name="occurrence_open", condition=Q(settled_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.subject} on #{self.ticket_id}"


class TicketNote(models.Model):
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="notes")
    by = models.ForeignKey(User, on_delete=models.PROTECT)
    at = models.DateTimeField()
    text = models.TextField(max_length=10_000)

    def __str__(self) -> str:
        return self.text[:60]
