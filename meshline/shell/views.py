from datetime import UTC

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from meshline import instant
from meshline.people.models import Team
from meshline.people.permissions import Permission, may, refusal_for
from meshline.rota import showing
from meshline.shell import demo_page, model_words
from meshline.shell import home as blocks
from meshline.shell.model_file import writing
from meshline.shell.sandbox_control import SandboxAway, SandboxNo
from meshline.web.access import done, refusal, requires
from meshline.web.requests import Request
from reconciliation import gathering, lints
from reconciliation.lints.lint import Grade


@require_safe
def home(request: Request) -> HttpResponse:
    """What needs this person now, whatever their role."""
    context = {"home": blocks.of(request.user, at=request.now or instant.now())}
    return render(request, "shell/home.html", context)


@require_safe
@requires(Permission.PLAY_DEMO)
def demo(request: Request) -> HttpResponse:
    """The other side, to play with; there only where the stand-ins run. `?part` is what changes."""
    _only_in_the_demo()
    part = "part" in request.GET
    turn = request.now.second if request.now else 0
    return _show_demo(request, demo_page.DocumentForm(turn=turn), part=part)


@require_POST
@requires(Permission.PLAY_DEMO)
def demo_act(request: Request, act: str) -> HttpResponse:
    """Create, move or break something over there."""
    _only_in_the_demo()
    form = demo_page.DocumentForm(request.POST if act == "create" else None)
    if act == "create" and not form.is_valid():
        return _show_demo(request, form, status=422)
    try:
        sentence = _act(request, act, form)
    except (SandboxAway, SandboxNo) as error:
        return refusal(request, error)
    return done(request, sentence, "demo")


def _act(request: Request, act: str, form: demo_page.DocumentForm) -> str:
    asked = request.POST
    if act == "create":
        return demo_page.create(form.cleaned_data, send="draft" not in asked)
    if act == "move":
        return demo_page.move(asked.get("document", ""), asked.get("action", ""))
    if act == "bill":
        return demo_page.bill(asked.get("invoice", ""), asked.get("action", ""))
    if act == "switch":
        return demo_page.switch(asked.get("switch", ""), on=asked.get("on") == "1")
    raise Http404


def _show_demo(
    request: Request, form: demo_page.DocumentForm, *, part: bool = False, status: int = 200
) -> HttpResponse:
    context = {"form": form, "away": "", "sandbox": settings.SANDBOX_URL}
    try:
        context |= demo_page.other_side(request.user) | {"switches": demo_page.switches()}
    except (SandboxAway, SandboxNo) as error:
        context["away"] = str(error)
    template = "shell/_demo_live.html" if part else "shell/demo.html"
    return render(request, template, context, status=status)


def _only_in_the_demo() -> None:
    if not settings.SANDBOX_URL:
        raise Http404


@require_safe
@requires(Permission.SEE_OPERATING_MODEL)
def operating_model(request: Request) -> HttpResponse:
    """What we agreed: owners, SLAs, hours, sources of truth and parts."""
    at = request.now or instant.now()
    context = model_words.everything(at=at)
    found = lints.every(gathering.facts(at=at))
    context["lints"] = len([lint for lint in found if lint.grade is not Grade.NOTE])
    context["gaps"] = len([lint for lint in found if lint.grade is Grade.ERROR])
    context["rotas"] = showing.coverages(
        Team.objects.select_related("lead").order_by("name"), at=at
    )
    context["calendar_refusal"] = refusal_for(request.user, Permission.CHANGE_OPERATING_MODEL)
    context["may_export"] = may(request.user, Permission.EXPORT_OPERATING_MODEL)
    context["may_see_connections"] = may(request.user, Permission.SEE_CONNECTIONS)
    # Who may only look finds there why.
    context["edit"] = "Edit" if may(request.user, Permission.CHANGE_OPERATING_MODEL) else "See"
    return render(request, "shell/operating_model.html", context)


@require_safe
@requires(Permission.EXPORT_OPERATING_MODEL)
def operating_model_file(request: Request) -> HttpResponse:
    """The same as a file, to the byte as `manage.py operating_model export` writes it."""
    at = instant.now()
    text = writing.hand_out(by=request.user, at=at)
    name = f"operating-model-{at.astimezone(UTC):%Y-%m-%d}.yaml"
    return HttpResponse(
        text.encode(),
        content_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
