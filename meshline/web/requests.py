"""What a request carries once the middleware has seen it. For annotations only."""

from datetime import datetime

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from meshline.people.models import User
from meshline.people.permissions import Scope


class Request(HttpRequest):
    """A signed-in person's request: who, when, by htmx or not, and how far their right reaches."""

    user: User
    htmx: HtmxDetails
    # One moment for the whole page, by the database's clock; None while nobody is signed in.
    now: datetime | None
    # Set by access.requires.
    scope: Scope | None
