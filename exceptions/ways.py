"""Where somebody goes on who put something right: where they were."""

from urllib.parse import urlsplit

from django.urls import reverse

from meshline.web.access import back_from
from meshline.web.requests import Request


def back(request: Request, ticket_id: int) -> str:
    """The queue as the person had it, or the ticket's page."""
    came_from, queue_url = back_from(request), reverse("exceptions:queue")
    page = reverse("exceptions:ticket", args=[ticket_id])
    return came_from if urlsplit(came_from).path in (queue_url, page) else page
