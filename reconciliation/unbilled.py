"""What is signed and not, or otherwise, invoiced: chosen, counted and summed by the database.

The facts and the verdict are those of the rule beside (lacking); a test holds the two together.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Count,
    DateTimeField,
    DecimalField,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Concat, Greatest

from exceptions.models import Occurrence
from proposals.models import Outcome, Proposal, Transition
from proposals.models.outcome import WAITING
from proposals.models.proposal import NOT_AS_INVOICED
from proposals.states import State
from reconciliation import lacking
from reconciliation.lacking import Facts, Lack

INVOICE = "invoice.create"
WEEK = timedelta(days=7)
_COUNTS = ~Q(invoice_id="") & ~Q(invoice_status__in=lacking.ASKS_NOTHING)
_SIGNED = Q(state__in=lacking.SIGNED)
_OTHER = Q(invoiced=None) | ~Q(invoiced_currency=F("currency"))
_LACKING = (
    (_SIGNED & ~_COUNTS)
    | (_SIGNED & _COUNTS & Q(amount__isnull=False) & (_OTHER | ~Q(invoiced=F("amount"))))
    | (Q(state__in=lacking.UNSIGNED) & _COUNTS)
)
# The first that is so, as the rule has it.
_LACKS: list[tuple[Q, Lack]] = [
    (Q(state__in=lacking.UNSIGNED), Lack.UNSIGNED),
    (_COUNTS & _OTHER, Lack.CURRENCY),
    (_COUNTS, Lack.AMOUNT),
    (~Q(invoice_id="") & Q(invoice_status="draft"), Lack.DRAFT),
    (~Q(invoice_id=""), Lack.VOID),
    (Q(made=""), Lack.UNPROMISED),
    (Q(made_on_hold=True, made__in=WAITING), Lack.ON_HOLD),
    (Q(made="held"), Lack.GATE),
    (Q(made="given_up"), Lack.GIVEN_UP),
    (Q(made="cancelled"), Lack.CALLED_OFF),
    (Q(made="proven"), Lack.UNTOLD),
]
_MONEY: DecimalField = DecimalField(max_digits=20, decimal_places=4)


@dataclass(frozen=True)
class Total:
    """What is open of one currency: on how many proposals, and how much."""

    currency: str
    count: int
    amount: Decimal


def rows(proposals: QuerySet | None = None) -> QuerySet:
    """Those that lack something, each with its facts, since when, what lacks and what is open."""
    chosen = Proposal.objects.all() if proposals is None else proposals
    return (
        chosen.filter(NOT_AS_INVOICED)
        .filter(_LACKING)
        .annotate(**_made())
        .annotate(
            signed_at=_signed_at(),
            ticket=_ticket(),
            lacks=Case(
                *(When(so, then=Value(lack.value)) for so, lack in _LACKS),
                default=Value(Lack.CARRIED.value), output_field=CharField(),
            ),
            open_amount=_open(),
        )
    )  # fmt: skip


def of_the_week(found: QuerySet, *, at: datetime) -> QuerySet:
    """Those that were signed within the last seven days."""
    return found.filter(signed_at__gte=at - WEEK)


def totals(found: QuerySet) -> list[Total]:
    """What is open, currency by currency, the largest first; they are never added up."""
    sums = found.order_by().values("currency").annotate(n=Count("pk"), sum=Sum("open_amount"))
    return sorted(
        (Total(row["currency"], row["n"], row["sum"] or Decimal(0)) for row in sums),
        key=lambda one: (-one.amount, one.currency),
    )


def facts_of(row: Any) -> Facts:
    """A row as the rule knows it."""
    return Facts(
        state=row.state, amount=row.amount, currency=row.currency,
        invoice=row.invoice_number or row.invoice_id, invoice_status=row.invoice_status,
        invoiced=row.invoiced, invoiced_currency=row.invoiced_currency,
        made=row.made, on_hold=row.made_on_hold, made_as=row.made_as, ticket=row.ticket,
    )  # fmt: skip


def one(proposal_id: int) -> Any:
    """This proposal's row; None where nothing lacks."""
    return rows(Proposal.objects.filter(pk=proposal_id).select_related("owner__team")).first()


def by_size(found: QuerySet, *, is_masked: bool = False) -> QuerySet:
    """In the order of blocked revenue within each currency, the largest first. For who does not see
    amounts in no order of theirs."""
    if is_masked:
        return found.order_by("currency", "pk")
    return found.order_by("currency", "-open_amount", "pk")


# --- Underneath ------------------------------------------------------------------------------
def _made() -> dict[str, Any]:
    """The newest outcome that makes its invoice."""
    newest = Outcome.objects.filter(
        proposal=OuterRef("pk"), kind=INVOICE, undo_of=None
    ).order_by("-pk")  # fmt: skip
    return {
        "made_id": Subquery(newest.values("pk")[:1]),
        "made": _of(newest, "state", CharField()),
        "made_as": _of(newest, "external_id", CharField()),
        "made_on_hold": Coalesce(
            Subquery(newest.values("on_hold")[:1]), Value(False), output_field=BooleanField()
        ),
    }


def _of(newest: QuerySet, name: str, field: Any) -> Coalesce:
    return Coalesce(Subquery(newest.values(name)[:1]), Value(""), output_field=field)


def _signed_at() -> Coalesce:
    """When it came to be signed, by the quoting tool's time; of what nobody signed, since when it
    is what it is."""
    signing = Transition.objects.filter(proposal=OuterRef("pk"), to_state=State.SIGNED).exclude(
        from_state=State.SIGNED
    )
    return Coalesce(
        Case(When(state=State.SIGNED, then=F("since"))),
        Subquery(signing.order_by("-version").values("occurred_at")[:1]),
        F("since"), F("changed_at"), output_field=DateTimeField(),
    )  # fmt: skip


def _ticket() -> Subquery:
    """The ticket on which the outcome hangs."""
    subject = Concat(Value("outcome:"), Cast(OuterRef("made_id"), CharField()))
    hanging = Occurrence.objects.filter(subject=subject, settled_at=None).order_by("ticket_id")
    return Subquery(hanging.values("ticket_id")[:1])


def _open() -> Case:
    part = _COUNTS & Q(invoiced__isnull=False, invoiced_currency=F("currency"))
    return Case(
        When(Q(state__in=lacking.UNSIGNED) | Q(amount=None), then=Value(Decimal(0))),
        When(part, then=Greatest(F("amount") - F("invoiced"), Value(Decimal(0)))),
        default=F("amount"), output_field=_MONEY,
    )  # fmt: skip


def words(found: Iterable[Any]) -> dict[int, str]:
    """What lacks of each, as a sentence, by its id."""
    return {row.pk: lacking.words(facts_of(row)) for row in found}
