"""Outcomes: what must happen elsewhere. The outbox is this table."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from meshline.people.models import User
from meshline.synthetic import RealOnes, flag
from proposals.models.contract import Contract
from proposals.models.proposal import Proposal, record_of
from proposals.models.signal import Signal
from proposals.tiers import Tier


class State(models.TextChoices):
    DUE = "due", "Due"
    LEASED = "leased", "Being carried"
    HELD = "held", "Held"
    DELIVERED = "delivered", "Delivered, not yet proven"
    PROVEN = "proven", "Proven"
    GIVEN_UP = "given_up", "Given up"
    CANCELLED = "cancelled", "Cancelled"


# Still to be carried: holds later outcomes of the same record and connection back.
WAITING = (State.DUE, State.LEASED, State.HELD)
# Still somebody's business: not proven, not called off.
OPEN = (*WAITING, State.DELIVERED, State.GIVEN_UP)


class OutcomeQuerySet(models.QuerySet):
    def open(self):
        return self.filter(state__in=OPEN)

    def waiting(self):
        return self.filter(state__in=WAITING)

    def of(self, proposal: Proposal):
        return self.filter(proposal=proposal)

    def late(self, *, at: datetime):
        """Promised, unproven beyond the tier's budget, and nobody told yet.

        What is held, or stands behind something that is, waits for people and has its own time.
        """
        held = self.model._default_manager.filter(
            proposal=models.OuterRef("proposal"), connection=models.OuterRef("connection"),
            pk__lt=models.OuterRef("pk"), state=State.HELD,
        )  # fmt: skip
        late = self.filter(
            state__in=[State.DUE, State.LEASED, State.DELIVERED], budget_ends_at__lte=at,
            ticketed_at=None,
        )  # fmt: skip
        return late.exclude(models.Q(delivered_at=None) & models.Exists(held))


RealOutcomes = RealOnes.from_queryset(OutcomeQuerySet)


class Outcome(models.Model):
    """One thing that must happen in another system, under one key over all its attempts."""

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="outcomes")
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT)
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=40)
    # Which part the connection plays ("crm"), and which connection that was at the promise.
    target = models.CharField(max_length=20)
    connection = models.CharField(max_length=60, blank=True)
    signal = models.ForeignKey(Signal, null=True, on_delete=models.PROTECT, related_name="outcomes")
    # Stays the same over every attempt and replay; the other side knows us by it.
    key = models.CharField(max_length=400, unique=True)
    # Of which content it was promised; another content is another outcome.
    digest = models.CharField(max_length=64, blank=True)
    params = models.JSONField(default=dict)
    undo_of = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="undone_by"
    )
    undo = models.CharField(max_length=40, blank=True)
    tier = models.CharField(max_length=10, choices=Tier.choices())
    tier_rank = models.PositiveSmallIntegerField()

    state = models.CharField(max_length=10, choices=State.choices, default=State.DUE)
    promised_at = models.DateTimeField()
    budget_ends_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    # Attempts that used up a try; a 429 or 503 within the first hour does not.
    tries = models.PositiveIntegerField(default=0)
    # How often it was put off, since it was promised or a person said "now": each wait is longer.
    waits = models.PositiveIntegerField(default=0, db_default=0)
    crashes = models.PositiveIntegerField(default=0)
    lease_owner = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    first_tried_at = models.DateTimeField(null=True, blank=True)
    first_failed_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    proven_at = models.DateTimeField(null=True, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    last_error = models.TextField(blank=True)
    # Its class, for grouping: unavailable, refused, unproven, credentials, crashed.
    failure = models.CharField(max_length=60, blank=True)
    ticketed_at = models.DateTimeField(null=True, blank=True)
    # Who promised it although its contract did not ask for it here; nobody: its contract did.
    promised_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # Its proposal is on hold: it is carried no more until that is lifted, and then HELD no longer.
    on_hold = models.BooleanField(default=False)
    # No longer wanted while it was being carried: undone once it is through.
    unwanted_at = models.DateTimeField(null=True, blank=True)
    unwanted_why = models.CharField(max_length=300, blank=True)
    is_synthetic = flag()

    # Said by the claim: somebody had it in hand before, and may have carried it.
    was_tried = False

    objects = RealOutcomes()
    everything = OutcomeQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(state=State.LEASED)
                | Q(lease_owner__isnull=False, lease_until__isnull=False),
                name="a_leased_outcome_has_a_lease",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.PROVEN) | Q(proven_at__isnull=False),
                name="a_proven_outcome_says_when",
            ),
        ]
        indexes: ClassVar = [
            # What the carrier takes next, in its own order.
            models.Index(
                fields=["tier_rank", "next_attempt_at", "id"], name="outcomes_due",
                condition=Q(state__in=["due", "leased", "delivered"]),
            ),
            # "Is an earlier one of this record and connection still waiting?"
            models.Index(
                fields=["proposal", "connection", "id"], name="outcomes_serial",
                condition=Q(state__in=["due", "leased", "held"]),
            ),
            # Budgets blown without a ticket, for the sweep.
            models.Index(
                fields=["budget_ends_at"], name="outcomes_late",
                condition=Q(ticketed_at=None, state__in=["due", "leased", "held", "delivered"]),
            ),
            models.Index(fields=["-promised_at", "-id"], name="outcomes_newest"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

    @property
    def ref(self) -> str:
        return f"outcome:{self.pk}"

    @property
    def record(self) -> str:
        """The proposal it belongs to, as the trail and the crosswalk name it."""
        return record_of(self.proposal_id, is_synthetic=self.is_synthetic)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN
