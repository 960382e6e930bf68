"""What a signed proposal lacks until it is invoiced as it was signed: pure, no database, no clock.

The first of the table that is so is what it lacks; nothing lacks where an invoice that counts asks
for the same amount in the same currency.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from meshline.money import worded
from proposals.states import State


class Lack(StrEnum):
    """What is missing, one word each: they stand in URLs."""

    UNPROMISED = "unpromised"
    GATE = "gate"
    ON_HOLD = "on-hold"
    CARRIED = "carried"
    GIVEN_UP = "given-up"
    CALLED_OFF = "called-off"
    UNTOLD = "untold"
    DRAFT = "draft"
    VOID = "void"
    AMOUNT = "amount"
    CURRENCY = "currency"
    UNSIGNED = "unsigned"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(one.value, one.label) for one in cls]


_LABELS = {
    Lack.UNPROMISED: "No invoice promised",
    Lack.GATE: "Held at a gate",
    Lack.ON_HOLD: "On hold",
    Lack.CARRIED: "Being carried",
    Lack.GIVEN_UP: "Given up",
    Lack.CALLED_OFF: "Called off",
    Lack.UNTOLD: "Made, but not told",
    Lack.DRAFT: "Invoice is a draft",
    Lack.VOID: "Invoice is void",
    Lack.AMOUNT: "Amount differs",
    Lack.CURRENCY: "Other currency",
    Lack.UNSIGNED: "Invoiced, not signed",
}

# From the signature on; what is disputed waits for its answer, what is lost for nothing.
SIGNED = (State.SIGNED, State.INVOICED, State.CLOSED_WON)
# An invoice is too early here.
UNSIGNED = (State.DRAFT, State.SENT, State.VIEWED, State.EXPIRED)
# Invoices that ask for nothing.
ASKS_NOTHING = ("draft", "void")
# Where an outcome stands while it may still be carried.
_WAITING = ("due", "leased", "held")
_MADE = {
    "": Lack.UNPROMISED, "held": Lack.GATE, "given_up": Lack.GIVEN_UP,
    "cancelled": Lack.CALLED_OFF, "proven": Lack.UNTOLD,
}  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What is known of one proposal, its invoices, and the newest outcome that makes one."""

    state: str
    amount: Decimal | None = None
    currency: str = ""
    # The invoice billing told of, and what counts of all of them.
    invoice: str = ""
    invoice_status: str = ""
    invoiced: Decimal | None = None
    invoiced_currency: str = ""
    # The state of the outcome ("" where none was promised), whether its proposal holds it, what it
    # is called over there, and the ticket it hangs on.
    made: str = ""
    on_hold: bool = False
    made_as: str = ""
    ticket: int | None = None

    @property
    def counts(self) -> bool:
        """Whether an invoice asks the customer for something."""
        return bool(self.invoice) and self.invoice_status not in ASKS_NOTHING


def of(facts: Facts) -> Lack | None:
    """What lacks first; None where nothing does."""
    if facts.state in UNSIGNED:
        return Lack.UNSIGNED if facts.counts else None
    if facts.state not in SIGNED:
        return None
    return _differs(facts) if facts.counts else _without(facts)


def still_open(facts: Facts) -> Decimal:
    """How much of what was signed nothing asks for."""
    if facts.amount is None or facts.state not in SIGNED or of(facts) is None:
        return Decimal(0)
    if of(facts) is Lack.AMOUNT and facts.invoiced is not None:
        return max(facts.amount - facts.invoiced, Decimal(0))
    return facts.amount


def words(facts: Facts) -> str:
    """What lacks, as a sentence; empty where nothing does."""
    lack = of(facts)
    return _SENTENCES[lack](facts) if lack else ""


def _differs(facts: Facts) -> Lack | None:
    """Where an invoice counts: whether it is for what was signed."""
    if facts.amount is None:
        return None
    if facts.invoiced is None or facts.invoiced_currency != facts.currency:
        return Lack.CURRENCY
    return None if facts.invoiced == facts.amount else Lack.AMOUNT


def _without(facts: Facts) -> Lack:
    """Where none counts: how far the one that is to be made has come."""
    if facts.invoice:
        return Lack(facts.invoice_status)
    if facts.on_hold and facts.made in _WAITING:
        return Lack.ON_HOLD
    return _MADE.get(facts.made, Lack.CARRIED)


# --- In words --------------------------------------------------------------------------------
def _given_up(facts: Facts) -> str:
    where = f": ticket #{facts.ticket}" if facts.ticket else ""
    return f"Making the invoice was given up{where}."


def _amount(facts: Facts) -> str:
    by = (facts.invoiced or Decimal(0)) - (facts.amount or Decimal(0))
    side = "more" if by > 0 else "less"
    return f"The amount differs: {worded(abs(by), facts.currency)} {side} than was signed."


def _currency(facts: Facts) -> str:
    if facts.invoiced is None:
        return "Its invoices are in several currencies, or say no amount."
    told, signed = facts.invoiced_currency or "no currency", facts.currency or "no currency"
    return f"It is invoiced in {told}, and was signed in {signed}."


def _unsigned(facts: Facts) -> str:
    state = State(facts.state).label.lower()
    return f"Invoice {facts.invoice} is {facts.invoice_status or 'told'}, but it is {state}."


_SENTENCES = {
    Lack.UNPROMISED: lambda facts: "No invoice is promised: no contract asks for it.",
    Lack.GATE: lambda facts: "The invoice waits at a review gate.",
    Lack.ON_HOLD: lambda facts: "The proposal is on hold, and its invoice with it.",
    Lack.CARRIED: lambda facts: "The invoice is on its way to billing.",
    Lack.GIVEN_UP: _given_up,
    Lack.CALLED_OFF: lambda facts: "The invoice was called off.",
    Lack.UNTOLD: lambda facts: (
        f"Billing made it{f' as {facts.made_as}' if facts.made_as else ''}, and has told nothing "
        "of it since."
    ),
    Lack.DRAFT: lambda facts: f"Invoice {facts.invoice} is a draft: nobody is asked to pay.",
    Lack.VOID: lambda facts: f"Invoice {facts.invoice} is void: nobody is asked to pay.",
    Lack.AMOUNT: _amount,
    Lack.CURRENCY: _currency,
    Lack.UNSIGNED: _unsigned,
}
