"""The rooms this folder tests, and a page that shows every part of the kit once."""

from django.contrib import admin
from django.http import HttpResponse
from django.urls import include, path
from django.views.decorators.http import require_POST

from meshline.people.permissions import Permission
from meshline.people.views import sign_in
from meshline.web.access import done, refusal, requires, say
from tests.web import kit

handler400 = "meshline.web.errors.bad_request"
handler403 = "meshline.web.errors.denied"
handler404 = "meshline.web.errors.missing"
handler500 = "meshline.web.errors.broken"


def home(request):
    return HttpResponse("home")


def refuse(request):
    return refusal(request, "Ana claimed it 5 s ago.")


def succeed(request):
    return done(request, "It is claimed.", "home", undo="/undo/")


def change_a_part(request):
    return say(request, HttpResponse("<p>the part</p>"), "Claimed.", undo="/undo/")


@requires(Permission.CONFIGURE_CONNECTION)
def admins_only(request):
    return HttpResponse(request.scope)


def hook(request, slug):
    session = "session" if hasattr(request, "session") else "no session"
    return HttpResponse(f"{slug}, {session}", status=202)


urlpatterns = [
    path("act/", require_POST(succeed)),
    path("", home, name="home"),
    path("demo-sign-in/", sign_in, {"demo_people": kit.DEMO_PEOPLE}),
    path("", include("meshline.people.urls")),
    # The profile and a person's page lead there.
    path("", include("meshline.rota.urls_absences")),
    path("", include("meshline.notices.urls")),
    # What somebody answers for stands on their page as a part.
    path("", include("reconciliation.urls")),
    path("", include("meshline.web.urls")),
    path("tables/", admin.site.urls),
    path("kit/", kit.page, name="kit"),
    path("refuse/", refuse),
    path("succeed/", succeed),
    path("part/", change_a_part),
    path("admins-only/", admins_only),
    path("break/", kit.break_down),
    path("hooks/<slug:slug>/", hook),
]
