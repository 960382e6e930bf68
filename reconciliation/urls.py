from django.urls import path

from reconciliation.views import test_box, whole_model

app_name = "reconciliation"
urlpatterns = [
    path("operating-model/routing/test/", test_box.test_routing, name="test-routing"),
    path("operating-model/map/", whole_model.paths, name="map"),
    path("operating-model/map/<str:state>/", whole_model.path, name="path"),
    path("operating-model/lints/", whole_model.all_lints, name="lints"),
]
