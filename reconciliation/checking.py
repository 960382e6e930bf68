"""Running a check: what it finds is kept, told by a ticket, and settled once it is right again."""

import logging
from datetime import datetime
from typing import Any

from django.db import transaction

from exceptions import deadlines, troubles
from exceptions.kinds import Severity
from exceptions.models import Occurrence, Ticket
from meshline import instant
from meshline.audit import trail
from meshline.audit.actors import Someone, part
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from reconciliation import tuning
from reconciliation.checks.check import KEPT, Check, Failing, Finding
from reconciliation.models import CheckResult

CHECKING = part("checks", "The checks")
# How many of what fails a ticket lists on itself; all of it stands on the check's page.
ON_A_TICKET = 20
logger = logging.getLogger(__name__)
State = CheckResult.State


def look_where_due() -> None:
    """Every check whose time has come, each by itself: one that breaks stops no other."""
    latest = {one.name: one.last_at for one in CheckResult.objects.last_of_each()}
    for check in tuning.agreed():
        last = latest.get(check.name)
        if last is None or instant.now() - last >= check.every:
            look(check)


@transaction.atomic
def run(check: Check, *, by: User) -> CheckResult:
    """A person has it look now."""
    permissions.check(by, Permission.RUN_CHECK)
    result = look(check)
    facts = {"check": check.name, "state": result.state, "failing": result.failing}
    trail.record("check.run", subject=result, by=by, at=result.last_at, after=facts)
    return result


@transaction.atomic
def tune(*, name: str, by: User, at: datetime, **numbers: Any) -> CheckResult | None:
    """Let a check go by other numbers, also what it found last; the result as it is judged now.

    Raises what `tuning.tune` raises.
    """
    check = tuning.tune(name=name, by=by, at=at, **numbers)
    last = CheckResult.objects.select_for_update().of(name).first()
    if last is None or last.state == State.UNKNOWN:
        return last
    state = _judged(check, last.failing)
    if state == last.state:
        return last
    judged = CheckResult(
        name=name, state=state, asked=last.asked, failing=last.failing, rows=last.rows,
        why=last.why, first_at=at, last_at=at,
    )  # fmt: skip
    judged.save()
    if state == State.ERROR:
        for ticket in Ticket.objects.unresolved().filter(cause=f"check:{name}").select_for_update():
            deadlines.make_graver(ticket, Severity.HIGH, by=by, at=at)
    return judged


def look(check: Check) -> CheckResult:
    """Look, and remember what was found; where it cannot look, that is what is found."""
    at = instant.now()
    try:
        with transaction.atomic():
            finding = check.look(at)
    except Exception as error:
        logger.exception("The check %s could not look.", check.name)
        return _could_not(check, error, at)
    return _found(check, finding, at)


@transaction.atomic
def _found(check: Check, finding: Finding, at: datetime) -> CheckResult:
    rows = [one.as_row() for one in finding.rows]
    state = _state(check, finding)
    result = _keep(CheckResult(
        name=check.name, state=state, asked=finding.asked, failing=finding.failing, rows=rows,
        why=finding.unknown,
    ), at)  # fmt: skip
    if not finding.unknown:
        _settle(check, finding, at)
        _tell(check, finding, state, at)
    return result


@transaction.atomic
def _could_not(check: Check, error: Exception, at: datetime) -> CheckResult:
    """It says nothing of what failed before: that stays as it was."""
    why = f"{type(error).__name__}: {error}".replace("\0", "")[:2000]
    result = CheckResult(name=check.name, state=State.UNKNOWN, asked=0, failing=0, why=why)
    kept = _keep(result, at)
    itself = Failing("itself", check.label, f"It could not look: {why}")
    _open(check, itself, _evidence(check, [itself], 1), Severity.HIGH, CHECKING, at)
    return kept


def _state(check: Check, finding: Finding) -> State:
    if finding.unknown:
        return State.UNKNOWN
    return _judged(check, finding.failing)


def _judged(check: Check, failing: int) -> State:
    if not failing:
        return State.OK
    return State.ERROR if failing >= check.grave_from else State.WARNING


def _keep(found: CheckResult, at: datetime) -> CheckResult:
    """The last result goes on while the same is found; otherwise another one begins."""
    last = CheckResult.objects.select_for_update().of(found.name).first()
    if last is not None and _is_same(last, found):
        last.last_at, last.asked = max(at, last.last_at), found.asked
        last.looks += 1
        last.save(update_fields=["last_at", "asked", "looks"])
        return last
    found.first_at = found.last_at = at
    found.save()
    return found


def _is_same(last: CheckResult, found: CheckResult) -> bool:
    return (last.state, last.failing, last.rows, last.why) == (
        found.state, found.failing, found.rows, found.why,
    )  # fmt: skip


# --- Its ticket ------------------------------------------------------------------------------
def _settle(check: Check, finding: Finding, at: datetime) -> None:
    """What failed and does not any more is right; of what is not kept nobody knows."""
    if finding.failing > KEPT:
        return
    failing = {subject(check, one.ref) for one in finding.rows}
    because = f"The check finds it right: {check.says}"
    for right in sorted(set(_open_subjects(check)) - failing):
        troubles.settle(subject=right, because=because, by=CHECKING, at=at)


def _tell(check: Check, finding: Finding, state: State, at: datetime) -> None:
    known = set(_open_subjects(check))
    severity = Severity.HIGH if state is State.ERROR else Severity.NORMAL
    evidence = _evidence(check, list(finding.rows), finding.failing)
    for one in finding.rows:
        if not one.is_told and subject(check, one.ref) not in known:
            _open(check, one, evidence, severity, CHECKING, at)


def _open(
    check: Check, one: Failing, evidence: dict, severity: Severity, by: Someone, at: datetime
) -> None:
    troubles.open_ticket(
        troubles.Trouble(
            kind="check-failed",
            cause=f"check:{check.name}",
            title=f"{check.label} does not hold",
            reason=f"{check.says} It is not so: {one.words}: {one.why} {check.remedy}",
            subject=subject(check, one.ref),
            evidence=evidence,
            record=one.record,
            record_title=one.words if one.record else "",
            amount=one.amount,
            currency=one.currency,
            severity=severity,
            remedies=_remedies(check),
        ),
        by=by,
        at=at,
    )


def _remedies(check: Check) -> list[dict]:
    return [
        {"label": "Run the check again", "url_name": "reconciliation:run-check",
         "args": [check.name], "explains": "Looks now; what is right by now is settled."},
        {"label": "See all that fails", "url_name": "reconciliation:check", "args": [check.name],
         "explains": check.how, "is_page": True},
    ]  # fmt: skip


def _evidence(check: Check, rows: list[Failing], failing: int) -> dict:
    return {
        "check": check.says,
        "failing": failing,
        "first": [f"{one.words}: {one.why}" for one in rows[:ON_A_TICKET]],
        "page": f"/checks/{check.name}/",
    }


def subject(check: Check, ref: str) -> str:
    """What must come right, as its ticket names it."""
    return f"check:{check.name}:{ref}"[:120]


def _open_subjects(check: Check) -> list[str]:
    hanging = Occurrence.objects.filter(settled_at=None, subject__startswith=subject(check, ""))
    return list(hanging.values_list("subject", flat=True))
