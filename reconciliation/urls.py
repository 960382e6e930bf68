from django.urls import path

from reconciliation import views

app_name = "reconciliation"
urlpatterns = [
    path("operating-model/map/", views.paths, name="map"),
    path("operating-model/map/<str:state>/", views.path, name="path"),
    path("operating-model/lints/", views.all_lints, name="lints"),
]
