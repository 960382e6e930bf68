"""Our URLs, and one more page that takes a second."""

import time

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.urls import path

from meshline.urls import urlpatterns as ours


@login_not_required
def slow(request):
    time.sleep(1)
    return HttpResponse("at last")


urlpatterns = [path("bench-slow/", slow), *ours]
