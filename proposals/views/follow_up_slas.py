"""How soon somebody follows up: what the live contracts promise, beside the SLAs of tickets."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from meshline.people.permissions import Permission
from meshline.policy import spans
from meshline.web.access import requires
from meshline.web.requests import Request
from proposals.contracts import promises, sentences
from proposals.contracts.promises import OutcomeSpec
from proposals.models import Contract
from proposals.states import State


@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def follow_up_slas(request: Request) -> HttpResponse:
    """Each kind of follow-up with its first deadline: a page, and a part of the SLAs' page."""
    rows = [
        _row(contract, spec)
        for contract in Contract.objects.live().order_by("slug")
        for spec in map(promises.spec_from, contract.outcomes)
        if spec.params.get("due_within")
    ]
    is_part = request.htmx and not request.htmx.history_restore_request
    name = "_follow_up_slas" if is_part else "follow_up_slas"
    return render(request, f"proposals/{name}.html", {"rows": rows})


def _row(contract: Contract, spec: OutcomeSpec) -> dict[str, Any]:
    return {
        "kind": spec.name.replace("_", " ").replace("-", " ").capitalize(),
        "when": f"a proposal is {sentences.said(State(contract.trigger))}",
        "within": spans.words(int(spec.params["due_within"])),
        "as_long_as": sentences.either(spec.wanted),
        "contract": contract,
    }
