from django.http import HttpResponse


def proposals(request, **named):
    return HttpResponse("proposals")


def proposal(request, **named):
    return HttpResponse("proposal")


def move(request, **named):
    return HttpResponse("move")


def assign(request, **named):
    return HttpResponse("assign")


def contracts(request, **named):
    return HttpResponse("contracts")
