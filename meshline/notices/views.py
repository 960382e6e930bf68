"""What I was told, and putting it aside."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from meshline import instant
from meshline.notices import notices
from meshline.notices.models import Notice
from meshline.web import paging
from meshline.web.access import done
from meshline.web.requests import Request


@require_safe
def list_notices(request: Request) -> HttpResponse:
    page = paging.page(Notice.objects.filter(user=request.user), request, by="-at")
    return render(request, "notices/list.html", {"page": page})


@require_POST
def read_all(request: Request) -> HttpResponse:
    number = notices.read_all(by=request.user, at=instant.now())
    sentence = f"{number} marked as read." if number else "Everything was read already."
    return done(request, sentence, "notices:list")
