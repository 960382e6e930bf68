"""One act on many tickets: written down as rows first, and done row by row then.

1. `of_rows` and `of_filter` fix the set, at the moment of asking, with how each ticket stood.
2. `do_some` does the act on one ticket after the other, each in one transaction with its row:
   whoever is killed in the middle has done nothing of it, and nobody does it twice.
3. Whoever finds no row left ends the job, with its own line of the trail.
"""

import logging
import time
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import OperationalError, connection, transaction
from django.urls import reverse

from exceptions import keeping
from exceptions.bulk_acts import ACTS
from exceptions.lots import Lot
from exceptions.models import BulkItem, BulkJob, Outcome, Ticket, TicketQuerySet
from exceptions.states import MoveError, NotThere
from meshline import bell, instant
from meshline import bulk as rows_of
from meshline.audit import trail
from meshline.notices import kinds, notices
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import NotAllowed

log = logging.getLogger(__name__)

BELL = "bulk"
# So many are done while the person waits; a job takes more of them.
AT_ONCE = 50
# More than so many it stops and asks first.
ASKS_ABOVE = 100
MOST = 5_000
# Of one job, before the next one has its turn.
BATCH = 25
BROKEN = "Something broke on our side; nothing was changed. Try it again."
_STAMP = ("id", "status", "owner_id", "claimed_by_id", "reopened", "snoozed_until")
_STANDING = f"SELECT {', '.join(_STAMP)} FROM exceptions_ticket WHERE id = ANY(%s)"


# --- Asking ----------------------------------------------------------------------------------
def of_rows(
    seen: Mapping[int, str], *, act: str, given: Mapping[str, Any], by: User, at: datetime
) -> BulkJob:
    """Of these tickets, with how each stood before the person's eyes ("" where nobody knows).

    Raises ValueError where one of them is none of theirs: then nothing is done at all.
    """
    found = dict(stamps(Ticket.objects.visible_to(by).filter(pk__in=seen)))
    if foreign := sorted(set(seen) - set(found)):
        raise NotThere(f"Ticket {foreign[0]} is not among what you may see; nothing was done.")
    stamped = {number: said or found[number] for number, said in seen.items()}
    return _ask(stamped, act=act, given=given, by=by, at=at)


def of_filter(
    rows: TicketQuerySet, *, words: str, shown: int, newest: int, act: str,
    given: Mapping[str, Any], by: User, at: datetime,
) -> BulkJob:  # fmt: skip
    """Of all that a filter showed: `shown` tickets, the newest of which was `newest`.

    Raises MoveError where it holds more by now: nobody has seen those.
    """
    found = dict(stamps(rows.filter(pk__lte=newest).order_by("pk")[: MOST + 1]))
    if shown < len(found) <= MOST:
        raise MoveError(
            f"The filter showed {shown:,} and holds more by now; nothing was done. Look again."
        )
    return _ask(found, act=act, given=given, words=words, by=by, at=at)


@transaction.atomic
def retry(*, job_id: int, by: User, at: datetime) -> BulkJob:
    """Try again what failed, as it stands now. Raises MoveError where nothing did."""
    job = BulkJob.objects.get(pk=job_id)
    _must_be_theirs(job, by)
    failed = job.items.filter(outcome=Outcome.FAILED).values("ticket")
    found = dict(stamps(Ticket.objects.visible_to(by).filter(pk__in=failed)))
    if not found:
        raise MoveError("Nothing on it failed that you may see.")
    given = ACTS[job.act].read(job.given)
    return _ask(found, act=job.act, given=given, words=job.words, by=by, at=at, retries=job)


@transaction.atomic
def start(*, job_id: int, by: User, at: datetime) -> BulkJob:
    """Say yes to a large one."""
    job = _locked(job_id)
    _must_be_theirs(job, by)
    if job.started_at or job.ended_at:
        raise MoveError("It was started or put off already.")
    job.started_at = at
    job.save(update_fields=["started_at"])
    job.items.filter(outcome=Outcome.PLANNED).update(outcome=Outcome.WAITING)
    bell.ring(BELL)
    return job


@transaction.atomic
def cancel(*, job_id: int, by: User, at: datetime) -> BulkJob:
    """Leave the rest as it is. What is being done at this moment is waited for, and counted."""
    job = _locked(job_id)
    if job.ended_at:
        raise MoveError("It is over already.")
    left = job.items.filter(outcome__in=[Outcome.PLANNED, Outcome.WAITING])
    left.update(outcome=Outcome.LEFT)
    job.cancelled_by = by
    _end(job, "bulk.cancelled", by, at)
    return job


def stamp(ticket: Ticket) -> str:
    """How a ticket stands, as far as an act on it depends on it."""
    return _stamp(*(getattr(ticket, name) for name in _STAMP[1:]))


def stamps(rows: TicketQuerySet) -> list[tuple[int, str]]:
    """How each of these stands, by its number, without reading any of them whole."""
    return [(pk, _stamp(*facts)) for pk, *facts in rows.values_list(*_STAMP)]


def standing(numbers: Collection[int]) -> list[tuple[int, str]]:
    """How the tickets of these numbers stand by now, whoever may see them."""
    # Every open page asks it four times a minute, as news.newest.
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [list(numbers)])
        return [(pk, _stamp(*facts)) for pk, *facts in cursor.fetchall()]


# --- Doing -----------------------------------------------------------------------------------
def work(*, seconds: float) -> bool:
    """Do what is asked for, a few of each job in turn, for so long; whether more is left."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not sum([do_some(job) for job in BulkJob.objects.under_way().order_by("pk")]):
            return False
    return something_is_due()


def work_on(job: BulkJob) -> None:
    """Do all of one job, while its person waits."""
    while do_some(job):
        pass


def do_some(job: BulkJob, *, most: int = 0) -> int:
    """Do the act on the next few tickets; how many. Whoever finds nothing left ends the job."""
    waiting = job.items.filter(outcome=Outcome.WAITING).order_by("pk")
    lot = Lot(f"bulkjob:{job.pk}", job.items.count())
    done = sum([_do_one(pk, lot) for pk in waiting.values_list("pk", flat=True)[: most or BATCH]])
    if not waiting.exists():
        _end_once(job.pk, instant.now())
    return done


def something_is_due() -> bool:
    return BulkJob.objects.under_way().exists()


@transaction.atomic
def _do_one(item_id: int, lot: Lot) -> bool:
    """Do it on one ticket, unless somebody else has done so or is at it."""
    waiting = BulkItem.objects.filter(pk=item_id, outcome=Outcome.WAITING)
    held = waiting.select_for_update(of=("self",), skip_locked=True)
    item = held.select_related("job__by").first()
    if item is None:
        return False
    at = instant.now()
    item.why = _try(item, lot, at)[:500]
    item.outcome, item.at = Outcome.FAILED if item.why else Outcome.DONE, at
    item.save(update_fields=["why", "outcome", "at"])
    return True


def _try(item: BulkItem, lot: Lot, at: datetime) -> str:
    """Do it; why not, as a sentence."""
    act, by = ACTS[item.job.act], item.job.by
    try:
        with transaction.atomic():
            _check_unchanged(item, by)
            given = act.read(item.job.given)
            act.verb(ticket_id=item.ticket_id, by=by, at=at, lot=lot, **given)
    except (MoveError, NotAllowed, ValueError) as error:
        return str(error) or BROKEN
    except OperationalError:
        # The database's trouble, not the ticket's: it waits, and is tried again.
        raise
    except Exception:
        log.exception("Bulk %s failed on ticket %s", item.job_id, item.ticket_id)
        return BROKEN
    return ""


def _check_unchanged(item: BulkItem, by: User) -> None:
    ticket = keeping.locked(item.ticket_id)
    if not Ticket.objects.visible_to(by).filter(pk=ticket.pk).exists():
        raise MoveError("It is no longer among what you may see.")
    if stamp(ticket) != item.seen:
        raise MoveError(f"It changed after you looked: {_now(ticket)}.")


def _now(ticket: Ticket) -> str:
    if not ticket.is_unresolved:
        return f"it is resolved ({ticket.resolution})"
    if ticket.claimed_by:
        return f"{ticket.claimed_by.name} has claimed it"
    asleep = ", and it sleeps" if ticket.snoozed_until else ""
    return f"it is unclaimed, with {ticket.owner.name}{asleep}"


# --- Underneath ------------------------------------------------------------------------------
@transaction.atomic
def _ask(
    stamped: Mapping[int, str], *, act: str, given: Mapping[str, Any], by: User, at: datetime,
    words: str = "", retries: BulkJob | None = None,
) -> BulkJob:  # fmt: skip
    does = ACTS[act]
    permissions.check(by, does.permission)
    if not stamped:
        raise ValueError("Select at least one ticket.")
    if len(stamped) > MOST:
        raise ValueError(f"At most {MOST:,} tickets at once: narrow the filter.")
    does.check(given, at)
    is_large = len(stamped) > ASKS_ABOVE
    job = BulkJob.objects.create(
        act=act, given=_kept(given), words=words[:2000], by=by, at=at, retries=retries,
        started_at=None if is_large else at,
    )  # fmt: skip
    outcome = Outcome.PLANNED if is_large else Outcome.WAITING
    rows_of.insert(
        [
            BulkItem(job=job, ticket_id=pk, seen=seen, outcome=outcome)
            for pk, seen in stamped.items()
        ]
    )
    if AT_ONCE < len(stamped) <= ASKS_ABOVE:
        bell.ring(BELL)
    return job


def _kept(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in given.items()}


def _plain(value: Any) -> Any:
    """As JSON keeps it; the table of acts says how it is read."""
    if isinstance(value, User):
        return value.pk
    return value.isoformat() if isinstance(value, datetime) else value


def _stamp(
    status: str, owner: int, claimer: int | None, reopened: int, asleep: datetime | None
) -> str:
    until = int(asleep.timestamp()) if asleep else ""
    return f"{status}.{owner}.{claimer or ''}.{reopened}.{until}"


def _locked(job_id: int) -> BulkJob:
    return BulkJob.objects.select_for_update().get(pk=job_id)


def _must_be_theirs(job: BulkJob, by: User) -> None:
    if job.by_id != by.pk:
        raise NotAllowed(f"{job.by.name} asked for this; only they can do that.")


@transaction.atomic
def _end_once(job_id: int, at: datetime) -> None:
    """Of several who did its last rows, one ends it."""
    job = _locked(job_id)
    if job.ended_at is None:
        _end(job, "bulk.ended", job.by, at)
        _tell(job, at)


def _end(job: BulkJob, what: str, by: User, at: datetime) -> None:
    job.ended_at = at
    job.save(update_fields=["ended_at", "cancelled_by"])
    numbers = job.numbers()
    after = {
        "act": job.act, "asked at": job.at, "tickets": numbers["all"], "done": numbers["done"],
        "failed": numbers["failed"], "left": numbers["left"], "filter": job.words,
    }  # fmt: skip
    trail.record(what, subject=job, by=by, at=at, after=after)


def _tell(job: BulkJob, at: datetime) -> None:
    """What was done while its person looked on they know already."""
    numbers = job.numbers()
    if numbers["all"] <= AT_ONCE:
        return
    act = ACTS[job.act]
    failed = f", {numbers['failed']:,} could not be" if numbers["failed"] else ""
    notices.tell(
        job.by, f"{numbers['done']:,} tickets were {act.done}{failed}.",
        key=f"bulkjob:{job.pk}:ended", url=reverse("exceptions:bulk-job", args=[job.pk]),
        kind=kinds.RECORD, at=at,
    )  # fmt: skip
