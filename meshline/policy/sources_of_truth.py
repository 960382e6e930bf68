"""Agreeing on whose word counts for a move or a field of a kind of record.

What moves and fields there are, and what a change does to the records, the room of the records
knows: it calls these in one transaction with what follows.
"""

from datetime import datetime
from typing import Any

from django.db import transaction

from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy import drafts
from meshline.policy.drafts import SecondPerson
from meshline.policy.models import Company, Draft, SourceOfTruth
from meshline.policy.operating_model import Facts, ModelError, Stale
from meshline.policy.tolerance import EXACT, Tolerance
from meshline.policy.truth import How

# What somebody asks a second person to agree on; by the move's name.
KIND = "truth"
_TAKES_TWO = {
    "close": "It says who closes a proposal, so a second person publishes it.",
    "billing": "It says who makes a proposal invoiced, so a second person publishes it.",
}


@transaction.atomic
def agree(
    *, record_kind: str, field: str, connection: str, how: How = How.ALWAYS, by: Someone,
    at: datetime, seen: Facts | None = None, is_second: bool = False,
    tolerance: Tolerance | None = None,
) -> SourceOfTruth:  # fmt: skip
    """Whose word counts; without a connection, that of the one which brought the record. Without a
    `tolerance` that stays as it is.

    Raises Stale when it is not as it was `seen` any more ({}: when nothing was agreed), and
    SecondPerson where a person does alone what takes two; whoever sets Meshline up may.
    """
    if not is_second:
        permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    if connection and not how.has_authority:
        said = how.label.lower()
        raise ModelError(f"“{said[:1].upper() + said[1:]}” takes no connection.", "connection")
    if tolerance is not None and (why_not := tolerance.refusal):
        raise ModelError(why_not, "tolerance")
    row = _locked(record_kind, field)
    before = facts(row)
    if seen is not None and seen != before:
        raise Stale(seen, before)
    row = row or SourceOfTruth(record_kind=record_kind, field=field)
    if (row.connection, row.how) != (connection, how.value) and not is_second:
        _refuse_alone(field, by)
    row.connection, row.how = connection, how.value
    if tolerance is not None:
        row.near, row.near_by = tolerance.near.value, tolerance.by
    row.save()
    after = facts(row)
    if after != before:
        trail.record("authority.changed", subject=row, by=by, at=at, before=before, after=after)
    return row


@transaction.atomic
def remove(*, record_kind: str, field: str, by: Someone, at: datetime) -> None:
    """Nothing is agreed of it any more."""
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    if row := _locked(record_kind, field):
        _refuse_alone(field, by)
        trail.record("authority.removed", subject=row, by=by, at=at, before=facts(row))
        row.delete()


# --- For a second person -------------------------------------------------------------------------
def why_second(field: str) -> str:
    """Why agreeing on this takes a second person, as a sentence; empty when it does not."""
    return _TAKES_TWO.get(field, "")


def asked(field: str) -> Draft | None:
    """What somebody asks a second person to agree on, if anything."""
    return drafts.of(KIND, field)


@transaction.atomic
def ask(
    *, record_kind: str, field: str, connection: str, how: How, by: User, at: datetime,
    seen: Facts | None = None,
) -> Draft:  # fmt: skip
    """Ask a second person to agree on it; never in place of what somebody else asks. Raises Stale,
    ModelError."""
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    now = facts(_locked(record_kind, field))
    if seen is not None and seen != now:
        raise Stale(seen, now)
    if kept := asked(field):
        raise ModelError(
            f"{kept.changed_by.name} asks for a change of it already; see to that first."
        )
    if (connection, how) == (now.get("connection", ""), now.get("how", How.ALWAYS)):
        raise ModelError("That is agreed already.")
    content = {"connection": connection, "how": how.value, "instead of": now}
    made = drafts.save(kind=KIND, slug=field, content=content, based_on=0, revision=0, by=by, at=at)
    return drafts.submit(
        kind=KIND, slug=field, revision=made.revision, takes_two=True, by=by, at=at
    )


def agree_as_second(
    *, record_kind: str, field: str, revision: int, by: User, at: datetime
) -> SourceOfTruth:
    """Put what was asked for into force, inside the caller's transaction.

    Raises Stale where that, or what is agreed, is another by now; SecondPerson for its author.
    """
    taken = drafts.take(
        kind=KIND, slug=field, revision=revision, in_force=0, second=True, by=by, at=at
    )
    said: dict[str, Any] = taken.content
    return agree(
        record_kind=record_kind, field=field, connection=said["connection"], how=How(said["how"]),
        seen=said["instead of"], is_second=True, by=by, at=at,
    )  # fmt: skip


def _refuse_alone(field: str, by: Someone) -> None:
    why = why_second(field) if isinstance(by, User) else ""
    if why:
        raise SecondPerson(f"{why} Ask for it in the browser.")


def facts(row: SourceOfTruth | None) -> Facts:
    if row is None:
        return {}
    agreed = {
        "record": row.record_kind, "field": row.field, "how": row.how, "connection": row.connection,
    }  # fmt: skip
    if row.tolerance != EXACT:
        agreed["tolerance"] = row.tolerance.written
    return agreed


def _locked(record_kind: str, field: str) -> SourceOfTruth | None:
    # Rows that come and go cannot be locked themselves; the company's row is always there.
    Company.objects.select_for_update(of=("self",)).get()
    return SourceOfTruth.objects.filter(record_kind=record_kind, field=field).first()
