"""The Monday checklist: run by the system, gone through and signed by a person, kept for good."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from connectors import reaching
from connectors.reaching import Reached
from exceptions import troubles
from exceptions.models import Ticket
from meshline import instant
from meshline.audit import trail
from meshline.audit.actors import part
from meshline.notices import notices
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy import calendars, raci
from meshline.policy.business_time import Hours
from reconciliation import monday_weeks
from reconciliation.models.mondays import MondayItem, MondayList
from reconciliation.monday_items import ITEMS, Item, Moment
from reconciliation.monday_weeks import DEBT_FROM, MINUTES_MOST

LOOKING = part("monday", "The Monday checklist")
PROCESS = "reconciliation"
LONGEST_NOTE = 2000
ON_A_TICKET = 20
logger = logging.getLogger(__name__)
State = MondayItem.State


class AlreadySigned(Exception):
    """Somebody signed it; the sentence says who."""


class LookedAnew(Exception):
    """It is not what the person read any more; the sentence says who had it looked through."""


# --- Running it ------------------------------------------------------------------------------
def run_if_due(*, at: datetime) -> MondayList | None:
    """This week's list, once its hour has come: on Monday, or whenever the clock is up again."""
    hours = calendars.hours_of(None)
    week = monday_weeks.named(at, hours)
    if at < monday_weeks.due_at(week, hours) or MondayList.objects.filter(week=week).exists():
        return None
    return _run(week, None, at)


def run(*, by: User, at: datetime) -> MondayList:
    """A person has this week's list looked through now, again while nobody has signed it.

    Raises AlreadySigned, NotAllowed.
    """
    permissions.check(by, Permission.RUN_CHECK)
    week = monday_weeks.named(at, calendars.hours_of(None))
    known = MondayList.objects.filter(week=week).select_related("signed_by").first()
    _refuse_signed(known)
    made = _run(week, by, at)
    if made is None:
        raise AlreadySigned("Somebody signed it in this moment.")
    return made


def _run(week: str, by: User | None, at: datetime) -> MondayList | None:
    """Ask the connections first, outside of any transaction; then look, and keep what is found.

    Of two at once one keeps it: by the clock the second finds it kept.
    """
    reached = _reach(at)
    with transaction.atomic():
        _, is_new = MondayList.objects.get_or_create(week=week, defaults={"looked_at": at})
        kept = MondayList.objects.select_for_update(of=("self",)).get(week=week)
        if kept.is_signed or not (is_new or by):
            return None
        kept.looked_at, kept.looked_by = at, by
        kept.save(update_fields=["looked_at", "looked_by"])
        items = [_keep(kept, place, item, reached, at) for place, item in enumerate(ITEMS.values())]
        facts = {one.name: one.state for one in items}
        trail.record("monday.run", subject=kept, by=by or LOOKING, at=at, after=facts)
    return kept


def _reach(at: datetime) -> Sequence[Reached] | Exception:
    try:
        return reaching.every(at=at)
    except Exception as error:
        logger.exception("The connections could not be asked.")
        return error


def _keep(
    kept: MondayList, place: int, item: Item, reached: Sequence[Reached] | Exception, at: datetime
) -> MondayItem:
    found = {"place": place, **_found(item, Moment(at, reached))}
    one, _ = MondayItem.objects.update_or_create(monday=kept, name=item.name, defaults=found)
    _tell(kept, item, one, at)
    return one


def _found(item: Item, moment: Moment) -> dict:
    try:
        with transaction.atomic():
            finding = item.look(moment)
    except Exception as error:
        logger.exception("The Monday checklist could not look at %s.", item.name)
        why = f"{type(error).__name__}: {error}".replace("\0", "")[:2000]
        return {"state": State.UNKNOWN, "asked": 0, "failing": 0, "rows": [], "why": why}
    state = State.FAILS if finding.failing else State.HOLDS
    rows = [one.as_row() for one in finding.rows]
    return {
        "state": state, "asked": finding.asked, "failing": finding.failing, "rows": rows, "why": "",
    }  # fmt: skip


# --- Its tickets -----------------------------------------------------------------------------
def _tell(kept: MondayList, item: Item, one: MondayItem, at: datetime) -> None:
    """What does not hold is a ticket of its own, closed once it does; unless a check told it."""
    subject = f"monday:{item.name}"
    if one.holds:
        because = f"The Monday checklist finds it so: {item.says}"
        troubles.settle(subject=subject, because=because, by=LOOKING, at=at)
    elif not _is_told(item):
        troubles.open_ticket(_trouble(kept, item, one, subject), by=LOOKING, at=at)


def _is_told(item: Item) -> bool:
    causes = Ticket.objects.unresolved().filter(cause=f"check:{item.told_by}")
    return bool(item.told_by) and causes.exists()


def _trouble(
    kept: MondayList, item: Item, one: MondayItem, subject: str
) -> troubles.Trouble:  # fmt: skip
    first = [f"{row['words']}: {row['why']}".rstrip(": ") for row in one.rows[:ON_A_TICKET]]
    said = f"It could not look: {one.why}" if one.why else f"It is not so for {one.failing}."
    page = reverse("reconciliation:monday-week", args=[kept.week])
    return troubles.Trouble(
        kind="check-failed",
        cause=subject,
        title=f"Monday: {item.label.lower()} does not hold",
        reason=f"{item.says} {said} {item.remedy}",
        subject=subject,
        evidence={"week": kept.week, "failing": one.failing, "first": first, "page": page},
        remedies=[
            {"label": "See all of it", "url_name": "reconciliation:monday-week",
             "args": [kept.week], "explains": item.remedy, "is_page": True},
        ],
    )  # fmt: skip


# --- Signing it ------------------------------------------------------------------------------
def open_list(kept: MondayList, *, by: User, at: datetime) -> None:
    """Somebody who may sign it opens it: from the first time on it takes time."""
    if permissions.may(by, Permission.SIGN_MONDAY):
        MondayList.objects.filter(pk=kept.pk, opened_at=None, signed_at=None).update(opened_at=at)


@transaction.atomic
def sign(
    *, week: str, seen: datetime, minutes: int, note: str, notes: Mapping[str, str], by: User,
    at: datetime,
) -> MondayList:  # fmt: skip
    """Sign what was `seen`, with a note for the whole and for items, and how long it took. Over an
    hour is coordination debt. Raises AlreadySigned, LookedAnew, NotAllowed, ValueError,
    MondayList.DoesNotExist."""
    permissions.check(by, Permission.SIGN_MONDAY)
    if not 1 <= minutes <= MINUTES_MOST:
        raise ValueError(f"Minutes: a whole number from 1 to {MINUTES_MOST}.")
    rows = MondayList.objects.select_for_update(of=("self",))
    kept = rows.select_related("signed_by", "looked_by").get(week=week)
    _refuse_signed(kept)
    _refuse_unseen(kept, seen)
    kept.signed_at, kept.signed_by, kept.minutes = at, by, minutes
    kept.note = _readable(note)
    kept.save(update_fields=["signed_at", "signed_by", "minutes", "note"])
    for item in kept.items.all():
        item.note = _readable(notes.get(item.name, ""))
        item.save(update_fields=["note"])
    trail.record("monday.signed", subject=kept, by=by, at=at, after={"minutes": minutes},
                 why=kept.note)  # fmt: skip
    if minutes > DEBT_FROM:
        trail.record("monday.debt", subject=kept, by=by, at=at,
                     after={"minutes": minutes, "over": minutes - DEBT_FROM})  # fmt: skip
    return kept


@transaction.atomic
def remind(*, at: datetime) -> int:
    """Who is accountable hears on Tuesday, once, that nobody has signed; of how many weeks."""
    hours = calendars.hours_of(None)
    open_ones = MondayList.objects.filter(signed_at=None, reminded_at=None).order_by("week")
    late = [
        one for one in open_ones.select_for_update(skip_locked=True) if _is_late(one, hours, at)
    ]
    for one in late:
        notices.tell(
            raci.accountable_for(PROCESS, at=at).user,
            f"Nobody has signed the Monday checklist of {one.week} yet.",
            key=f"monday:{one.week}:unsigned", at=at,
            url=reverse("reconciliation:monday-week", args=[one.week]),
        )  # fmt: skip
        one.reminded_at = at
        one.save(update_fields=["reminded_at"])
    return len(late)


def _is_late(one: MondayList, hours: Hours, at: datetime) -> bool:
    return at >= monday_weeks.overdue_at(one.week, hours)


def _refuse_signed(known: MondayList | None) -> None:
    if known is not None and known.is_signed:
        raise AlreadySigned(f"{known.signed_by} signed it already; it is kept as it is.")


def _refuse_unseen(kept: MondayList, seen: datetime) -> None:
    if kept.looked_at != seen:
        who = f"{kept.looked_by} had it" if kept.looked_by else "It was"
        raise LookedAnew(
            f"{who} looked through again at {timezone.localtime(kept.looked_at):%H:%M}, after you "
            "opened it. Read what is found now, then sign; your notes are kept."
        )


def _readable(text: str) -> str:
    text = text.replace("\0", "").strip()
    if len(text) > LONGEST_NOTE:
        raise ValueError(f"Keep each note under {LONGEST_NOTE:,} characters.")
    return text


def keep_up() -> None:
    """What the clock does: run it where it is due, and remind where nobody signed."""
    at = instant.now()
    run_if_due(at=at)
    remind(at=at)
