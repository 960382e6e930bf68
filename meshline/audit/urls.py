from django.urls import path

from meshline.audit import views

app_name = "audit"
urlpatterns = [
    path("trail/", views.trail, name="trail"),
    path("trail/export/", views.export, name="export"),
]
