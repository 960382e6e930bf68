"""A person chooses how they want to be told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from meshline.audit import trail
from meshline.audit.trail import Personal
from meshline.notices import preferences, quiet, sendings
from meshline.notices.kinds import CHANNELS, KINDS, NO_DIGEST
from meshline.notices.models import Preferences
from meshline.notices.quiet import QuietError
from meshline.people.models import User

# What is not the person's to choose stays: up to where the digests have come.
_CHOSEN = ["channels", "quiet", "critical_breaks_through", "digest_at", "slack_id"]
# As Slack writes a member's id.
_SLACK_ID = re.compile(r"[UW][A-Z0-9]{2,30}")


class PreferenceError(Exception):
    """A preference that cannot be, with the field it is about."""

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


class Stale(Exception):
    """They were changed elsewhere since they were looked at: `seen` is something else `now`."""

    def __init__(self, seen: dict[str, Any], now: dict[str, Any]) -> None:
        super().__init__("Your preferences were changed in another window meanwhile.")
        self.seen, self.now = seen, now


@dataclass(frozen=True)
class Choice:
    """All that a person may choose."""

    channels: dict[str, list[str]] = field(default_factory=dict)
    quiet: list[tuple[int, str, str]] = field(default_factory=list)
    critical_breaks_through: bool = False
    digest_at: str = ""
    slack_id: str = ""


@transaction.atomic
def settle(
    choice: Choice, *, by: User, at: datetime, seen: dict[str, Any] | None = None
) -> Preferences:
    """Choose for oneself. What waits follows: what is no longer held goes out, what is no longer
    wanted does not.

    Raises PreferenceError naming the field, and Stale unless they are as `seen`.
    """
    User.objects.select_for_update().get(pk=by.pk)
    own = preferences.of(by)
    before = facts(own)
    if seen and seen != before:
        raise Stale(seen, before)
    _check(choice)
    own.channels = {name: sorted(set(over)) for name, over in choice.channels.items()}
    own.quiet = [list(span) for span in quiet.check(choice.quiet)]
    own.critical_breaks_through = choice.critical_breaks_through
    own.digest_at, own.slack_id = choice.digest_at, choice.slack_id
    own.save(update_fields=None if own._state.adding else _CHOSEN)
    if facts(own) != before:
        trail.record(
            "person.notices-chosen", subject=by, by=by, at=at,
            before=_sealed(before, by), after=_sealed(facts(own), by),
        )  # fmt: skip
        sendings.hurry(user=by, at=at)
    return own


def facts(own: Preferences) -> dict[str, Any]:
    """What is chosen, as people read it on the trail."""
    return {
        "channels": {KINDS[name].label: list(over) for name, over in sorted(own.channels.items())
                     if name in KINDS},
        "quiet hours": [f"{quiet.DAYS[day]} {starts} to {ends}" for day, starts, ends in own.quiet],
        "critical breaks through": own.critical_breaks_through,
        "digest at": own.digest_at,
        "Slack id": own.slack_id,
    }  # fmt: skip


def in_words(said: Mapping[str, Any], *, role: str) -> dict[str, Any]:
    """The same with a line for each kind of notice: as chosen, else as usual for the role."""
    channels = said.get("channels") or {}
    kinds = {
        one.label: _over(sorted(channels.get(one.label, one.channels(role))))
        for one in KINDS.values()
    }
    return kinds | {
        f"{name[:1].upper()}{name[1:]}": what for name, what in said.items() if name != "channels"
    }


def _over(channels: list[str]) -> str:
    return ", ".join(CHANNELS[name] for name in channels if name in CHANNELS) or "only in Meshline"


def _sealed(said: dict[str, Any], user: User) -> dict[str, Any]:
    return {**said, "Slack id": Personal(f"person:{user.pk}", said["Slack id"])}


def _check(choice: Choice) -> None:
    for name, over in choice.channels.items():
        if name not in KINDS or not set(over) <= CHANNELS.keys():
            raise PreferenceError("There is no such notice or channel.", "channels")
    if choice.slack_id and not _SLACK_ID.fullmatch(choice.slack_id):
        raise PreferenceError("A Slack member id begins with U or W: U024BE7LH.", "slack_id")
    if choice.digest_at not in ("", NO_DIGEST) and not _is_time(choice.digest_at):
        raise PreferenceError("Write the time of the digest as 08:00.", "digest_at")
    try:
        quiet.check(choice.quiet)
    except QuietError as error:
        day = None if error.weekday is None else quiet.DAYS[error.weekday]
        raise PreferenceError(str(error), day) from None


def _is_time(text: str) -> bool:
    try:
        return quiet.read(text) == text != "24:00"
    except QuietError:
        return False
