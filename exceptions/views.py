from django.http import HttpResponse


def queue(request, **named):
    return HttpResponse("queue")


def ticket(request, **named):
    return HttpResponse("ticket")


def claim(request, **named):
    return HttpResponse("claim")


def release(request, **named):
    return HttpResponse("release")


def acknowledge(request, **named):
    return HttpResponse("acknowledge")


def resolve(request, **named):
    return HttpResponse("resolve")


def escalate(request, **named):
    return HttpResponse("escalate")


def note(request, **named):
    return HttpResponse("note")
