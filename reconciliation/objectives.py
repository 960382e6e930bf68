"""What is promised of a number on a path, and the days that now is compared with: agreed on by
managers, and on the trail."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from meshline.audit import trail
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy.models import Company
from meshline.policy.operating_model import ModelError, Stale
from proposals.states import State
from reconciliation.histograms import ENOUGH
from reconciliation.measuring import Measured, told
from reconciliation.models import Baseline, Objective
from reconciliation.numbers.number import How, Number
from reconciliation.numbers.table import PROMISED
from reconciliation.passages import hour_of

# A span is promised of 95 in 100; a share is promised itself.
MOST_SECONDS = 90 * 86_400


@dataclass(frozen=True)
class Promise:
    """What is promised of one number on one path."""

    number: Number
    target: float

    @property
    def text(self) -> str:
        if self.number.how is How.SHARE:
            return f"≥ {self.target:g} %"
        return f"p95 ≤ {told(self.number, self.target)}"

    def is_kept_by(self, measured: Measured) -> bool | None:
        if measured.n < ENOUGH:
            return None
        if self.number.how is How.SHARE:
            return (measured.value or 0) >= self.target
        return (measured.p95 or 0) <= self.target


Promises = dict[tuple[str, str], Promise]


def promises() -> Promises:
    """By path and number."""
    rows = Objective.objects.filter(number__in=PROMISED)
    return {(one.path, one.number): Promise(PROMISED[one.number], one.target) for one in rows}


def strictest(number: Number, promised: Promises) -> tuple[str, Promise] | None:
    """Of all paths the one of which most is promised of this number, and what; None of none."""
    of_it = {path: one for (path, name), one in promised.items() if name == number.name}
    if not of_it:
        return None
    hardest = max if number.more_is_better else min
    return hardest(of_it.items(), key=lambda each: (each[1].target, each[0]))


@transaction.atomic
def publish(
    *, path: str, number: str, target: float | None, version: int, by: User, at: datetime
) -> Objective | None:
    """Promise something of a number on a path, or nothing any more (`target` None).

    Raises ModelError where that cannot be promised, and Stale where somebody was faster.
    """
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    promised = _promised(path, number, target)
    row = Objective.objects.select_for_update().filter(path=path, number=number).first()
    if (row.version if row else 0) != version:
        raise Stale
    before = {"target": Promise(promised, row.target).text} if row else {}
    after = {"target": Promise(promised, target).text} if target is not None else {}
    if before == after:
        return row
    subject = row or Objective(path=path, number=number, version=0)
    if target is None:
        what, kept = "objective.withdrawn", None
    else:
        subject.target, subject.version = target, subject.version + 1
        subject.save()
        what, kept = "objective.published", subject
    said = {"path": path, "number": promised.label}
    trail.record(what, subject=subject, by=by, at=at, before=before, after={**said, **after})
    if target is None and row:
        row.delete()
    return kept


def _promised(path: str, number: str, target: float | None) -> Number:
    if path not in {state.value for state in State}:
        raise ModelError("There is no such path.", "path")
    if number not in PROMISED:
        raise ModelError("Nothing can be promised of this number.", "number")
    found = PROMISED[number]
    most = 100 if found.how is How.SHARE else MOST_SECONDS
    if target is not None and not 0 < target <= most:
        raise ModelError("Promise more than nothing, and not more than there can be.", "target")
    return found


@transaction.atomic
def set_baseline(*, first: date, last: date, version: int, by: User, at: datetime) -> Baseline:
    """Agree on the days that now is compared with. Raises ModelError and Stale as above."""
    permissions.check(by, Permission.CHANGE_OPERATING_MODEL)
    if last < first:
        raise ModelError("The last day is before the first.", "last_on")
    if last > at.astimezone(_zone()).date():
        raise ModelError("Choose days that have come: now is compared with them.", "last_on")
    row = Baseline.objects.select_for_update().first()
    if (row.version if row else 0) != version:
        raise Stale
    before = {"days": str(row)} if row else {}
    kept = row or Baseline(version=0)
    kept.first_on, kept.last_on, kept.version = first, last, kept.version + 1
    kept.save()
    trail.record(
        "baseline.set", subject=kept, by=by, at=at, before=before, after={"days": str(kept)}
    )
    return kept


def hours_of(row: Baseline) -> tuple[datetime, datetime]:
    """Its days, as the company has them, in whole hours."""
    zone = _zone()
    days = (row.first_on, row.last_on + timedelta(days=1))
    since, until = (hour_of(datetime.combine(day, time.min, zone)) for day in days)
    return since, until


def _zone() -> ZoneInfo:
    return ZoneInfo(Company.objects.values_list("zone", flat=True)[0])
