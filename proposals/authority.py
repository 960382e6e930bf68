"""Who may move a proposal into a state: exactly one authority per move."""

from dataclasses import dataclass

from meshline.policy import roles
from meshline.policy.models import SourceOfTruth
from proposals.states import ALSO, AUTHORITY, State

# What stands for people where a move is theirs to make.
PEOPLE = "people"
# Where no connection is named for a part.
_BY_ITSELF = {"quoting": " of the proposals it brings"}


@dataclass(frozen=True)
class Authorities:
    """The authority table as it stands, read once for a batch."""

    configured: dict[str, str]
    billing: str

    def of(self, target: State, *, source: str) -> str:
        """The connection (slug), or PEOPLE, that may say `target` of a proposal from `source`."""
        return self._of_part(AUTHORITY[target], source)

    def _of_part(self, part: str, source: str) -> str:
        if named := self.configured.get(part):
            return named
        return {"quoting": source, "billing": self.billing, "close": PEOPLE}[part]

    def says(self, connection: str, *, brings_proposals: bool) -> list[str]:
        """What this connection is the authority for, in words."""
        own = connection if brings_proposals else ""
        return [
            f"{_states(part)}{'' if self.configured.get(part) else _BY_ITSELF.get(part, '')}"
            for part in dict.fromkeys(AUTHORITY.values())
            if connection and self._of_part(part, own) == connection
        ]

    def refusal(self, target: State, *, source: str, sender: str) -> str:
        """Why `sender` may not say so, as a sentence; empty when it may."""
        authority = self.of(target, source=source)
        also = {self._of_part(part, source) for part in ALSO.get(target, ())}
        if sender and sender in {authority, *also}:
            return ""
        said = target.label.lower()
        if not authority:
            return f"Nothing is connected yet that may say {said}; {sender} may not."
        return f"Only {authority} may say that this proposal is {said}; {sender} may not."


def _states(part: str) -> str:
    """The states a part says, inside a sentence."""
    said = [state.label.lower() for state in State if AUTHORITY[state] == part]
    return " and ".join(filter(None, [", ".join(said[:-1]), said[-1]]))


def load() -> Authorities:
    """The authorities of proposals, from the one table of sources of truth."""
    rows = SourceOfTruth.objects.filter(record_kind="proposal").exclude(connection="")
    return Authorities(
        dict(rows.values_list("field", "connection")), roles.connection_for("billing")
    )
