"""The mark of our own canaries: by it alone a POST is known to be synthetic, never by what it says.

Whoever could write it could hide a real event from everybody. So it is made with our own secret,
over the very bytes it comes with.
"""

from collections.abc import Mapping

from django.utils.crypto import constant_time_compare, salted_hmac

HEADER = "x-meshline-canary"


def mark(body: bytes) -> str:
    """What goes with these bytes."""
    return salted_hmac("connectors.marks", body, algorithm="sha256").hexdigest()


def is_ours(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether we made it, to try our own ways."""
    given = headers.get(HEADER, "")
    return bool(given) and constant_time_compare(given.encode(), mark(body).encode())
