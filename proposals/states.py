"""A proposal's states, and its moves with the authority for each: the table first."""

from enum import StrEnum


class State(StrEnum):
    DRAFT = "draft"
    SENT = "sent"
    VIEWED = "viewed"
    SIGNED = "signed"
    DISPUTED = "disputed"
    EXPIRED = "expired"
    INVOICED = "invoiced"
    CLOSED_WON = "closed-won"
    CLOSED_LOST = "closed-lost"

    @property
    def label(self) -> str:
        return self.value.replace("-", " ").capitalize()

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(state.value, state.label) for state in cls]


D, S, V, G = State.DRAFT, State.SENT, State.VIEWED, State.SIGNED
X, E, I = State.DISPUTED, State.EXPIRED, State.INVOICED  # noqa: E741
WON, LOST = State.CLOSED_WON, State.CLOSED_LOST

# From a state, to which others. A quoting tool may skip states (sent, then completed).
MOVES: dict[State, frozenset[State]] = {
    D: frozenset({S, V, G, X, E, LOST}),
    S: frozenset({D, V, G, X, E, LOST}),
    V: frozenset({D, G, X, E, LOST}),
    G: frozenset({X, I, WON, LOST}),
    X: frozenset({D, S, V, G, E, I, LOST}),
    E: frozenset({D, S, V, G, LOST}),
    I: frozenset({X, WON, LOST}),
    WON: frozenset(),
    LOST: frozenset(),
}

# Here nothing is left to follow up.
CLOSED = (WON, LOST)

# Into a state: which part must say so. What "quoting" or "billing" is, policy knows
# (sources of truth); by default the connection that brought the proposal, and the billing tool.
AUTHORITY: dict[State, str] = {
    D: "quoting",
    S: "quoting",
    V: "quoting",
    G: "quoting",
    X: "quoting",
    E: "quoting",
    I: "billing",
    WON: "close",
    LOST: "close",
}

# Parts that may say it, too, each of its own matter: a payment is disputed at billing.
ALSO: dict[State, frozenset[str]] = {X: frozenset({"billing"})}

# What can only follow from a signature, whatever the clock of its sender says.
FOLLOWS_FROM_SIGNED = frozenset({I, WON})

# Of two events at the very same instant the earlier stage comes first.
RANK: dict[State, int] = {D: 0, S: 1, V: 2, X: 3, E: 4, G: 5, I: 6, LOST: 7, WON: 8}


class MoveError(Exception):
    """A move that cannot be made, as a sentence for whoever tried."""


def is_move(here: State, to: State) -> bool:
    return to in MOVES[here]


def can_pass_both(one: State, other: State) -> bool:
    """Whether one proposal can come into both, at whatever distance and in whatever order."""
    return one == other or other in _ahead_of(one) or one in _ahead_of(other)


def _ahead_of(here: State) -> set[State]:
    found: set[State] = set()
    ways = [here]
    while ways:
        new = MOVES[ways.pop()] - found
        found |= new
        ways += new
    return found


def check_move(here: State, to: State) -> None:
    """Raise MoveError unless the table has a move from `here` to `to`."""
    if not is_move(here, to):
        article = "An" if here.value[0] in "aeiou" else "A"
        raise MoveError(
            f"{article} {here.label.lower()} proposal cannot become {to.label.lower()}."
        )
