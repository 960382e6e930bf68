"""Notices leave the house: what is due for one person goes as one message over one channel.

As outcomes are carried (delivery.py), with the same retry table and the same kinds of trouble; see
docs/decisions/0010-a-notice-goes-out-as-a-row.md for what differs.
"""

import logging
import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, transaction

from connectors import backoff, delivery, health, registry
from connectors.base import Trouble
from connectors.mail import deliver as mail
from connectors.models import Connection
from connectors.slack import deliver as slack
from exceptions import troubles
from exceptions.models import Ticket
from meshline import bell, instant, logs
from meshline.audit import trail
from meshline.audit.actors import part
from meshline.notices import letters, preferences, sendings
from meshline.notices.kinds import CHANNELS, EMAIL, SLACK
from meshline.notices.letters import Letter
from meshline.notices.models import Preferences, Sending
from meshline.notices.sendings import LeaseLost
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy import roles
from proposals.tiers import Tier

log = logging.getLogger(__name__)

MESSENGER = part("messenger", "The messenger")
# What is claimed last is sent before the job's time (30 s) is over.
CLAIM_SECONDS = 12.0
# A channel that fails for so long has a ticket; retries go on behind it.
TICKET_AFTER = timedelta(minutes=15)
CLAIMED_TOO_OFTEN = 3
# Whether it arrived cannot be told: never sent again by itself.
UNKNOWN = "unknown"
# Whose trouble is the person's own, and says nothing about the channel.
_THEIRS = {mail.RECIPIENT, mail.MAILBOX, slack.RECIPIENT}


def drain() -> int:
    """Send what is due for at most 12 s, then ring again; how many messages went out or failed.

    A channel that fails is left alone for the rest of this drain: the others do not wait for it.
    """
    bell.clear(sendings.BELL)
    began, failing, number = time.monotonic(), set[str](), 0
    while time.monotonic() - began < CLAIM_SECONDS:
        open_ = [one for one in open_channels() if one not in failing]
        parcel = sendings.claim(open_, lease_seconds=settings.LEASE_SECONDS)
        if not parcel:
            return number
        number += 1
        if not post(parcel):
            failing.add(parcel[0].channel)
    bell.ring(sendings.BELL)
    return number


def something_is_due() -> bool:
    """Whether the drain should be woken."""
    return sendings.something_is_due(open_channels())


def open_channels() -> list[str]:
    """The channels over which something can be sent now."""
    mail_is_open = [EMAIL] if settings.EMAIL_GOES_OUT else []
    there = _chat()
    chat_is_open = there is not None and there.slug in health.callable_slugs()
    return mail_is_open + ([SLACK] if chat_is_open else [])


def post(parcel: Sequence[Sending]) -> bool:
    """Send one claimed message, or decide otherwise. Whether its channel works; never raises."""
    channel = parcel[0].channel
    with logs.about(job=f"notices by {channel}"):
        try:
            return _post(parcel)
        except LeaseLost as error:
            log.warning("%s", error)
        except DatabaseError:
            # The lease lapses by itself, and the next claim finds it.
            log.exception("The database failed while a message went out by %s", channel)
        except Exception as error:
            log.exception("A message could not be sent by %s", channel)
            return _note_crash(parcel, error)
    return True


@transaction.atomic
def retry(ticket: Ticket, *, channel: str, by: User, at: datetime) -> str:
    """A person says "now" to a channel; what happens, as a sentence.

    What may have arrived and cannot be told stays as it is.
    """
    permissions.check(by, Permission.RETRY_OUTCOME)
    number = sendings.again(channel=channel, failures_but=UNKNOWN, at=at)
    after = {"channel": channel, "how many": number}
    trail.record("notices.retried", subject=ticket, by=by, at=at, after=after)
    if not number:
        return "No notice waits for it; the ticket closes with the next one that goes out."
    return f"{number} notice{' goes' if number == 1 else 's go'} out again now."


def _post(parcel: Sequence[Sending]) -> bool:
    at, person = instant.now(), parcel[0].notice.user
    own = Preferences.objects.filter(user=person).first()
    parcel = _still_wanted(parcel, person, own)
    # First: quiet hours do not make up for what may have arrived.
    if parcel and (crash := _crash_of(parcel[0])):
        return _failed(parcel, crash, at)
    parcel = _not_held(parcel, own, at)
    if not parcel:
        return True
    try:
        external_id = _send(parcel, person, own, at)
    except Trouble as trouble:
        return _failed(parcel, trouble, instant.now())
    at = instant.now()
    sendings.mark_sent(parcel, external_id=external_id, at=at)
    because = f"A message went out by {CHANNELS[parcel[0].channel]}."
    troubles.settle(subject=_subject(parcel[0].channel), because=because, by=MESSENGER, at=at)
    return True


def _crash_of(one: Sending) -> Trouble | None:
    """Why it is not tried again, after what sent it before died on the way."""
    if one.crashes and one.channel == SLACK:
        said = "What sent it died on the way, and nobody can tell whether it arrived."
        return Trouble(said, failure=UNKNOWN, unknown=True)
    if one.crashes >= CLAIMED_TOO_OFTEN:
        said = "It took down what sent it three times."
        return Trouble(said, failure="crashed", permanent=True)
    return None


def _still_wanted(
    parcel: Sequence[Sending], person: User, own: Preferences | None
) -> list[Sending]:
    """Without what this person no longer wants to hear, or may not."""
    wanted = [
        one for one in parcel
        if person.is_active
        and one.channel in preferences.wanted(own, one.notice.kind, person.role)
    ]  # fmt: skip
    if dropped := [one for one in parcel if one not in wanted]:
        sendings.cancel(dropped, because=f"{person.name} does not want it by this channel.")
    return wanted


def _not_held(parcel: Sequence[Sending], own: Preferences | None, at: datetime) -> list[Sending]:
    """Without what waits for the end of quiet hours: what is late falls into them, too.

    What was tried together is sent together: a part of it, under the same id, would be taken for
    a repeat of the whole.
    """
    held = [one for one in parcel if preferences.held_until(own, one.notice, at)]
    if len(held) < len(parcel) and sendings.was_tried(parcel):
        return list(parcel)
    if held and (until := preferences.quiet_until(own, held[0].notice.user, at)):
        sendings.hold(held, until=until)
    return [one for one in parcel if one not in held]


def _send(parcel: Sequence[Sending], person: User, own: Preferences | None, at: datetime) -> str:
    were_held = any(one.was_held for one in parcel)
    written = letters.write([one.notice for one in parcel], person, were_held=were_held)
    key = str(parcel[0].parcel)
    if parcel[0].channel == EMAIL:
        return mail.letter(written, to=person.email, key=key)
    return _by_slack(written, person, own, key, at)


def _by_slack(
    written: Letter, person: User, own: Preferences | None, key: str, at: datetime
) -> str:
    there = _chat()
    if there is None:
        raise Trouble("No chat is connected any more.", failure="no-connection", permanent=True)
    client = delivery.client_of(registry.system(there.system), there, at=at)
    client.caller.ends_at = time.monotonic() + delivery.CALL_SECONDS
    slack_id = own.slack_id if own else ""
    try:
        return slack.letter(client, written, email=person.email, slack_id=slack_id, key=key)
    except Trouble as trouble:
        trouble.credential = client.caller.credential
        raise


def _failed(parcel: Sequence[Sending], trouble: Trouble, at: datetime) -> bool:
    """Put it off, or give it up. False when the channel failed as a whole: then it has one ticket,
    and is tried again with one message every 30 s."""
    channel = parcel[0].channel
    if trouble.failure in _THEIRS:
        _put_off_or_give_up(parcel, trouble, at)
        return True
    _note_trouble(parcel, trouble, at)
    sendings.put_off(channel=channel, until=at + health.PROBE_EVERY)
    return False


def _note_trouble(parcel: Sequence[Sending], trouble: Trouble, at: datetime) -> None:
    """The channel's trouble: for good, or for too long, it has a ticket."""
    if trouble.credentials and (there := _chat()):
        # It has its own ticket; with the new credential all of this follows.
        health.credentials_refused(there.slug, str(trouble), credential=trouble.credential, at=at)
        sendings.postpone(parcel, until=at, because=str(trouble), failure="credentials", at=at)
        return
    goes_on = _put_off_or_give_up(parcel, trouble, at)
    if not goes_on or at - (parcel[0].first_failed_at or at) >= TICKET_AFTER:
        _open_ticket(parcel[0].channel, trouble, at)


def _put_off_or_give_up(parcel: Sequence[Sending], trouble: Trouble, at: datetime) -> bool:
    """Whether it is tried again."""
    is_lost = trouble.unknown and parcel[0].channel == SLACK
    until = None if trouble.permanent or is_lost else _next(parcel[0], trouble, at)
    if until is None:
        failure = UNKNOWN if is_lost else trouble.failure
        sendings.give_up(parcel, because=str(trouble), failure=failure)
        return False
    sendings.postpone(parcel, until=until, because=str(trouble), failure=trouble.failure, at=at)
    return True


def _note_crash(parcel: Sequence[Sending], error: Exception) -> bool:
    """Our own fault: tried again later like any failure, as far as that can be written down."""
    trouble = Trouble(f"{type(error).__name__}: {error}", failure="crashed", unknown=True)
    try:
        return _failed(parcel, trouble, instant.now())
    except Exception:
        log.exception("A message by %s is left to its lease", parcel[0].channel)
        return False


def _next(one: Sending, trouble: Trouble, at: datetime) -> datetime | None:
    asked = timedelta(seconds=trouble.retry_after) if trouble.retry_after is not None else None
    return backoff.next_attempt(
        Tier.MINUTES, one.attempts, failed_at=at, jitter=random.uniform(-1, 1), retry_after=asked
    )


def _open_ticket(channel: str, trouble: Trouble, at: datetime) -> None:
    """One ticket for the channel, however many notices wait for it."""
    there, name = _chat() if channel == SLACK else None, CHANNELS[channel]
    troubles.open_ticket(
        troubles.Trouble(
            kind="notices-stuck",
            cause=f"notices:{channel}",
            title=f"Notices do not go out by {name}",
            reason=f"{trouble} What they say stands in Meshline for each person all the same.",
            subject=_subject(channel),
            evidence={"channel": channel, "last answer": str(trouble), "failure": trouble.failure},
            connection=there.slug if there else "",
            remedies=[
                {
                    "label": "Send again",
                    "explains": "Tries what waits for this channel now, and what was given up for "
                    "it in the last days; not what may have arrived.",
                    "url_name": "connectors:retry-ticket",
                    "args": ["ticket"],
                }
            ],
        ),
        by=MESSENGER,
        at=at,
    )


def _subject(channel: str) -> str:
    return f"channel:{channel}"


def _chat() -> Connection | None:
    """The connection that plays the chat's part, if it is one that people can be written over."""
    slug = roles.connection_for(preferences.CHAT)
    return Connection.objects.filter(slug=slug, system="slack").first() if slug else None
