"""Review gates and who answers: whom a contract names, as one word and as a sentence. Pure.

A word is a kind, and mostly a name behind a colon: "role:manager", "person:vera@example.com",
"accountable:delivery", "process:delivery"; "approvers" are all with the approver's right.
"""

from collections.abc import Collection
from dataclasses import dataclass

from meshline.people.permissions import Role
from meshline.policy import process_table

# Whom an outcome may wait for; everybody else has no say in it (or the approver's right).
ROLES = (Role.OPERATOR, Role.MANAGER, Role.SDR_MANAGER)
APPROVERS = "approvers"
LONGEST_WAIT = 40 * 8 * 60


@dataclass(frozen=True)
class Known:
    """Who and what there is: processes, active people by e-mail, and whom a gate may name."""

    processes: Collection[str] = frozenset()
    people: Collection[str] = frozenset()
    approvers: Collection[str] = frozenset()
    # Whether anybody at all has the approver's right; and which roles somebody active has.
    has_signers: bool = True
    roles: Collection[str] = frozenset(ROLES)
    # The connections there are, by slug; None where that is not known.
    sources: Collection[str] | None = None


@dataclass(frozen=True)
class Gate:
    """An outcome waits for `who` to approve it, at most `within` business minutes."""

    who: str
    within: int


def refusal_of_gate(who: str, known: Known) -> str:
    """Why nobody can be waited for by this word; empty when somebody can."""
    kind, _, name = who.partition(":")
    if who == APPROVERS:
        return "" if known.has_signers else "Nobody here has the approver's right yet."
    if kind == "role" and name not in set(ROLES):
        return f"A gate waits for one of the roles {', '.join(ROLES)}."
    if kind == "role":
        return "" if name in known.roles else f"Nobody active here is {whom(who)}."
    if kind == "person":
        is_one = name in known.approvers
        return "" if is_one else f"{name or 'Nobody'} is nobody here who could approve it."
    if kind == "accountable":
        return "" if name in known.processes else f"There is no process “{name}”."
    return "Say who approves: approvers, role:…, person:… or accountable:…."


def refusal_of_owner(word: str, known: Known) -> str:
    """Why nobody answers by this word; empty when somebody does."""
    kind, _, name = word.partition(":")
    if not word or (kind == "process" and name in known.processes):
        return ""
    if kind == "person":
        return "" if name in known.people else f"Nobody active here has the e-mail {name}."
    if kind == "process":
        return f"There is no process “{name}”."
    return "Say who answers when it fails: process:… or person:…."


def whom(who: str) -> str:
    """As in "waits for a RevOps manager"."""
    kind, _, name = who.partition(":")
    if kind == "role":
        label = Role(name).label
        return f"{'an' if label.startswith('SDR') else 'a'} {label}"
    if kind == "accountable":
        return f"who is accountable for {process_table.inside(name)}"
    return name if kind == "person" else "somebody with the approver's right"


def answers(word: str) -> str:
    """As in "delivery's owner answers when it fails"; empty where nothing is agreed."""
    kind, _, name = word.partition(":")
    if kind == "process":
        return f"who is responsible for {process_table.inside(name)}"
    return name
