"""An address that takes another method says so to people as a page; programs have the header."""

from collections.abc import Callable

from django.http import HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from meshline.web import access, errors, machines
from meshline.web.requests import Request

Answer = Callable[[Request], HttpResponseBase]


def worded(get_response: Answer) -> Answer:
    """The middleware: innermost, for the page shows who is signed in."""

    def answered(request: Request) -> HttpResponseBase:
        response = get_response(request)
        if not isinstance(response, HttpResponseNotAllowed) or response.content:
            return response
        if machines.is_machine(request.path_info) or request.method == "HEAD":
            return response
        page = errors.other_method(request, access.back_from(request))
        page.headers["Allow"] = response.headers["Allow"]
        return page

    return answered
