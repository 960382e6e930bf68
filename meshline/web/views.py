"""The one part that belongs to every page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from meshline.web import banner as parts_down


@require_safe
def banner(request: HttpRequest) -> HttpResponse:
    """Which part of Meshline is not running; every open page asks this by itself."""
    return render(request, "web/_banner.html", {"down": parts_down.sentences()})
