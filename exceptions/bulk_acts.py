"""What can be done to many tickets at once: the table first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exceptions import desk, handing, mentions, snoozing
from meshline.people.models import User
from meshline.people.permissions import Permission

Given = Mapping[str, Any]


def _nothing(given: Given) -> dict[str, Any]:
    return dict(given)


def _anything(given: Given, at: datetime) -> None:
    """There is nothing that could be wrong with all of them."""


@dataclass(frozen=True)
class Act:
    """One act of the desk: its words, whose right it is, and what it is given.

    What it is given is kept as JSON, and `read` makes of it what the verb takes. `check` raises
    ValueError on what would fail on every single ticket.
    """

    name: str
    label: str
    done: str  # "12 tickets claimed"
    verb: Callable[..., Any]
    permission: Permission = Permission.WORK_QUEUE
    read: Callable[[Given], dict[str, Any]] = _nothing
    check: Callable[[Given, datetime], None] = _anything
    # What joins its label to the tickets: "Write a note on them".
    joined: str = ""

    @property
    def to(self) -> str:
        """Its label, as "them" or "many tickets" follows it."""
        return f"{self.label} {self.joined}".rstrip()


def _assigned(given: Given) -> dict[str, Any]:
    return {**given, "to": User.objects.get(pk=given["to"])}


def _can_receive(given: Given, at: datetime) -> None:
    handing.check_receiver(given["to"], at=at)


def _snoozed(given: Given) -> dict[str, Any]:
    return {**given, "until": datetime.fromisoformat(given["until"])}


def _is_soon(given: Given, at: datetime) -> None:
    snoozing.check_until(given["until"], at=at)


def _names_people(given: Given, at: datetime) -> None:
    mentions.people_in(given["text"])


_TABLE = [
    Act("claim", "Claim", "claimed", desk.claim),
    Act("acknowledge", "Acknowledge", "acknowledged", desk.acknowledge),
    Act("release", "Release", "released", desk.release),
    Act("assign", "Assign", "assigned", handing.assign, read=_assigned, check=_can_receive),
    Act("snooze", "Snooze", "put to sleep", snoozing.snooze, read=_snoozed, check=_is_soon),
    Act("escalate", "Escalate", "escalated", desk.escalate),
    Act("note", "Write a note", "written on", desk.note, Permission.NOTE_TICKET,
        check=_names_people, joined="on"),
    Act("resolve", "Resolve", "resolved", desk.resolve, Permission.RESOLVE_TICKET),
]  # fmt: skip
ACTS: dict[str, Act] = {act.name: act for act in _TABLE}
