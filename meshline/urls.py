"""Every URL of Meshline: each room's own list under its fixed place."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from meshline import api
from meshline.people import views as people
from meshline.shell import demo, health, numbers, operations, palette, views
from meshline.shell.tables import site

# In the demo the sign-in page shows who there is to be.
_SIGN_IN = {"demo_people": demo.PEOPLE if settings.SANDBOX_URL else ()}

urlpatterns: list[URLPattern | URLResolver] = [
    # First, because webhooks are: nothing else has to be tried for them.
    path("", include("connectors.urls")),
    *api.urlpatterns,
    path("", views.home, name="home"),
    path("sign-in/", people.sign_in, _SIGN_IN),
    path("", include("meshline.web.urls")),
    path("", include("meshline.people.urls")),
    path("", include("meshline.policy.urls")),
    path("", include("meshline.notices.urls")),
    path("", include("meshline.audit.urls")),
    path("", include("meshline.policy.urls_owners")),
    path("", include("meshline.rota.urls")),
    path("", include("meshline.rota.urls_absences")),
    path("", include("exceptions.urls")),
    path("", include("proposals.urls")),
    path("", include("reconciliation.urls")),
    path("operating-model/", views.operating_model, name="operating-model"),
    path("operating-model/file/", views.operating_model_file, name="operating-model-file"),
    path("find/", palette.palette, name="palette"),
    path("operations/", operations.operations, name="operations"),
    path("demo/", views.demo, name="demo"),
    path("demo/<str:act>/", views.demo_act, name="demo-act"),
    path("tables/", site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", numbers.metrics, name="metrics"),
]
handler400 = "meshline.web.errors.bad_request"
handler403 = "meshline.web.errors.denied"
handler404 = "meshline.web.errors.missing"
handler500 = "meshline.web.errors.broken"
