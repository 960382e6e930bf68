"""What happens when an outcome fails: the ticket its contract asks for, and who answers for it."""

from typing import Any

from meshline.people.models import User
from proposals.models import Contract


def kind_of(contract: Contract, kind: str) -> str:
    """The kind of ticket a failure is: the contract's own, else what it is by itself."""
    return contract.ticket or kind


def path(contract: Contract) -> dict[str, Any]:
    """The parts of a Trouble that the contract says: how grave it is, and whose."""
    said: dict[str, Any] = {"severity": contract.severity}
    kind, _, name = contract.owner.partition(":")
    if kind == "process":
        return {**said, "process": name}
    user = User.objects.filter(email=name).first() if kind == "person" else None
    if user is None:
        return said
    return {
        **said,
        "owner": user,
        "owner_why": f"{user.name} answers when “{contract.name}” fails.",
    }


def mark(contract: Contract) -> str:
    """What a ticket's cause is told apart by, where the contract has a path of its own."""
    own = contract.ticket or contract.severity or contract.owner
    return f":{contract.slug}:{contract.version}" if own else ""
