"""The limit of intake: a bare view that makes one durable raw insert of the body."""

from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpResponse
from django.urls import path


def store(request):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_bare (body) VALUES (%s)", [request.body])
    return HttpResponse("stored", status=202, headers={"Content-Length": "6"})


urlpatterns = [path("store/", store)]
application = get_wsgi_application()
