"""The sampling audit: the months with their scores, one with its form a row, and a verdict."""

from dataclasses import dataclass

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from meshline import instant, masking
from meshline.people.permissions import Permission, Scope, refusal_for, scope
from meshline.web import paging
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request
from proposals.models import Proposal
from proposals.states import State
from reconciliation import samples as verbs
from reconciliation.models import Drawn, Sample
from reconciliation.sample_forms import WrongForm
from reconciliation.samples import SampleError


@dataclass(frozen=True)
class Row:
    """One that was drawn, as far as this person sees it, and why they may not judge it."""

    drawn: Drawn
    title: str
    url: str
    what: str
    refusal: str
    form: WrongForm

    @property
    def state(self) -> str:
        return State(self.drawn.state).label


@require_safe
@requires(Permission.SEE_CHECKS)
def samples(request: Request) -> HttpResponse:
    """Every month, the last one first."""
    right, wrong = (Count("drawn", filter=Q(drawn__verdict=one)) for one in Drawn.Verdict)
    counted = Sample.objects.annotate(size=Count("drawn"), right=right, wrong=wrong)
    page = paging.page(counted, request, size=24)
    return render(request, "reconciliation/samples.html", {"page": page})


@require_safe
@requires(Permission.SEE_CHECKS)
def sample(request: Request, sample_id: int) -> HttpResponse:
    found = get_object_or_404(Sample, pk=sample_id)
    drawn = found.drawn.select_related("proposal__owner", "judged_by").order_by("pk")
    seen = Proposal.objects.visible_to(request.user)
    mine = list(drawn.filter(proposal__in=seen))
    rows = [_row(request, one) for one in mine]
    context = {"sample": found, "rows": rows, "score": _score(mine)}
    return render(request, "reconciliation/sample.html", context)


@require_POST
@requires(Permission.JUDGE_SAMPLE)
def judge(request: Request, drawn_id: int) -> HttpResponse:
    seen = Drawn.objects.filter(proposal__in=Proposal.objects.visible_to(request.user))
    found = get_object_or_404(seen, pk=drawn_id)
    try:
        verbs.judge(
            drawn_id=found.pk, verdict=request.POST.get("verdict", ""),
            what=request.POST.get("what", ""), by=request.user, at=instant.now(),
        )  # fmt: skip
    except SampleError as error:
        return refusal(request, error, status=422)
    to = reverse("reconciliation:sample", args=[found.sample_id])
    return done(request, "Thank you; it is kept.", to)


def _row(request: Request, one: Drawn) -> Row:
    is_masked = scope(request.user, Permission.SEE_PROPOSALS) is Scope.MASKED
    url = reverse("proposals:proposal", args=[one.proposal_id])
    why_not = refusal_for(request.user, Permission.JUDGE_SAMPLE, owner=one.proposal.owner)
    title, what = str(one.proposal), one.what
    if is_masked:
        title, what = masking.words(title), masking.MASK if what else ""
    form = WrongForm(auto_id=f"id_{one.pk}_%s")
    return Row(one, title, url, what, why_not, form)


def _score(drawn: list[Drawn]) -> str:
    """Such as "18 of 19 right (95 %), 1 still to be judged"."""
    judged = [one for one in drawn if one.verdict]
    right = sum(one.verdict == Drawn.Verdict.RIGHT for one in judged)
    left = len(drawn) - len(judged)
    said = f"{right} of {len(judged)} right ({100 * right // len(judged)} %)" if judged else ""
    return ", ".join(filter(None, [said, f"{left} still to be judged" if left else ""]))
