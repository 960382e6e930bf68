"""Our URLs, one more page that takes a second, and two that answer nothing to who is signed in: the
second reads the rows it was asked about."""

import time

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpResponse
from django.urls import path

from meshline.urls import urlpatterns as ours


@login_not_required
def slow(request):
    time.sleep(1)
    return HttpResponse("at last")


def bare(request):
    return HttpResponse(status=204 if request.user.is_authenticated else 403)


def rows(request):
    numbers = [int(one.partition(":")[0]) for one in request.GET.getlist("seen")]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, status, owner_id, claimed_by_id, reopened, snoozed_until "
            "FROM exceptions_ticket WHERE id = ANY(%s)", [numbers],
        )  # fmt: skip
        cursor.fetchall()
    return bare(request)


urlpatterns = [
    path("bench-slow/", slow),
    path("bench-bare/", bare),
    path("bench-rows/", rows),
    *ours,
]
