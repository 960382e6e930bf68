"""Follow-ups: that a person gets back to the customer, whose it is and by when."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, scope
from proposals.models.contract import Contract
from proposals.models.outcome import Outcome
from proposals.models.proposal import Proposal
from proposals.models.signal import Signal


class State(models.TextChoices):
    OPEN = "open", "Open"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"


class How(models.TextChoices):
    HERE = "here", "Here"
    CRM = "crm", "In the CRM"
    SUPERFLUOUS = "superfluous", "No longer needed"


class Touch(models.TextChoices):
    CALL = "call", "Call"
    EMAIL = "email", "E-mail"
    MEETING = "meeting", "Meeting"
    NOTE = "note", "Note"


class FollowUpQuerySet(models.QuerySet):
    def visible_to(self, user: User):
        """As proposals are: somebody who is out still sees what another one has for them."""
        reach = scope(user, Permission.SEE_PROPOSALS)
        if reach in (Scope.ALL, Scope.MASKED):
            return self
        theirs = Q(owner=user) | Q(stands_in_for=user)
        if reach is Scope.TEAM and user.team_id:
            of_the_team = Q(owner__team=user.team_id) | Q(stands_in_for__team=user.team_id)
            return self.filter(of_the_team | theirs)
        return self.filter(theirs) if reach else self.none()

    def open(self):
        return self.filter(state=State.OPEN)

    def overdue(self, *, at: datetime):
        return self.open().filter(due_at__lt=at)

    def missed(self, *, at: datetime):
        """Not done by when they were due, by now; what nobody needed any more is none of them."""
        done_late = Q(state=State.COMPLETED, ended_at__gt=F("due_at"))
        return self.filter(Q(state=State.OPEN) | done_late, due_at__lt=at)

    def of(self, proposal: Proposal):
        return self.filter(proposal=proposal)


class FollowUp(models.Model):
    """One follow-up that a contract asks for in a stretch of a proposal's story.

    Its owner is the proposal's. Which there are is told anew with the story
    (proposals.scheduling); what people do to one is in proposals.follow_ups.
    """

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="follow_ups")
    # The outcome that asks for it, by its name in the contract: "follow-up", "onboarding".
    kind = models.CharField(max_length=60)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="+")
    # The first event of the stretch that asks for it.
    signal = models.ForeignKey(Signal, null=True, on_delete=models.PROTECT, related_name="+")
    # What makes its task in the CRM.
    outcome = models.ForeignKey(
        Outcome, null=True, blank=True, on_delete=models.PROTECT, related_name="follow_ups"
    )
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="follow_ups")
    stands_in_for = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # When that stretch began, by its source's clock; and in how much business time it is due.
    since = models.DateTimeField()
    within = models.PositiveIntegerField()
    due_at = models.DateTimeField()
    scheduled_at = models.DateTimeField()
    # A person chose when: from then on no SLA moves it.
    moved_at = models.DateTimeField(null=True, blank=True)
    moved_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    moved_why = models.CharField(max_length=300, blank=True)

    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    ended_at = models.DateTimeField(null=True, blank=True)
    # Nobody, where it was no person of ours; the label says who in either case.
    ended_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_by_label = models.CharField(max_length=200, blank=True)
    how = models.CharField(max_length=12, choices=How.choices, blank=True)
    note = models.CharField(max_length=1000, blank=True)
    # The earliest that a person did about it over there.
    first_touch_at = models.DateTimeField(null=True, blank=True)
    first_touch = models.CharField(max_length=8, choices=Touch.choices, blank=True)
    # Counts its changes: who saw an older one is told so.
    version = models.PositiveIntegerField(default=1)

    objects = FollowUpQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["proposal", "kind"],
                condition=Q(state=State.OPEN),
                name="one_open_follow_up_of_a_kind",
            ),
            models.CheckConstraint(
                condition=Q(state=State.OPEN, ended_at=None, how="", ended_by_label="")
                | (
                    Q(state=State.COMPLETED, ended_at__isnull=False, how__in=[How.HERE, How.CRM])
                    & ~Q(ended_by_label="")
                )
                | (
                    Q(state=State.CANCELLED, ended_at__isnull=False, how=How.SUPERFLUOUS)
                    & ~Q(ended_by_label="")
                ),
                name="follow_up_ended_how_when_and_by_whom",
            ),
            models.CheckConstraint(
                condition=Q(moved_at=None, moved_by=None, moved_why="")
                | (Q(moved_at__isnull=False, moved_by__isnull=False) & ~Q(moved_why="")),
                name="follow_up_moved_when_by_whom_and_why",
            ),
            models.CheckConstraint(
                condition=Q(first_touch_at=None, first_touch="")
                | (Q(first_touch_at__isnull=False) & ~Q(first_touch="")),
                name="follow_up_touched_when_and_how",
            ),
            models.CheckConstraint(
                condition=~Q(stands_in_for=models.F("owner")),
                name="follow_up_owner_stands_in_for_another",
            ),
        ]
        indexes: ClassVar = [
            # Somebody's list, and everybody's: what is open by its time.
            models.Index(
                fields=["owner", "due_at", "id"], name="follow_ups_of_owner",
                condition=Q(state="open"),
            ),
            models.Index(
                fields=["due_at", "id"], name="follow_ups_due", condition=Q(state="open")
            ),
            # The same list, whatever became of them.
            models.Index(fields=["due_at", "id"], name="follow_ups_by_time"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.label} of {self.proposal_id}"

    @property
    def label(self) -> str:
        return self.kind.replace("_", " ").replace("-", " ").capitalize()

    @property
    def record(self) -> str:
        """The proposal it belongs to, as the trail names it."""
        return f"proposal:{self.proposal_id}"

    @property
    def is_open(self) -> bool:
        return self.state == State.OPEN

    @property
    def completed_at(self) -> datetime | None:
        return self.ended_at if self.state == State.COMPLETED else None
