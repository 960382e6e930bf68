"""What people are told of, and over which channels each role is told by itself: the table first.

Inside Meshline everything is told, always. A channel outside is a choice, and this is what stands
as long as a person has chosen nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

EMAIL, SLACK = "email", "slack"
CHANNELS = {EMAIL: "E-mail", SLACK: "Slack"}

_NONE: frozenset[str] = frozenset()
_MAIL, _CHAT = frozenset({EMAIL}), frozenset({SLACK})
_BOTH = _MAIL | _CHAT


@dataclass(frozen=True)
class Kind:
    """One kind of event: its name in the tables, its words on screen, its channels by role."""

    name: str
    label: str
    says: str
    outside: frozenset[str] = _NONE
    # Roles for which it is otherwise.
    by_role: Mapping[str, frozenset[str]] = field(default_factory=dict)
    # The roles it is offered to; all where nothing stands.
    offered_to: frozenset[str] = _NONE

    def channels(self, role: str) -> frozenset[str]:
        """The channels outside over which this role is told by itself."""
        return self.by_role.get(role, self.outside)

    def is_offered_to(self, role: str) -> bool:
        return not self.offered_to or role in self.offered_to


_MODEL = frozenset({"operator", "manager", "sdr-manager", "viewer"})

_TABLE = [
    Kind(
        "record", "My records",
        "What a contract says of a record of mine: a proposal went out, was signed, was invoiced.",
    ),
    Kind(
        "ticket", "My tickets",
        "A ticket opened for me, or was given to me.",
        _CHAT, by_role={"rep": _BOTH, "viewer": _MAIL},
    ),
    Kind("sla-50", "A good part of the time is over", "At 50 % of a deadline of mine."),
    Kind("mention", "I am mentioned", "Somebody names me in a note on a ticket.", _BOTH),
    Kind("sla-80", "A deadline is near", "At 80 % of a deadline of mine.", _CHAT),
    Kind("sla-100", "A deadline is missed", "At 100 %: told to its owner and their lead.", _BOTH),
    Kind("sla-150", "Far beyond a deadline", "At 150 %: told to who is accountable.", _BOTH),
    Kind("escalated", "Escalated to me", "A ticket was handed up to me.", _BOTH),
    Kind(
        "review", "My review or signature is asked for",
        "A draft waits for somebody to publish it, or an outcome for its approval.", _BOTH,
    ),
    Kind(
        "absence", "Absences and the rota",
        "Somebody's work comes to me while they are out; a shift of mine was changed.",
        _MAIL,
    ),
    Kind(
        "connection", "A connection was paused or refused us",
        "Nothing goes out over it until somebody has looked.", _NONE, by_role={"admin": _BOTH},
    ),
    Kind(
        "published", "Rules, contracts or mappings were published",
        "A new version of what was agreed is in force.", offered_to=_MODEL,
    ),
    Kind(
        "digest", "Daily digest",
        "What is mine and open, what is overdue, and what changed; on the working days of my team.",
        _MAIL,
    ),
]  # fmt: skip

KINDS: dict[str, Kind] = {kind.name: kind for kind in _TABLE}
RECORD, TICKET, ESCALATED, REVIEW = "record", "ticket", "escalated", "review"
SLA_QUIET, SLA_OWNER, SLA_LEAD, SLA_ACCOUNTABLE = "sla-50", "sla-80", "sla-100", "sla-150"
MENTION = "mention"
ABSENCE, CONNECTION, PUBLISHED, DIGEST = "absence", "connection", "published", "digest"

# When the daily digest comes where a person has chosen nothing; a role without one gets none.
DIGEST_AT = {"operator": "08:00", "manager": "08:00", "sdr-manager": "08:00", "rep": "08:00"}
NO_DIGEST = "never"


def offered(role: str) -> list[Kind]:
    """The kinds a person in this role may be told of."""
    return [kind for kind in _TABLE if kind.is_offered_to(role)]
