"""The canonical proposal, and each change of it."""

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import Q

from meshline.money import worded
from meshline.people.models import User
from meshline.people.permissions import Permission, Scope, scope
from meshline.synthetic import RealOnes, flag
from proposals.states import CLOSED, State

# "simple": names and ids are words of no language.
SEARCHED = SearchVector("title", "contact_name", "contact_email", "external_id", config="simple")

# What may lack an invoice over what was signed: all but what is invoiced as it was agreed. Asked in
# exactly these words, so that the index of the same words answers.
NOT_AS_INVOICED = (
    Q(state__in=["draft", "sent", "viewed", "expired"])
    | Q(invoiced=None)
    | ~Q(invoiced=models.F("amount"))
    | ~Q(invoiced_currency=models.F("currency"))
)

# The kind of record that a synthetic one is, and what begins its name in other systems.
SYNTHETIC = "canary"


def record_of(pk: int, *, is_synthetic: bool) -> str:
    """As the trail, the crosswalk and tickets name it."""
    return f"{SYNTHETIC if is_synthetic else 'proposal'}:{pk}"


class ProposalQuerySet(models.QuerySet):
    def visible_to(self, user: User):
        reach = scope(user, Permission.SEE_PROPOSALS)
        if reach in (Scope.ALL, Scope.MASKED):
            return self
        # Who is out still sees what somebody has for them.
        theirs = Q(owner=user) | Q(stands_in_for=user)
        if reach is Scope.TEAM and user.team_id:
            of_the_team = Q(owner__team=user.team_id) | Q(stands_in_for__team=user.team_id)
            return self.filter(of_the_team | theirs)
        return self.filter(theirs) if reach else self.none()

    def open(self):
        """Those that somebody still has to follow up."""
        return self.exclude(state__in=CLOSED)

    def owned_by(self, user: User):
        return self.filter(owner=user)


RealProposals = RealOnes.from_queryset(ProposalQuerySet)


class Proposal(models.Model):
    """One proposal: its state, its one owner, its version. Changed by the lifecycle alone."""

    # Which connection brought it, and its id there.
    source = models.CharField(max_length=60)
    external_id = models.CharField(max_length=200)
    title = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=12, choices=State.choices(), default=State.DRAFT)
    since = models.DateTimeField(null=True, blank=True)  # in this state, by the source's time
    amount = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    contact_name = models.CharField(max_length=200, blank=True)
    contact_email = models.CharField(max_length=254, blank=True)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="proposals")
    owner_why = models.CharField(max_length=300)
    # As the source names the owner; whoever has it may be somebody else, for the time being.
    owner_named = models.CharField(max_length=254, blank=True)
    owner_is_temporary = models.BooleanField(default=True)
    # What the rules went by when they chose the owner (routing.rules.basis); empty: before them.
    owner_basis = models.CharField(max_length=32, blank=True)
    # Chosen by a person: what the quoting tool says of the owner no longer counts.
    owner_pinned = models.BooleanField(default=False)
    # Whose it is, while its owner has it only because they are out (proposals.delegation).
    stands_in_for = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    # Why automation stops for it, in one word; empty while nothing holds it (proposals.holds).
    hold = models.CharField(max_length=20, blank=True)
    next_follow_up_at = models.DateTimeField(null=True, blank=True)
    # What counts of its invoices, as billing last told (proposals.billing).
    invoice_id = models.CharField(max_length=200, blank=True)
    invoice_number = models.CharField(max_length=100, blank=True)
    invoice_status = models.CharField(max_length=20, blank=True)
    invoice_url = models.CharField(max_length=500, blank=True)
    invoiced = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    invoiced_currency = models.CharField(max_length=3, blank=True)
    is_synthetic = flag()

    objects = RealProposals()
    everything = ProposalQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            # What is synthetic is another one, whatever document a real event names.
            models.UniqueConstraint(
                fields=["source", "external_id", "is_synthetic"], name="one_proposal_per_document"
            ),
            models.CheckConstraint(
                condition=~Q(stands_in_for=models.F("owner")),
                name="proposal_owner_stands_in_for_another",
            ),
        ]
        indexes: ClassVar = [
            # The list's orders, newest change first, whole and per owner.
            models.Index(fields=["-changed_at", "-id"], name="proposals_changed"),
            models.Index(fields=["owner", "-changed_at"], name="proposals_owner"),
            models.Index(fields=["state", "-changed_at"], name="proposals_state"),
            # What goes back when somebody is here again; nearly always none.
            models.Index(
                fields=["stands_in_for"],
                name="proposals_stood_in_for",
                condition=Q(stands_in_for__isnull=False),
            ),
            models.Index(
                fields=["source"], name="proposals_synthetic", condition=Q(is_synthetic=True)
            ),
            # What is signed and not, or otherwise, invoiced: few among all that is won.
            models.Index(
                fields=["state", "id"], name="proposals_unbilled", condition=NOT_AS_INVOICED
            ),
            # Search by word and prefix over titles, names, e-mails and ids.
            GinIndex(SEARCHED, name="proposals_words"),
        ]

    def __str__(self) -> str:
        return self.title or self.external_id

    @property
    def record(self) -> str:
        return record_of(self.pk, is_synthetic=self.is_synthetic)

    @property
    def known_as(self) -> tuple[str, str]:
        """Its source and id there, as other systems know it by; what is synthetic shares none."""
        source = f"{SYNTHETIC}:{self.source}" if self.is_synthetic else self.source
        return source, self.external_id

    @property
    def hold_words(self) -> str:
        """Such as "high value"; empty while nothing holds it."""
        return self.hold.replace("-", " ")

    @property
    def amount_words(self) -> str:
        return worded(self.amount, self.currency)

    @property
    def invoiced_words(self) -> str:
        return worded(self.invoiced, self.invoiced_currency)


class Transition(models.Model):
    """One change of a proposal's state or fields: exactly one per version."""

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="transitions")
    version = models.PositiveIntegerField()
    signal = models.ForeignKey("Signal", null=True, blank=True, on_delete=models.PROTECT)
    from_state = models.CharField(max_length=12, blank=True)
    to_state = models.CharField(max_length=12, choices=State.choices())
    by_kind = models.CharField(max_length=40)
    by_id = models.CharField(max_length=80)
    by_label = models.CharField(max_length=200)
    at = models.DateTimeField()
    occurred_at = models.DateTimeField()
    why = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["proposal", "version"], name="one_transition_per_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.proposal_id} v{self.version}: {self.from_state} → {self.to_state}"
