"""What the checks found, the runs of reconciliation and what differs, for scripts."""

from typing import Annotated

from django.db.models import QuerySet
from django.http import Http404
from ninja import Query, Router, Schema

from connectors.models import Connection
from meshline import masking
from meshline.people.permissions import Permission, Scope
from meshline.web.requests import Request
from meshline.web.rest import words
from meshline.web.rest.cursor import Cursor
from meshline.web.rest.finding import moment
from meshline.web.rest.refusals import scope_of
from meshline.web.rest.shapes import Moment, Page, answers
from meshline.web.rest.words import Asked, Id, OneOf
from reconciliation.checks.table import CHECKS
from reconciliation.models import CheckResult, Divergence, Run

router = Router(tags=["checks"])
runs_router = Router(tags=["runs"])
divergences_router = Router(tags=["divergences"])
PLACE = Cursor.of("c")
RUN_PLACE, DIVERGENCE_PLACE = Cursor.of("r"), Cursor.of("d")
_STATES = tuple(state.value for state in CheckResult.State)


class ChecksAsked(Asked):
    check: Annotated[str | None, OneOf(tuple(CHECKS))] = None
    state: Annotated[str | None, OneOf(_STATES)] = None
    since: words.Since = None
    after: Annotated[int | None, PLACE] = None


class CheckShape(Schema):
    """How a check came out from the first to the last of as many looks as found the same. `why` is
    told where it could not look, and to who sees nothing masked."""

    id: int
    check: str
    says: str
    state: str
    asked: int
    failing: int
    looks: int
    first_at: Moment
    last_at: Moment
    why: str


@router.get("", response=answers(Page[CheckShape]), operation_id="checks")
def checks(request: Request, asked: Query[ChecksAsked]) -> Page[CheckShape]:
    """Results of the checks, the newest first; `since` finds those that were so at that time or
    after it."""
    is_masked = scope_of(request, Permission.SEE_CHECKS) is not Scope.ALL
    rows = CheckResult.objects.all()
    if asked.check:
        rows = rows.filter(name=asked.check)
    if asked.state:
        rows = rows.filter(state=asked.state)
    if asked.since:
        rows = rows.filter(last_at__gte=moment(asked.since))
    found, following = PLACE.page(rows, after=asked.after, limit=asked.limit)
    return Page[CheckShape](items=[_shape(one, is_masked) for one in found], next=following)


@router.get("/{id}", response=answers(CheckShape, 404), operation_id="check")
def check(request: Request, id: Id) -> CheckShape:
    """One result."""
    is_masked = scope_of(request, Permission.SEE_CHECKS) is not Scope.ALL
    found = CheckResult.objects.filter(pk=id).first()
    if found is None:
        raise Http404
    return _shape(found, is_masked)


def _shape(one: CheckResult, is_masked: bool) -> CheckShape:
    known = CHECKS.get(one.name)
    return CheckShape(
        id=one.pk, check=one.name, says=known.says if known else "", state=one.state,
        asked=one.asked, failing=one.failing, looks=one.looks,
        first_at=one.first_at, last_at=one.last_at, why="" if is_masked else one.why,
    )  # fmt: skip


# --- Runs ------------------------------------------------------------------------------------
class RunsAsked(Asked):
    connection: words.Slug = None
    state: Annotated[str | None, OneOf(tuple(Run.State.values))] = None
    since: words.Since = None
    after: Annotated[int | None, RUN_PLACE] = None


class RunShape(Schema):
    """One comparison of a kind of record of a connection. `counts` says how many of each sort were
    found, `delta` by how much the amounts are apart, in minor units by currency (nothing for who
    sees amounts masked)."""

    id: int
    connection: str
    kind: str
    scope: str
    day: str | None
    state: str
    why: str
    compared: int
    known: int
    gone: int
    apart: int
    counts: dict[str, int]
    delta: dict[str, int]
    asked_at: Moment
    finished_at: Moment | None


@runs_router.get("", response=answers(Page[RunShape]), operation_id="runs")
def runs(request: Request, asked: Query[RunsAsked]) -> Page[RunShape]:
    """Runs, the newest first; `since` finds those that were asked for then or later."""
    is_masked = scope_of(request, Permission.SEE_RUNS) is not Scope.ALL
    rows = _narrowed(Run.objects.select_related("connection"), asked)
    if asked.since:
        rows = rows.filter(asked_at__gte=moment(asked.since))
    found, following = RUN_PLACE.page(rows, after=asked.after, limit=asked.limit)
    return Page[RunShape](items=[_run(one, is_masked) for one in found], next=following)


@runs_router.get("/{id}", response=answers(RunShape, 404), operation_id="run")
def run(request: Request, id: Id) -> RunShape:
    """One run."""
    is_masked = scope_of(request, Permission.SEE_RUNS) is not Scope.ALL
    found = Run.objects.select_related("connection").filter(pk=id).first()
    if found is None:
        raise Http404
    return _run(found, is_masked)


def _run(one: Run, is_masked: bool) -> RunShape:
    return RunShape(
        id=one.pk, connection=one.connection.slug, kind=one.kind, scope=one.scope,
        day=one.day.isoformat() if one.day else None, state=one.state,
        why=masking.words(one.why) if is_masked else one.why, compared=one.compared,
        known=one.known, gone=one.gone, apart=one.apart, counts=one.counts,
        delta={} if is_masked else one.delta, asked_at=one.asked_at, finished_at=one.finished_at,
    )  # fmt: skip


# --- Divergences -----------------------------------------------------------------------------
class DivergencesAsked(Asked):
    connection: words.Slug = None
    state: Annotated[str | None, OneOf(tuple(Divergence.State.values))] = None
    since: words.Since = None
    after: Annotated[int | None, DIVERGENCE_PLACE] = None


class DivergenceShape(Schema):
    """One difference: both sides as compared and as written (for who sees values), and what is at
    risk, in minor units of its currency."""

    id: int
    connection: str
    kind: str
    record: str
    external_id: str
    sort: str
    field: str
    ours: str
    theirs: str
    ours_raw: str
    theirs_raw: str
    at_risk: int | None
    currency: str
    severity: str
    cause: str
    state: str
    first_run: int
    last_run: int
    first_at: Moment
    last_at: Moment


@divergences_router.get("", response=answers(Page[DivergenceShape]), operation_id="divergences")
def divergences(request: Request, asked: Query[DivergencesAsked]) -> Page[DivergenceShape]:
    """Differences, the newest first; `since` finds those that a run found then or later."""
    is_masked = scope_of(request, Permission.SEE_RUNS) is Scope.MASKED
    rows = _narrowed(_visible(request), asked)
    if asked.since:
        rows = rows.filter(last_at__gte=moment(asked.since))
    found, following = DIVERGENCE_PLACE.page(rows, after=asked.after, limit=asked.limit)
    shapes = [_divergence(one, is_masked) for one in found]
    return Page[DivergenceShape](items=shapes, next=following)


@divergences_router.get(
    "/{id}", response=answers(DivergenceShape, 404), operation_id="divergence"
)  # fmt: skip
def divergence(request: Request, id: Id) -> DivergenceShape:
    """One difference."""
    is_masked = scope_of(request, Permission.SEE_RUNS) is Scope.MASKED
    found = _visible(request).filter(pk=id).first()
    if found is None:
        raise Http404
    return _divergence(found, is_masked)


def _visible(request: Request) -> QuerySet[Divergence]:
    return Divergence.objects.visible_to(request.user).select_related("connection")


def _narrowed(rows: QuerySet, asked: RunsAsked | DivergencesAsked) -> QuerySet:
    if asked.connection:
        named = Connection.objects.filter(slug=asked.connection)
        rows = rows.filter(connection__in=named)
    return rows.filter(state=asked.state) if asked.state else rows


def _divergence(one: Divergence, is_masked: bool) -> DivergenceShape:
    def told(value: str) -> str:
        return masking.MASK if is_masked and value else value

    return DivergenceShape(
        id=one.pk, connection=one.connection.slug, kind=one.kind, record=one.record,
        external_id=one.external_id, sort=one.sort, field=one.field,
        ours=told(one.ours), theirs=told(one.theirs), ours_raw=told(one.ours_raw),
        theirs_raw=told(one.theirs_raw), at_risk=None if is_masked else one.at_risk,
        currency=one.currency, severity=one.severity, cause=one.cause, state=one.state,
        first_run=one.first_run_id, last_run=one.last_run_id, first_at=one.first_at,
        last_at=one.last_at,
    )  # fmt: skip
