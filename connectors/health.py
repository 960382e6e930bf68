"""A connection's health: its breaker, and what happens when it refuses who we are."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from connectors import heralds
from connectors.models import Connection, DeliveryAttempt, PageTry, Secret
from exceptions import troubles
from exceptions.models import Occurrence, Ticket
from exceptions.troubles import Trouble
from meshline.audit import trail
from meshline.audit.actors import part
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy import processes
from proposals import outbox
from proposals.lateness import CARRIER, OF_THE_CONNECTION, Held

OUTAGE = "delivery-failed"
HEALTH = part("health", "Connection health")
WINDOW = timedelta(minutes=5)
AT_LEAST = 10
FAILING_SHARE = 0.7
PROBE_EVERY = timedelta(seconds=30)


def open_for_carrying() -> list[str]:
    """The connections that may be called freely: active, with their breaker closed."""
    return [slug for slug, is_open in breakers().items() if not is_open]


def breakers() -> dict[str, bool]:
    """Every active connection, and whether its breaker is open."""
    rows = Connection.objects.active().values_list("slug", "breaker")
    return {slug: breaker == Connection.Breaker.OPEN for slug, breaker in rows}


def down() -> dict[str, datetime]:
    """The active connections that do not answer, and since when their breaker is open."""
    rows = Connection.objects.active().filter(breaker=Connection.Breaker.OPEN)
    return dict(rows.values_list("slug", "breaker_opened_at"))


def take_probes() -> list[str]:
    """The connections behind an open breaker that one outcome may go out to now.

    Taking a probe is counted at once: the next is due in 30 s whatever comes of this one.
    """
    with database.cursor() as cursor:
        cursor.execute(
            """
            UPDATE connectors_connection
            SET next_probe_at = clock_timestamp() + %s * interval '1 second'
            WHERE breaker = 'open' AND status = 'active' AND next_probe_at <= clock_timestamp()
              AND EXISTS (
                  SELECT 1 FROM proposals_outcome o
                  WHERE o.connection = connectors_connection.slug
                    AND o.next_attempt_at <= clock_timestamp()
                    AND (o.state IN ('due', 'delivered')
                         OR (o.state = 'leased' AND o.lease_until < clock_timestamp()))
              )
            RETURNING slug
            """,
            [PROBE_EVERY.total_seconds()],
        )
        return [row[0] for row in cursor.fetchall()]


def callable_slugs() -> list[str]:
    """The connections that could be called now, without taking a probe."""
    ready = Q(breaker=Connection.Breaker.CLOSED) | Q(next_probe_at__lte=Now())
    return list(Connection.objects.active().filter(ready).values_list("slug", flat=True))


def note_failure(slug: str, failure: str, sentence: str, *, at: datetime) -> None:
    """After a failed try: open the breaker when most of the last five minutes' tries failed; behind
    an open one, a ticket that was closed meanwhile comes back."""
    if failure not in OF_THE_CONNECTION:
        return
    if Connection.objects.filter(slug=slug, breaker=Connection.Breaker.OPEN).exists():
        _still_down(slug, failure, sentence, at)
        return
    failed = _failed_lately(slug, at)
    if len(failed) >= AT_LEAST and sum(failed) >= FAILING_SHARE * len(failed):
        _open_breaker(slug, failure, sentence, at)


def note_page(there: Connection, *, failure: str = "", sentence: str = "", at: datetime) -> None:
    """After a page did not come, or the last of a look did: a try like any other. How many came
    before the last says no more, and would outweigh everything that is carried."""
    PageTry.objects.filter(connection=there, at__lte=at - WINDOW).delete()
    PageTry.objects.create(connection=there, at=at, failure=failure)
    if failure:
        note_failure(there.slug, failure, sentence, at=at)
    else:
        note_success(there.slug, at=at)


def held() -> dict[str, Held]:
    """Why nothing goes out, for each connection that is paused, disabled or behind its breaker."""
    closed = Q(status=Connection.Status.ACTIVE, breaker=Connection.Breaker.CLOSED)
    return {one.slug: _why_held(one) for one in Connection.objects.exclude(closed)}


def note_success(slug: str, *, at: datetime) -> None:
    """After a try that worked: an open breaker closes, and its ticket with it."""
    if Connection.objects.filter(slug=slug, breaker=Connection.Breaker.OPEN).exists():
        _close_breaker(slug, at)


@transaction.atomic
def credentials_refused(slug: str, sentence: str, *, credential: int | None, at: datetime) -> None:
    """It refused us: nothing more goes out with this credential until a person has looked.

    `credential` is the row of what it was told, None without any. If there is a newer one by now,
    that one is still to be tried.
    """
    found = Connection.objects.select_for_update().get(slug=slug)
    # Whoever enters a new one holds the connection's row, too.
    if credential != _newest_credential(found, at):
        return
    stops = found.is_active
    if stops:
        found.status = Connection.Status.PAUSED
        found.status_why = f"It refused our credentials: {sentence}"[:300]
        found.changed_at, found.version = at, found.version + 1
        found.save()
        trail.record("connection.paused", subject=found, by=HEALTH, at=at, why=found.status_why)
    ticket = troubles.open_ticket(
        troubles.Trouble(
            kind="credentials-refused",
            cause=_credentials_cause(slug),
            failure="credentials",
            title=f"{found.name} refuses our credentials",
            reason=f"{sentence} The connection is paused; what is due for it waits.",
            subject=f"connection:{slug}",
            evidence={"connection": slug, "answer": sentence},
            connection=slug,
            remedies=_to_the_connection(),
        ),
        by=HEALTH,
        at=at,
    )
    if stops:
        # The ticket's owner has heard of it by the ticket.
        heralds.tell_of_stop(
            found, deed="paused", why=found.status_why, by=HEALTH, at=at, but=ticket.owner
        )


@transaction.atomic
def retry_now(slug: str, *, by: User, at: datetime) -> None:
    """A person wants the connection tried at once, with whatever waits for it."""
    permissions.check(by, Permission.RETRY_OUTCOME)
    probe_now(slug, at=at)
    outbox.hurry(connection=slug, at=at)
    found = Connection.objects.get(slug=slug)
    trail.record("connection.retried", subject=found, by=by, at=at)


def probe_now(slug: str, *, at: datetime) -> None:
    """A person retries: the next outcome for this connection goes out as a probe at once."""
    held = Connection.objects.filter(slug=slug, breaker=Connection.Breaker.OPEN)
    held.update(next_probe_at=at)


def _failed_lately(slug: str, at: datetime) -> list[bool]:
    """Of each try within the window, whether it failed for the connection's sake."""
    carried = DeliveryAttempt.objects.filter(connection=slug, at__gt=at - WINDOW)
    looked = PageTry.objects.filter(connection__slug=slug, at__gt=at - WINDOW)
    tries = [
        *carried.values_list("succeeded", "failure"),
        *((False, why) for why in looked.values_list("failure", flat=True)),
    ]
    return [not succeeded and why in OF_THE_CONNECTION for succeeded, why in tries]


@transaction.atomic
def _open_breaker(slug: str, failure: str, sentence: str, at: datetime) -> None:
    closed = Connection.objects.filter(slug=slug, breaker=Connection.Breaker.CLOSED)
    opened = {"breaker": Connection.Breaker.OPEN, "breaker_opened_at": at}
    if not closed.update(**opened, next_probe_at=at + PROBE_EVERY):
        return
    found = Connection.objects.get(slug=slug)
    trail.record("connection.breaker-opened", subject=found, by=HEALTH, at=at, why=sentence)
    _tell_of_outage(found, failure, sentence, at)


@transaction.atomic
def _still_down(slug: str, failure: str, sentence: str, at: datetime) -> None:
    hangs = Occurrence.objects.filter(subject=f"connection:{slug}", settled_at=None)
    if not Ticket.objects.unresolved().filter(all_occurrences__in=hangs).exists():
        _tell_of_outage(Connection.objects.get(slug=slug), failure, sentence, at)


def outage_ticket(slug: str) -> Ticket | None:
    """The open ticket of a connection that does not answer: whatever fails of that hangs on it."""
    hangs = Occurrence.objects.filter(subject=f"connection:{slug}", settled_at=None)
    tickets = Ticket.objects.unresolved().filter(kind=OUTAGE, connection=slug)
    return tickets.filter(all_occurrences__in=hangs).order_by("pk").first()


def outage(found: Connection, failure: str, *, subject: str, reason: str, **told: Any) -> Trouble:
    """Trouble of a connection that does not answer, under the one cause of its outage."""
    known = outage_ticket(found.slug)
    return Trouble(
        kind=OUTAGE,
        cause=known.cause if known else _outage_cause(found.slug, failure),
        failure="" if known else failure,
        process=processes.of_connection(found.slug),
        title=f"{found.name} does not answer",
        reason=reason,
        subject=subject,
        connection=found.slug,
        remedies=_to_the_connection(),
        **told,
    )


def _tell_of_outage(found: Connection, failure: str, sentence: str, at: datetime) -> None:
    # The same cause as the outcomes it holds back: one ticket for all of it.
    trouble = outage(
        found, failure, subject=f"connection:{found.slug}",
        reason=f"Most tries of the last five minutes failed. The last one: {sentence}",
        evidence={"connection": found.slug, "last answer": sentence},
    )  # fmt: skip
    troubles.open_ticket(trouble, by=HEALTH, at=at)


@transaction.atomic
def _close_breaker(slug: str, at: datetime) -> None:
    held = Connection.objects.filter(slug=slug, breaker=Connection.Breaker.OPEN)
    if not held.update(breaker=Connection.Breaker.CLOSED, next_probe_at=None):
        return
    found = Connection.objects.get(slug=slug)
    trail.record("connection.breaker-closed", subject=found, by=CARRIER, at=at)
    because = f"{found.name} answers again."
    troubles.settle(subject=f"connection:{slug}", because=because, by=HEALTH, at=at, kinds={OUTAGE})


def _why_held(there: Connection) -> Held:
    """A connection's own ticket, which what waits for it hangs on; or a ticket of its own."""
    subject = Occurrence.objects.filter(subject=f"connection:{there.slug}", settled_at=None)
    ticket = Ticket.objects.unresolved().filter(all_occurrences__in=subject).order_by("-pk").first()
    if there.is_active:
        why = f"{there.name} does not answer; one outcome is tried every 30 s."
    else:
        why = f"{there.name} is {there.status}: {there.status_why or 'no reason was given'}"
    if ticket and (there.is_active or ticket.kind == "credentials-refused"):
        return Held(ticket.kind, ticket.cause, why, ticket.falls_under)
    process = processes.of_connection(there.slug)
    return Held("delivery-failed", _outage_cause(there.slug, there.status), why, process)


def _newest_credential(there: Connection, at: datetime) -> int | None:
    live = Secret.objects.filter(connection=there).credentials().live(at=at)
    return live.values_list("pk", flat=True).first()


def _credentials_cause(slug: str) -> str:
    return f"credentials:{slug}"


def _outage_cause(slug: str, failure: str) -> str:
    return f"delivery-failed:{slug}:{failure}"


def _to_the_connection() -> list[dict]:
    return [
        {
            "label": "Retry",
            "explains": "Tries the connection again now; what waits for it follows.",
            "url_name": "connectors:retry-ticket",
            "args": ["ticket"],
        }
    ]
