"""The checks as they are agreed: how often each looks, and from how many failing it is an error."""

from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction

from meshline.audit import trail
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from reconciliation.checks.check import Check
from reconciliation.checks.table import CHECKS
from reconciliation.models import CheckTuning

FASTEST, SLOWEST = timedelta(minutes=1), timedelta(days=7)
MOST = 100_000
LONGEST_REASON = 300


class TuningError(Exception):
    """Why a check cannot go by these numbers, as a sentence."""


def agreed() -> list[Check]:
    """All checks in their order, each by its own numbers."""
    rows = {one.name: one for one in CheckTuning.objects.all()}
    return [_tuned(check, rows.get(check.name)) for check in CHECKS.values()]


def of(name: str) -> Check:
    """One check by its own numbers."""
    return _tuned(CHECKS[name], CheckTuning.objects.filter(name=name).first())


@transaction.atomic
def tune(
    *, name: str, every: timedelta, grave_from: int, reason: str, by: User, at: datetime
) -> Check:  # fmt: skip
    """Let a check look so often, and be an error from so many failing on, from now on."""
    permissions.check(by, Permission.TUNE_CHECKS)
    if not FASTEST <= every <= SLOWEST or every % FASTEST:
        raise TuningError("It looks every minute at the most, and every 7 days at the least.")
    if not 1 <= grave_from <= MOST:
        raise TuningError(f"It is an error from 1 to {MOST:,} failing on.")
    why = _readable(reason)
    row = CheckTuning.objects.select_for_update().filter(name=name).first()
    before, after = _facts(_tuned(CHECKS[name], row)), _numbers(every, grave_from)
    if before == after:
        raise TuningError("It goes by these numbers already.")
    row = row or CheckTuning(name=name)
    row.every, row.grave_from = int(every.total_seconds()), grave_from
    row.save()
    trail.record("check.tuned", subject=row, by=by, at=at, before=before, after=after, why=why)
    return _tuned(CHECKS[name], row)


def _tuned(check: Check, row: CheckTuning | None) -> Check:
    if row is None:
        return check
    return replace(check, every=timedelta(seconds=row.every), grave_from=row.grave_from)


def _facts(check: Check) -> dict[str, int]:
    return _numbers(check.every, check.grave_from)


def _numbers(every: timedelta, grave_from: int) -> dict[str, int]:
    return {"minutes": every // FASTEST, "an error from": grave_from}


def _readable(reason: str) -> str:
    reason = " ".join(reason.replace("\0", "").split())
    if not reason:
        raise TuningError("Say why.")
    if len(reason) > LONGEST_REASON:
        raise TuningError(f"Keep the reason under {LONGEST_REASON} characters.")
    return reason
