from django.urls import path

from reconciliation import views

app_name = "reconciliation"
urlpatterns = [
    path("operating-model/routing/test/", views.test_routing, name="test-routing"),
]
