"""Follow-ups for scripts: as the pages show them."""

from typing import Annotated

from django.db.models import QuerySet
from django.http import Http404
from ninja import Query, Router, Schema

from meshline import masking
from meshline.people.permissions import Permission, Scope
from meshline.web.requests import Request
from meshline.web.rest import finding, words
from meshline.web.rest.cursor import Cursor
from meshline.web.rest.refusals import scope_of
from meshline.web.rest.shapes import Moment, Page, Person, answers
from meshline.web.rest.words import Asked, Id, OneOf
from proposals.models import FollowUp
from proposals.models.follow_up import State

PLACE = Cursor.of("f")
router = Router(tags=["follow-ups"])


class FollowUpsAsked(Asked):
    state: Annotated[str | None, OneOf(tuple(State.values))] = None
    owner: words.Owner = None
    record: words.Record = None
    after: Annotated[int | None, PLACE] = None


class FollowUpShape(Schema):
    """Whom to get back to and by when. `how` says where it was completed (here, crm), or that it
    became superfluous; the note is masked for who sees masked."""

    id: int
    record: str
    kind: str
    contract: str
    owner: Person
    stands_in_for: Person | None
    due_at: Moment
    moved_at: Moment | None
    scheduled_at: Moment
    state: str
    how: str | None
    completed_at: Moment | None
    completed_by: str | None
    note: str
    first_touch_at: Moment | None
    first_touch: str | None
    task: str | None
    version: int


@router.get("", response=answers(Page[FollowUpShape]), operation_id="follow_ups")
def follow_ups(request: Request, asked: Query[FollowUpsAsked]) -> Page[FollowUpShape]:
    """Follow-ups, the newest first."""
    masked = scope_of(request, Permission.SEE_PROPOSALS) is Scope.MASKED
    rows, following = PLACE.page(_narrowed(request, asked), after=asked.after, limit=asked.limit)
    return Page[FollowUpShape](items=[_shape(row, masked) for row in rows], next=following)


@router.get("/{id}", response=answers(FollowUpShape, 404), operation_id="follow_up")
def follow_up(request: Request, id: Id) -> FollowUpShape:
    """One follow-up."""
    masked = scope_of(request, Permission.SEE_PROPOSALS) is Scope.MASKED
    found = _visible(request).filter(pk=id).first()
    if found is None:
        raise Http404
    return _shape(found, masked)


def _visible(request: Request) -> QuerySet:
    seen = FollowUp.objects.visible_to(request.user)
    return seen.select_related("owner", "stands_in_for", "contract", "outcome")


def _narrowed(request: Request, asked: FollowUpsAsked) -> QuerySet:
    rows = _visible(request)
    if asked.state:
        rows = rows.filter(state=asked.state)
    if asked.owner:
        rows = rows.filter(finding.owned_by(asked.owner))
    return rows.filter(finding.of_proposal(asked.record)) if asked.record else rows


def _shape(row: FollowUp, masked: bool) -> FollowUpShape:
    home = row.stands_in_for
    is_completed = row.completed_at is not None
    return FollowUpShape(
        id=row.pk, record=row.record, kind=row.kind, contract=row.contract.slug,
        owner=Person.of(row.owner), stands_in_for=Person.of(home) if home else None,
        due_at=row.due_at, moved_at=row.moved_at, scheduled_at=row.scheduled_at,
        state=row.state, how=row.how or None, completed_at=row.completed_at,
        completed_by=row.ended_by_label if is_completed else None,
        note=masking.MASK if masked and row.note else row.note,
        first_touch_at=row.first_touch_at, first_touch=row.first_touch or None,
        task=row.outcome.external_id or None if row.outcome else None, version=row.version,
    )  # fmt: skip
