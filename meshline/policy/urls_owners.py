from django.urls import path

from meshline.policy import raci_views

app_name = "owners"
urlpatterns = [
    path("operating-model/company/", raci_views.company, name="company"),
    path("operating-model/owners/", raci_views.owners, name="owners"),
    # A process that a file brought may be called anything.
    path("operating-model/owners/remove/<path:name>/", raci_views.remove, name="remove"),
    path("operating-model/owners/cancel/<path:name>/", raci_views.cancel, name="cancel"),
]
