"""Our URLs, one more page that takes a second, and one that answers nothing to who is signed in."""

import time

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.urls import path

from meshline.urls import urlpatterns as ours


@login_not_required
def slow(request):
    time.sleep(1)
    return HttpResponse("at last")


def bare(request):
    return HttpResponse(status=204 if request.user.is_authenticated else 403)


urlpatterns = [path("bench-slow/", slow), path("bench-bare/", bare), *ours]
