"""Who may do what: the table first, then the questions asked of it.

Default is no. A verb calls `check`, which refuses with a sentence; a page calls `refusal_for`, to
say beside a disabled button why it is disabled. Both read the same table.
"""

from enum import StrEnum
from typing import Any, Protocol


class Role(StrEnum):
    """The six roles; the values stand in the operating model file and on the command line."""

    OPERATOR = "operator"
    MANAGER = "manager"
    SDR_MANAGER = "sdr-manager"
    REP = "rep"
    ADMIN = "admin"
    VIEWER = "viewer"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(role.value, role.label) for role in cls]


_LABELS = {
    Role.OPERATOR: "RevOps operator",
    Role.MANAGER: "RevOps manager",
    Role.SDR_MANAGER: "SDR manager",
    Role.REP: "Rep",
    Role.ADMIN: "Admin",
    Role.VIEWER: "Viewer",
}


class Permission(StrEnum):
    SEE_PROPOSALS = "see proposals"
    SEE_PAYLOADS = "see raw payloads"
    MOVE_PROPOSAL = "move a proposal along its contract"
    OVERRIDE_PROPOSAL = "override a guard or reopen a proposal"
    HOLD_PROPOSAL = "put a proposal on hold or lift a hold"
    REASSIGN_PROPOSAL = "change a proposal's owner"
    FOLLOW_UP = "complete or move a follow-up"
    DECIDE_VALUE = "decide which value of a proposal counts"
    SEE_QUEUE = "see the exception queue"
    WORK_QUEUE = "claim, acknowledge, release and escalate tickets"
    NOTE_TICKET = "write a note on a ticket"
    RESOLVE_TICKET = "resolve a ticket"
    TAKE_OVER_TICKET = "take a ticket over from somebody"
    RETRY_OUTCOME = "retry or cancel an outcome"
    APPROVE_GATES = "approve what waits at a review gate"
    REPLAY_MESSAGE = "replay a message"
    RELEASE_QUARANTINE = "release a quarantined message"
    FORCE_EFFECT = "force a new effect or let one go"
    SEE_CONNECTIONS = "see connections"
    PAUSE_CONNECTION = "pause a connection"
    RESUME_CONNECTION = "resume a connection"
    SYNC_CONNECTION = "look through what a connection holds"
    CONFIGURE_CONNECTION = "create and change connections and their secrets"
    AGREE_ON_CONNECTION = "agree on a connection's owner, tier and rhythm"
    SEE_OPERATING_MODEL = "see the operating model"
    DRAFT_OPERATING_MODEL = "draft changes of the operating model"
    CHANGE_OPERATING_MODEL = "change the operating model"
    EXPORT_OPERATING_MODEL = "download the operating model as a file"
    KEEP_ROTA = "change the rota"
    PLAN_ABSENCE = "plan absences"
    SEE_PEOPLE = "see people"
    MANAGE_PEOPLE = "manage people and roles"
    SEE_TRAIL = "search the trail"
    EXPORT_TRAIL = "export the trail"
    EXPORT_QUEUE = "export the exception queue"
    SEE_TABLES = "look at every table"
    SEE_CHECKS = "see what the checks found"
    RUN_CHECK = "run a check now"
    SEE_RUNS = "see what reconciliation found"
    RUN_RECONCILIATION = "reconcile with the other systems"
    FIX_DIVERGENCE = "fix a difference"
    ACCEPT_DIVERGENCE = "accept a difference"
    JUDGE_SAMPLE = "judge what was drawn for the sampling audit"
    TUNE_CHECKS = "say how often the checks and canaries look"
    SIGN_MONDAY = "sign the Monday checklist"
    SEE_DASHBOARDS = "see the dashboards"
    EXPORT_DASHBOARDS = "export the dashboards"
    SEE_OPERATIONS = "see how Meshline itself runs"
    PLAY_DEMO = "play the demo's other side"


class Scope(StrEnum):
    """How far a permission reaches."""

    ALL = "all"
    TEAM = "team"  # records owned in the person's own team, and their own
    OWN = "own"  # records the person owns
    MASKED = "masked"  # all, with personal values and amounts masked


O, M, S, R, A, V = Role  # noqa: E741 - one letter a role keeps the table readable
ALL, TEAM, OWN, MASKED = Scope

TABLE: dict[Permission, dict[Role, Scope]] = {
    Permission.SEE_PROPOSALS: {O: ALL, M: ALL, S: TEAM, R: OWN, A: MASKED, V: MASKED},
    Permission.SEE_PAYLOADS: {O: ALL, M: ALL, S: TEAM, A: MASKED},
    Permission.MOVE_PROPOSAL: {O: ALL, M: ALL},
    Permission.OVERRIDE_PROPOSAL: {M: ALL},
    Permission.HOLD_PROPOSAL: {O: ALL, M: ALL},
    Permission.REASSIGN_PROPOSAL: {O: ALL, M: ALL, S: TEAM},
    Permission.FOLLOW_UP: {O: ALL, M: ALL, S: TEAM, R: OWN},
    Permission.DECIDE_VALUE: {O: ALL, M: ALL},
    Permission.SEE_QUEUE: {O: ALL, M: ALL, S: TEAM, A: MASKED, V: MASKED},
    Permission.WORK_QUEUE: {O: ALL, M: ALL, S: TEAM},
    Permission.NOTE_TICKET: {O: ALL, M: ALL, S: TEAM, V: ALL},
    Permission.RESOLVE_TICKET: {O: OWN, M: ALL, S: TEAM},
    Permission.TAKE_OVER_TICKET: {M: ALL, S: TEAM},
    Permission.RETRY_OUTCOME: {O: ALL, M: ALL},
    # As the gate names them; a viewer needs the approver's right as well.
    Permission.APPROVE_GATES: {O: ALL, M: ALL, S: ALL, V: ALL},
    Permission.REPLAY_MESSAGE: {O: OWN, M: ALL},
    Permission.RELEASE_QUARANTINE: {O: ALL, M: ALL},
    # One asks, another one lets it go.
    Permission.FORCE_EFFECT: {M: ALL},
    Permission.SEE_CONNECTIONS: {O: ALL, M: ALL, S: ALL, A: ALL, V: ALL},
    Permission.PAUSE_CONNECTION: {O: ALL, M: ALL, A: ALL},
    Permission.RESUME_CONNECTION: {M: ALL, A: ALL},
    Permission.SYNC_CONNECTION: {O: ALL, M: ALL, A: ALL},
    Permission.CONFIGURE_CONNECTION: {A: ALL},
    Permission.AGREE_ON_CONNECTION: {M: ALL, A: ALL},
    Permission.SEE_OPERATING_MODEL: {O: ALL, M: ALL, S: ALL, R: ALL, A: ALL, V: ALL},
    Permission.DRAFT_OPERATING_MODEL: {O: ALL, M: ALL},
    Permission.CHANGE_OPERATING_MODEL: {M: ALL},
    # It holds every part of the model: people and connections, too, which an admin keeps.
    Permission.EXPORT_OPERATING_MODEL: {M: ALL, A: ALL},
    # Own: of shifts and absences that are their own; a team's are those of its rota and its people.
    Permission.KEEP_ROTA: {O: OWN, M: ALL, S: TEAM, R: OWN},
    Permission.PLAN_ABSENCE: {O: OWN, M: ALL, S: TEAM, R: OWN},
    Permission.SEE_PEOPLE: {M: ALL, S: TEAM, A: ALL},
    Permission.MANAGE_PEOPLE: {A: ALL},
    Permission.SEE_TRAIL: {O: ALL, M: ALL, S: TEAM, A: MASKED},
    Permission.EXPORT_TRAIL: {O: ALL, M: ALL, S: TEAM, A: MASKED},
    Permission.EXPORT_QUEUE: {O: OWN, M: ALL, S: TEAM},
    Permission.SEE_TABLES: {A: ALL},
    Permission.SEE_CHECKS: {O: ALL, M: ALL, S: TEAM, A: MASKED, V: MASKED},
    Permission.RUN_CHECK: {O: ALL, M: ALL, A: ALL},
    Permission.SEE_RUNS: {O: ALL, M: ALL, S: TEAM, A: MASKED, V: MASKED},
    Permission.RUN_RECONCILIATION: {O: ALL, M: ALL},
    Permission.FIX_DIVERGENCE: {O: ALL, M: ALL},
    Permission.ACCEPT_DIVERGENCE: {M: ALL},
    Permission.JUDGE_SAMPLE: {O: ALL, M: ALL, S: TEAM},
    Permission.TUNE_CHECKS: {M: ALL, A: ALL},
    Permission.SIGN_MONDAY: {O: ALL, M: ALL},
    # A team's events are those whose owner is in it.
    Permission.SEE_DASHBOARDS: {O: ALL, M: ALL, S: TEAM, A: MASKED, V: MASKED},
    Permission.EXPORT_DASHBOARDS: {M: ALL, S: TEAM},
    Permission.SEE_OPERATIONS: {O: ALL, M: ALL, A: ALL, V: ALL},
    Permission.PLAY_DEMO: {O: ALL, M: ALL, S: ALL, R: ALL, A: ALL, V: ALL},
}


class NotAllowed(Exception):
    """A no, as a sentence for the person who hears it."""


class OutOfScope(NotAllowed):
    """The thing exists, but not for this person: answered as if it did not exist."""


class Holder(Protocol):
    """What the table wants to know of a person."""

    @property
    def role(self) -> str: ...
    @property
    def is_active(self) -> bool: ...
    @property
    def team_id(self) -> int | None: ...
    @property
    def pk(self) -> Any: ...


class _Nobody:
    role: str = ""
    is_active: bool = False
    team_id: int | None = None
    pk: Any = None


# Who owns a thing that has no owner: it is nobody's own, and in nobody's team. No owner given at
# all asks whether somebody may do such a thing in general.
NOBODY = _Nobody()


# What a viewer may only with the approver's right beside their role.
WITH_THE_RIGHT = {Permission.APPROVE_GATES}


def scope(user: Any, permission: Permission) -> Scope | None:
    """How far `permission` reaches for this person; None when it is not theirs at all.

    Whoever acts without being a person (the carrier, the clock) has no role and is not asked.
    """
    if not hasattr(user, "role"):
        return Scope.ALL
    if not user.is_active:
        return None
    return TABLE[permission].get(Role(user.role))


def may(user: Any, permission: Permission, *, owner: Holder | None = None) -> bool:
    """Whether this person may, regarding a thing owned by `owner` (None: in general)."""
    return refusal_for(user, permission, owner=owner) == ""


def refusal_for(user: Any, permission: Permission, *, owner: Holder | None = None) -> str:
    """Why not, as a sentence; empty when they may.

    `owner` matters only where the person's scope is their team or their own; of a thing that has
    none it is NOBODY.
    """
    reach = scope(user, permission)
    if reach is None:
        return f"{_role_of(user)} may not {permission.value}. {_who_may(permission)}"
    if owner is None or reach in (Scope.ALL, Scope.MASKED) or owner.pk == user.pk:
        return ""
    if reach is Scope.TEAM and user.team_id is not None and owner.team_id == user.team_id:
        return ""
    whose = "of their own team" if reach is Scope.TEAM else "that are their own"
    return f"{_role_of(user)} may {permission.value} only for things {whose}."


def refusal_to_approvals(user: Any) -> str:
    """Why nothing waits for this person's approval; empty where something may: at a gate, or for
    who has the approver's right, whatever their role."""
    if getattr(user, "approves_model", False) and user.is_active:
        return ""
    return refusal_for(user, Permission.APPROVE_GATES)


def who_may_everywhere(permission: Permission) -> list[str]:
    """The roles whose reach is everything, as in "a RevOps manager"."""
    reaches = TABLE[permission].items()
    return [_one_of(role) for role, reach in reaches if reach is Scope.ALL]


def check(user: Any, permission: Permission, *, owner: Holder | None = None) -> None:
    """Raise NotAllowed with the reason unless this person may."""
    reason = refusal_for(user, permission, owner=owner)
    if reason:
        raise NotAllowed(reason)


def _role_of(user: Any) -> str:
    role = getattr(user, "role", "")
    if not role:
        return "Nobody"
    words = _one_of(Role(role))
    return words[:1].upper() + words[1:]


def _who_may(permission: Permission) -> str:
    labels = [_one_of(role) for role in TABLE[permission]]
    if permission in WITH_THE_RIGHT:
        labels = [one for one in labels if one != _one_of(Role.VIEWER)]
        labels.append("somebody with the approver's right")
    return f"Ask {' or '.join(labels)}." if labels else "Nobody may."


_AN, _AN_BY_LETTER = "AEIO", "AEFHILMNORSX"


def _one_of(role: Role) -> str:
    """As in "an Admin"."""
    first = role.label.split()[0]
    # What is spelled out is spoken by its letters: "an SDR manager".
    spoken = _AN_BY_LETTER if first.isupper() else _AN
    return f"{'an' if first[0] in spoken else 'a'} {role.label}"
