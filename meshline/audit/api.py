"""The trail for scripts: what was done, by whom, when, why and because of what."""

from typing import Annotated, Any

from django.db.models import Q, QuerySet
from django.http import Http404
from ninja import Query, Router, Schema

from meshline import masking
from meshline.audit import filters, timeline
from meshline.audit.models import TrailLine
from meshline.people.permissions import Permission, Scope
from meshline.web.requests import Request
from meshline.web.rest import finding, words
from meshline.web.rest.cursor import Cursor
from meshline.web.rest.refusals import scope_of
from meshline.web.rest.shapes import Moment, Page, answers
from meshline.web.rest.words import Asked, Id, Text, Words

router = Router(tags=["trail"])
PLACE = Cursor.of("l")


class LinesAsked(Asked):
    kind: Annotated[str | None, Words(40)] = None
    id: Annotated[str | None, Words(80)] = None
    actor: Text = None
    what: Annotated[str | None, Words(80)] = None
    since: words.Since = None
    after: Annotated[int | None, PLACE] = None


class ActorShape(Schema):
    kind: str
    id: str
    label: str


class LineShape(Schema):
    """One line. `position` and `hash` are its place in the chain, which it gets at commit."""

    position: int | None
    at: Moment
    actor: ActorShape
    what: str
    subject: str
    record: str | None
    before: dict[str, Any]
    after: dict[str, Any]
    why: str
    cause: str | None
    hash: str | None


@router.get("", response=answers(Page[LineShape]), operation_id="trail")
def trail(request: Request, asked: Query[LinesAsked]) -> Page[LineShape]:
    """The trail, the newest first; `actor` is "person:3" or part of a name."""
    masked = scope_of(request, Permission.SEE_TRAIL) is Scope.MASKED
    rows, following = PLACE.page(_narrowed(request, asked), after=asked.after, limit=asked.limit)
    return Page[LineShape](items=_shapes(rows, masked), next=following)


@router.get("/{position}", response=answers(LineShape, 404), operation_id="trail_line")
def line(request: Request, position: Id) -> LineShape:
    """The line at one position of the chain."""
    masked = scope_of(request, Permission.SEE_TRAIL) is Scope.MASKED
    found = list(_visible(request).filter(link__position=position))
    if not found:
        raise Http404
    return _shapes(found, masked)[0]


def _visible(request: Request) -> QuerySet:
    reach = scope_of(request, Permission.SEE_TRAIL)
    return filters.within(TrailLine.objects.select_related("link"), request.user, reach)


def _narrowed(request: Request, asked: LinesAsked) -> QuerySet:
    lines = _visible(request)
    if asked.kind:
        lines = lines.filter(filters.about(asked.kind, asked.id or ""))
    elif asked.id:
        # The index of subjects begins with their kind: all there ever were, then, instead of none.
        of_any = Q(subject_kind__in=filters.ever("subject_kind"), subject_id=asked.id)
        lines = lines.filter(of_any)
    if asked.actor:
        lines = lines.filter(filters.by(asked.actor))
    if asked.what:
        lines = lines.filter(what=asked.what)
    return lines.filter(at__gte=finding.moment(asked.since)) if asked.since else lines


def _shapes(lines: list[TrailLine], masked: bool) -> list[LineShape]:
    sides = timeline.sides(lines, masked=masked)
    return [_shape(one, *both, masked) for one, both in zip(lines, sides, strict=True)]


def _shape(one: TrailLine, before: dict, after: dict, masked: bool) -> LineShape:
    link = getattr(one, "link", None)
    return LineShape(
        position=link.position if link else None, at=one.at,
        actor=ActorShape(kind=one.actor_kind, id=one.actor_id, label=one.actor_label),
        what=one.what, subject=f"{one.subject_kind}:{one.subject_id}", record=one.record or None,
        before=before, after=after, why=masking.words(one.why) if masked else one.why,
        cause=one.cause or None, hash=bytes(link.hash).hex() if link else None,
    )  # fmt: skip
