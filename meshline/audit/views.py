from django.http import HttpResponse


def trail(request, **named):
    return HttpResponse("trail")
