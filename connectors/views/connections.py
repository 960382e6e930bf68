from django.http import HttpResponse


def connections(request, **named):
    return HttpResponse("connections")


def new(request, **named):
    return HttpResponse("new")


def connection(request, **named):
    return HttpResponse("connection")


def change(request, **named):
    return HttpResponse("change")


def secret(request, **named):
    return HttpResponse("secret")


def end_older(request, **named):
    return HttpResponse("end_older")


def status(request, **named):
    return HttpResponse("status")


def test(request, **named):
    return HttpResponse("test")
