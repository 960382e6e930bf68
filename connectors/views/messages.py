from django.http import HttpResponse


def messages(request, **named):
    return HttpResponse("messages")


def refused(request, **named):
    return HttpResponse("refused")


def message(request, **named):
    return HttpResponse("message")


def release(request, **named):
    return HttpResponse("release")


def replay(request, **named):
    return HttpResponse("replay")


def release_ticket(request, **named):
    return HttpResponse("release_ticket")
