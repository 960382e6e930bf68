from django.http import HttpResponse


def home(request, **named):
    return HttpResponse("home")


def demo(request, **named):
    return HttpResponse("demo")


def demo_act(request, **named):
    return HttpResponse("demo_act")


def operating_model(request, **named):
    return HttpResponse("operating_model")
