"""What somebody answers for, as a part of their page, or a page of its own without scripts."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from meshline import instant
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.web.access import requires
from meshline.web.requests import Request
from reconciliation import answers_for as reading
from reconciliation import showing


@require_safe
@requires(Permission.SEE_PEOPLE)
def answers_for(request: Request, user_id: int) -> HttpResponse:
    """Everything that would be without them, each with the way to where somebody else is named."""
    found = get_object_or_404(User.objects.visible_to(request.user), pk=user_id)
    at = request.now or instant.now()
    charges = [
        (one, showing.address(one.fix.url_name, one.fix.args, request.user))
        for one in reading.everything(found, at=at)
    ]
    context = {"person": found, "charges": charges}
    part = "_answers_for" if request.htmx else "answers_for"
    answer = render(request, f"reconciliation/{part}.html", context)
    patch_vary_headers(answer, ["HX-Request"])
    return answer
