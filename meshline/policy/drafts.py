"""What is being prepared of the operating model: not in force until somebody publishes it.

One draft per thing (its kind and slug), shared by those who may change it. Each save counts, so
that nobody overwrites or publishes what they have not seen. The room whose thing it is says what
its content may be, and keeps the published versions.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from meshline.audit import trail
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import TABLE, NotAllowed, Permission
from meshline.policy.models import Company, Draft
from meshline.policy.operating_model import ModelError, Stale

NOBODY_ELSE = (
    "Nobody else could be the second person: that takes another RevOps manager, or somebody with "
    "the approver's right. An admin can see to either."
)


class SecondPerson(ModelError):
    """It takes somebody else than its author to publish this."""


def of(kind: str, slug: str) -> Draft | None:
    """The draft of this thing, if somebody is preparing one."""
    return Draft.objects.filter(kind=kind, slug=slug).select_related("changed_by").first()


@transaction.atomic
def save(
    *, kind: str, slug: str, content: Any, note: str = "", based_on: int, revision: int, by: User,
    at: datetime,
) -> Draft:  # fmt: skip
    """Keep what somebody prepares. `based_on` is the version in force that it started from, 0 for
    none; `revision` the one of the draft that was seen, 0 for none. Raises Stale.

    Whoever was asked to publish it must be asked again. A new note alone makes nobody its author.
    """
    permissions.check(by, Permission.DRAFT_OPERATING_MODEL)
    draft = _locked(kind, slug, revision) or Draft(kind=kind, slug=slug, revision=0)
    before = _facts(draft) if draft.pk else {}
    draft.content, draft.note, draft.based_on = content, note, based_on
    after = _facts(draft)
    if before == after:
        return draft
    if not before or {**before, "note": note} != after:
        draft.changed_by, draft.changed_at = by, at
        draft.authors = sorted({*draft.authors, by.pk})
    draft.revision += 1
    draft.submitted_by = draft.submitted_at = None
    draft.save()
    trail.record(f"{kind}.drafted", subject=draft, by=by, at=at, before=before, after=after)
    return draft


@transaction.atomic
def submit(
    *, kind: str, slug: str, revision: int, by: User, at: datetime, takes_two: bool = False
) -> Draft:
    """Ask for somebody to publish it. Raises Stale; where it takes a second person and there is
    nobody who could be that one, ModelError."""
    permissions.check(by, Permission.DRAFT_OPERATING_MODEL)
    draft = _locked(kind, slug, revision)
    if draft is None:
        raise Stale()
    if takes_two and (refusal := refusal_to_ask(draft)):
        raise ModelError(refusal)
    if draft.submitted_by_id is None:
        draft.submitted_by, draft.submitted_at, draft.takes_two = by, at, takes_two
        draft.save(update_fields=["submitted_by", "submitted_at", "takes_two"])
        trail.record(f"{kind}.submitted", subject=draft, by=by, at=at, after=_facts(draft))
    return draft


@transaction.atomic
def discard(*, kind: str, slug: str, revision: int, by: User, at: datetime) -> None:
    """Throw it away; what is in force stays. Raises Stale."""
    permissions.check(by, Permission.DRAFT_OPERATING_MODEL)
    if draft := _locked(kind, slug, revision):
        trail.record(f"{kind}.discarded", subject=draft, by=by, at=at, before=_facts(draft))
        draft.delete()


@transaction.atomic
def send_back(*, kind: str, slug: str, revision: int, why: str, by: User, at: datetime) -> Draft:
    """Not like this: whoever was asked says why, and the draft is its author's again.

    Raises Stale, NotAllowed, and ModelError without a reason.
    """
    draft = _locked(kind, slug, revision)
    if draft is None or draft.submitted_at is None:
        raise Stale()
    _check_second(draft, by)
    if not why.strip():
        raise ModelError("Say what is not right; its author reads it.", "reason")
    draft.submitted_by = draft.submitted_at = None
    draft.save(update_fields=["submitted_by", "submitted_at"])
    trail.record(f"{kind}.sent-back", subject=draft, by=by, at=at, after={"slug": slug}, why=why)
    return draft


def take(
    *, kind: str, slug: str, revision: int, in_force: int, second: bool, by: User, at: datetime
) -> Draft:
    """Take the draft out to publish it, inside the publisher's own transaction.

    Raises Stale when the draft, or the version `in_force`, is not the one that was seen; with
    `second`, SecondPerson unless somebody does it who wrote nothing of it: a manager, or who was
    asked and has the approver's right.
    """
    draft = _locked(kind, slug, revision)
    if draft and second:
        _check_second(draft, by)
    else:
        permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    if draft is None:
        raise Stale()
    if draft.based_on != in_force:
        raise Stale({"version": draft.based_on}, {"version": in_force})
    draft.delete()
    return draft


def refusal_for_second(draft: Draft, user: User) -> str:
    """Why this person may not publish it as the second one; empty when they may."""
    refusal = permissions.refusal_for(user, Permission.CHANGE_OPERATING_MODEL)
    if refusal and not (user.is_active and user.approves_model):
        return refusal
    if refusal and draft.submitted_at is None:
        return "Nobody has asked for approval yet."
    if user.pk not in draft.authors:
        return ""
    part = "" if draft.authors == [user.pk] else "part of "
    return f"{user.name} wrote {part}this; a second person publishes it."


def seconds(draft: Draft) -> QuerySet[User]:
    """Who could publish it as the second person, once asked."""
    may = Q(role__in=TABLE[Permission.CHANGE_OPERATING_MODEL]) | Q(approves_model=True)
    return User.objects.active().filter(may).exclude(pk__in=draft.authors).order_by("pk")


def refusal_to_ask(draft: Draft) -> str:
    """Why a second person is not asked for; empty where there is somebody to ask."""
    return "" if seconds(draft).exists() else NOBODY_ELSE


def waiting_for(user: User) -> QuerySet[Draft]:
    """The drafts that somebody is asked to publish, but those this person wrote; the longest
    waiting first."""
    asked = Draft.objects.filter(submitted_at__isnull=False).exclude(changed_by=user)
    return asked.select_related("changed_by", "submitted_by").order_by("submitted_at", "pk")


def _check_second(draft: Draft, by: User) -> None:
    if refusal := refusal_for_second(draft, by):
        raise SecondPerson(refusal) if by.pk in draft.authors else NotAllowed(refusal)


def _locked(kind: str, slug: str, revision: int) -> Draft | None:
    # Rows that come and go cannot be locked themselves; the company's row is always there.
    Company.objects.select_for_update(of=("self",)).get()
    draft = of(kind, slug)
    if (draft.revision if draft else 0) != revision:
        raise Stale({"revision": revision}, {"revision": draft.revision if draft else 0})
    return draft


def _facts(draft: Draft) -> dict[str, Any]:
    return {
        "slug": draft.slug, "based on": draft.based_on, "note": draft.note,
        "content": draft.content,
    }  # fmt: skip
