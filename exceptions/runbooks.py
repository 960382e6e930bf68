"""Runbooks: what people wrote down about a kind of ticket, as versions. Only one is in force."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from exceptions.kinds import KINDS
from exceptions.models import Runbook, Ticket
from exceptions.runbook_defaults import DEFAULTS
from meshline import bulk
from meshline.audit import trail
from meshline.audit.actors import SETUP, Someone
from meshline.people import permissions
from meshline.people.permissions import Permission
from meshline.policy.models import Company
from meshline.policy.operating_model import ModelError, Stale

MOST, FAILURE_MOST, NOTE_MOST = 10_000, 80, 300
# So many versions, and so many failures of a kind, are worth a look.
SHOWN = 50


@dataclass(frozen=True)
class Place:
    """What a runbook is of: a kind of ticket, or one failure within it."""

    kind: str
    failure: str = ""


# --- What is there ----------------------------------------------------------------------------
def in_force(place: Place) -> Runbook | None:
    return Runbook.objects.of(place.kind, place.failure).live().first()


def of_ticket(ticket: Ticket) -> Runbook | None:
    """What is written down for its failure, or else for its kind; nothing where neither is."""
    rows = Runbook.objects.filter(kind=ticket.kind, failure__in=["", ticket.failure]).live()
    said = [row for row in rows.order_by("-failure") if row.text]
    return said[0] if said else None


def numbered(place: Place, number: int) -> Runbook | None:
    return Runbook.objects.of(place.kind, place.failure).filter(number=number).first()


def versions(place: Place) -> list[Runbook]:
    """The last versions, the newest first."""
    return list(Runbook.objects.of(place.kind, place.failure).newest_first()[:SHOWN])


def readable(text: str) -> str:
    """What was typed, as it is kept."""
    return text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n").strip("\n\t ")


def failures(kind: str) -> list[str]:
    """Which failures the last tickets of this kind had: each may have a text of its own."""
    last = Ticket.objects.filter(kind=kind).order_by("-pk").values_list("failure", flat=True)
    return sorted({name for name in last[:1000] if name})[:SHOWN]


# --- Verbs ------------------------------------------------------------------------------------
@transaction.atomic
def publish(
    place: Place, *, text: str, note: str = "", seen: int | None = None, by: Someone, at: datetime
) -> Runbook | None:
    """Put this text into force as a new version; the same again is none.

    `seen` is the version it was typed over, 0 for none. Raises ModelError, and Stale when another
    one is in force by now.
    """
    here = _hold(place, seen, by)
    text = readable(text)
    _check_length(text)
    if text == (here.text if here else ""):
        return here
    return _publish(place, here, text, note, by, at)


@transaction.atomic
def roll_back(place: Place, *, to: int, seen: int, by: Someone, at: datetime) -> Runbook:
    """Bring an older version's text back, as a new version. Raises ModelError or Stale."""
    here = _hold(place, seen, by)
    old = numbered(place, to)
    if old is None:
        raise ModelError(f"There is no version {to} of this runbook.")
    if here is None or old.text == here.text:
        raise ModelError("This is what it says already; there is nothing to bring back.")
    return _publish(place, here, old.text, f"Back to version {to}.", by, at, restores=to)


def found(*, at: datetime) -> None:
    """What an installation begins with: a text for every kind that has none yet."""
    bulk.insert_missing(
        [
            Runbook(
                kind=kind, number=1, text=text.strip(), author=SETUP.actor_label, published_at=at,
                note="As Meshline comes.",
            )
            for kind, text in DEFAULTS.items()
        ],
        by=("kind", "failure", "number"),
    )  # fmt: skip


# --- Underneath -------------------------------------------------------------------------------
def _hold(place: Place, seen: int | None, by: Someone) -> Runbook | None:
    """The version in force, held until the end of the transaction, if it is the one that was
    seen."""
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    _check(place)
    # There may be no version yet to be held; the company is always there.
    Company.objects.select_for_update(of=("self",)).get()
    here = in_force(place)
    if seen is not None and seen != (here.number if here else 0):
        raise Stale(facts(numbered(place, seen)), facts(here))
    return here


def facts(row: Runbook | None) -> dict[str, str | int]:
    return {"version": row.number, "text": row.text} if row else {"version": 0, "text": ""}


def _check(place: Place) -> None:
    failure = place.failure
    if place.kind not in KINDS:
        raise ModelError(f"There is no kind of ticket “{place.kind}”.", "kind")
    if len(failure) > FAILURE_MOST or failure != failure.strip() or not failure.isprintable():
        words = f"Write up to {FAILURE_MOST} printable characters, without spaces around them."
        raise ModelError(words, "failure")


def _check_length(text: str) -> None:
    if len(text) > MOST:
        words = f"Keep it under {MOST:,} characters; this has {len(text):,}."
        raise ModelError(words, "text")


def _publish(
    place: Place, here: Runbook | None, text: str, note: str, by: Someone, at: datetime,
    *, restores: int | None = None,
) -> Runbook:  # fmt: skip
    if here:
        here.is_live = False
        here.save(update_fields=["is_live"])
    made = Runbook.objects.create(
        kind=place.kind, failure=place.failure, number=here.number + 1 if here else 1, text=text,
        author=by.actor_label, note=note.strip()[:NOTE_MOST], published_at=at, restores=restores,
    )  # fmt: skip
    what = "runbook.rolled-back" if restores else "runbook.published"
    about = {"kind": KINDS[place.kind].label, "failure": place.failure}
    trail.record(
        what, subject=made, by=by, at=at, before=facts(here), after={**about, **facts(made)},
        why=made.note,
    )  # fmt: skip
    return made
