from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from meshline import instant
from meshline.people.permissions import Permission, may
from meshline.shell import home as blocks
from meshline.shell import model_words
from meshline.web.access import requires
from meshline.web.requests import Request


@require_safe
def home(request: Request) -> HttpResponse:
    """What needs this person now, whatever their role."""
    context = {"home": blocks.of(request.user, at=request.now or instant.now())}
    return render(request, "shell/home.html", context)


def demo(request, **named):
    return HttpResponse("demo")


def demo_act(request, **named):
    return HttpResponse("demo_act")


@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def operating_model(request: Request) -> HttpResponse:
    """What we agreed: owners, SLAs, hours, sources of truth, parts; to read, not yet to edit."""
    context = model_words.everything(at=request.now or instant.now())
    context["may_see_people"] = may(request.user, Permission.SEE_PEOPLE)
    context["may_see_connections"] = may(request.user, Permission.SEE_CONNECTIONS)
    return render(request, "shell/operating_model.html", context)
