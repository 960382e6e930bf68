"""The rows an installation cannot be without: made once, never changed again here.

The numbers are the product's starting numbers; managers change them in the operating model.
"""

from datetime import datetime

from django.db import transaction

from exceptions import runbooks
from exceptions.kinds import Severity
from exceptions.models import Escalation
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.people.models import Team
from meshline.policy.models import (
    SINCE_EVER,
    BusinessCalendar,
    Company,
    RaciAssignment,
    Sla,
    SourceOfTruth,
)
from meshline.policy.processes import PROCESSES
from proposals.contracts import publishing
from proposals.models import Contract
from proposals.routing import rulebook
from proposals.states import State

# Business minutes to acknowledge and to fix.
SLAS = {
    Severity.CRITICAL: (15, 120),
    Severity.HIGH: (30, 240),
    Severity.NORMAL: (120, 480),
    Severity.LOW: (480, 2400),
}
WORKING_WEEK = [[weekday, "09:00", "17:00"] for weekday in range(5)]
# Two working days after a proposal was sent its owner follows up.
FOLLOW_UP_WITHIN = 2 * 8 * 60
ONBOARDING_WITHIN = 8 * 60

_ALIVE = [State.SENT, State.VIEWED]
_SENT_NOTICE = "{title} went out to {contact}. Follow up in two working days."
_WON = [State.SIGNED, State.INVOICED, State.CLOSED_WON]


def found() -> None:
    """Create what is missing of the default rows. Idempotent."""
    with transaction.atomic():
        Company.objects.get_or_create(id=1, defaults={"name": "Our company"})
        _calendar()
        _slas()
        Escalation.objects.get_or_create(id=1)
        _raci()
        for part in ("quoting", "billing", "close"):
            SourceOfTruth.objects.get_or_create(record_kind="proposal", field=part)
        _contracts()
        rulebook.found(at=instant.now())
        runbooks.found(at=instant.now())


def _calendar() -> None:
    BusinessCalendar.objects.get_or_create(
        is_default=True,
        defaults={
            "slug": "company", "name": "Company hours", "zone": "UTC", "windows": WORKING_WEEK,
        },
    )  # fmt: skip


def _slas() -> None:
    for severity, (ack, fix) in SLAS.items():
        Sla.objects.get_or_create(
            kind="", severity=severity, defaults={"ack_within": ack, "fix_within": fix}
        )


def _raci() -> None:
    """RevOps answers for everything until somebody says otherwise."""
    team, _ = Team.objects.get_or_create(slug="revops", defaults={"name": "Revenue Operations"})
    at = instant.now()
    for process in PROCESSES:
        # Whoever has been named since stays, alone or beside others.
        in_force = list(RaciAssignment.objects.of(process).in_force(at))
        named = {row.letter for row in in_force}
        RaciAssignment.objects.bulk_create(
            RaciAssignment(
                process=process,
                letter=letter,
                team=team,
                effective_from=_since(in_force, process, at),
            )
            for letter in ("responsible", "accountable")
            if letter not in named
        )


def _since(in_force: list[RaciAssignment], process: str, at: datetime) -> datetime:
    """With the others of its set; without any from the beginning, or again from now on."""
    if in_force:
        return in_force[0].effective_from
    return at if RaciAssignment.objects.of(process).exists() else SINCE_EVER


def _contracts() -> None:
    if Contract.objects.exists():
        return
    at = instant.now()
    for slug, name, trigger, outcomes in CONTRACTS:
        content = {"name": name, "trigger": trigger.value, "outcomes": outcomes}
        publishing.put_in_force(slug=slug, content=content, by=SETUP, at=at)


def _deal(wanted: State) -> dict:
    return {
        "name": "deal", "kind": "deal.upsert", "target": "crm", "wanted": [wanted], "mirrors": True,
        "params": {},
    }  # fmt: skip


def _notice(name: str, subject: str, wanted: list[State]) -> dict:
    return {
        "name": name, "kind": "notice.tell", "target": "meshline", "wanted": wanted,
        "params": {"subject": subject},
    }  # fmt: skip


def _message(subject: str) -> dict:
    """Into the chat, where there is one: nobody reads it a second time, so it is posted once."""
    return {
        "name": "message", "kind": "message.post", "target": "chat", "wanted": _WON, "once": True,
        "optional": True, "facts": True, "params": {"subject": subject},
    }  # fmt: skip


def _webhook(state: State, wanted: list[State]) -> dict:
    """For whatever else listens, where something does."""
    return {
        "name": "webhook", "kind": "webhook.send", "target": "automation", "wanted": wanted,
        "optional": True, "facts": True, "params": {"type": f"proposal.{state}"},
    }  # fmt: skip


CONTRACTS: list[tuple[str, str, State, list[dict]]] = [
    (
        "sent", "A proposal is sent", State.SENT,
        [
            _deal(State.SENT),
            {
                "name": "follow-up", "kind": "task.create", "target": "crm", "wanted": _ALIVE,
                "undo": "task.complete",
                "params": {
                    "subject": "Follow up: {title}",
                    "body": "{contact} has had the proposal over {amount} for two working days.",
                    "priority": "HIGH",
                    "due_within": FOLLOW_UP_WITHIN,
                },
            },
            _notice("tell-owner", _SENT_NOTICE, _ALIVE),
        ],
    ),
    ("viewed", "A proposal is viewed", State.VIEWED, [_deal(State.VIEWED)]),
    (
        "signed", "A proposal is signed", State.SIGNED,
        [
            _deal(State.SIGNED),
            # A customer is never billed twice, also not when a contract is signed once more.
            {
                "name": "invoice", "kind": "invoice.create", "target": "billing", "wanted": _WON,
                "once": True, "optional": True, "facts": True, "params": {},
            },
            {
                "name": "onboarding", "kind": "task.create", "target": "crm", "wanted": _WON,
                "params": {
                    "subject": "Start onboarding: {title}",
                    "body": "{contact} signed over {amount}.",
                    "priority": "HIGH",
                    "due_within": ONBOARDING_WITHIN,
                },
            },
            _notice("tell-owner", "{contact} signed {title} over {amount}.", _WON),
            _message("{contact} signed {title} over {amount}. {owner} owns it."),
            _webhook(State.SIGNED, _WON),
        ],
    ),
    (
        "disputed", "A proposal is disputed", State.DISPUTED,
        [
            _deal(State.DISPUTED),
            {
                "name": "ticket", "kind": "ticket.open", "target": "meshline",
                "wanted": [State.DISPUTED],
                "params": {
                    "ticket": "dispute",
                    "subject": "{title} is disputed",
                    "body": "{contact} declined the proposal over {amount}; {owner} owns it.",
                },
            },
        ],
    ),
    ("expired", "A proposal expires", State.EXPIRED, [_deal(State.EXPIRED)]),
    (
        "invoiced", "A proposal is invoiced", State.INVOICED,
        [
            _deal(State.INVOICED),
            _notice(
                "tell-owner", "{title} is invoiced: {invoice} over {invoiced}.",
                [State.INVOICED, State.CLOSED_WON],
            ),
            _webhook(State.INVOICED, [State.INVOICED, State.CLOSED_WON]),
        ],
    ),
    ("closed-won", "A proposal is won", State.CLOSED_WON, [_deal(State.CLOSED_WON)]),
    ("closed-lost", "A proposal is lost", State.CLOSED_LOST, [_deal(State.CLOSED_LOST)]),
]  # fmt: skip
