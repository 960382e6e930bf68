"""The sampling audit: each month some proposals are drawn by lot, and people look whether what
stands here is so in the systems themselves."""

import random
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from meshline.audit import trail
from meshline.audit.actors import part
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy import business_time, calendars
from proposals.models import Proposal
from reconciliation.models import Drawn, Sample

LOT = part("lot", "The monthly lot")
SIZE = 20
# Drawn from what changed since so long ago, so that each month's work is looked at.
BACK = timedelta(days=31)
WITHIN_DAYS = 10
LONGEST = 1000


class SampleError(Exception):
    """Why a verdict is not taken, as a sentence."""


def draw_if_due(*, at: datetime) -> Sample | None:
    """This month's sample, on its first look; None where it is drawn, or nothing changed."""
    month = timezone.localtime(at).date().replace(day=1)
    if Sample.objects.filter(month=month).exists():
        return None
    return _draw(month, at)


@transaction.atomic
def _draw(month: date, at: datetime) -> Sample | None:
    changed = Proposal.objects.filter(changed_at__gt=at - BACK, changed_at__lte=at)
    rows = list(changed.order_by("pk").values_list("pk", "state"))
    if not rows:
        return None
    # Of two that draw at once one is first: the month is unique.
    facts = {"drawn_at": at, "due_at": _due(at)}
    sample, is_new = Sample.objects.get_or_create(month=month, defaults=facts)
    if not is_new:
        return None
    picked = random.SystemRandom().sample(rows, min(SIZE, len(rows)))
    Drawn.objects.bulk_create(
        [Drawn(sample=sample, proposal_id=pk, state=state) for pk, state in sorted(picked)]
    )
    after = {"proposals": len(picked), "of": len(rows)}
    trail.record("sample.drawn", subject=sample, by=LOT, at=at, after=after)
    return sample


def _due(at: datetime) -> datetime:
    """With the end of the tenth of the company's business days, today among them."""
    hours = calendars.hours_of(None)
    ends: dict[date, datetime] = {}
    for _, closes in business_time.windows(at, at + timedelta(days=90), hours):
        ends[(closes - timedelta(seconds=1)).astimezone(ZoneInfo(hours.zone)).date()] = closes
    days = sorted(ends)[:WITHIN_DAYS]
    return ends[days[-1]] if days else at + timedelta(days=14)


@transaction.atomic
def judge(*, drawn_id: int, verdict: str, what: str, by: User, at: datetime) -> Drawn:
    """Say that it is right, or what is wrong. Said once; what is wrong is put right elsewhere."""
    rows = Drawn.objects.select_for_update(of=("self",)).select_related("proposal__owner__team")
    drawn = rows.get(pk=drawn_id)
    permissions.check(by, Permission.JUDGE_SAMPLE, owner=drawn.proposal.owner)
    if drawn.verdict:
        raise SampleError(f"{drawn.judged_by} judged it already: {drawn.get_verdict_display()}.")
    if verdict not in set(Drawn.Verdict):
        raise SampleError("Choose right or wrong.")
    what = " ".join(what.replace("\0", "").split())[:LONGEST]
    if verdict == Drawn.Verdict.WRONG and not what:
        raise SampleError("Say what is wrong.")
    drawn.verdict, drawn.what, drawn.judged_by, drawn.judged_at = verdict, what, by, at
    drawn.save(update_fields=["verdict", "what", "judged_by", "judged_at"])
    trail.record(
        "sample.judged", subject=drawn, record=drawn.proposal.record, by=by, at=at,
        after={"verdict": verdict}, why=what,
    )  # fmt: skip
    return drawn
