"""Every URL of Meshline: each room's own list under its fixed place."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
