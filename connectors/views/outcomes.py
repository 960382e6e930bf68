from django.http import HttpResponse


def outcomes(request, **named):
    return HttpResponse("outcomes")


def outcome(request, **named):
    return HttpResponse("outcome")


def retry(request, **named):
    return HttpResponse("retry")


def cancel(request, **named):
    return HttpResponse("cancel")


def retry_ticket(request, **named):
    return HttpResponse("retry_ticket")


def links(request, **named):
    return HttpResponse("links")
