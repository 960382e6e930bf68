"""Canaries in tests: the clock's looks at them, what is carried of them, and what is left."""

import re
import threading
from datetime import timedelta

from django.db import connections
from django.test import Client

from connectors import feigning
from connectors.models import Message, Receipt
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from proposals.models import Outcome, Proposal, RoutingDecision, Signal
from reconciliation import canaries
from tests.api.conftest import script_of
from tests.factories import MONDAY


def aside(act, *given):
    """In a thread of its own, as the clock does: what it keeps open ends with it."""
    failed = []

    def acts():
        try:
            act(*given)
        except BaseException as error:
            failed.append(error)
        finally:
            feigning.http._mine.forget()
            connections.close_all()

    thread = threading.Thread(target=acts)
    thread.start()
    thread.join()
    assert failed == []


def look(canary, *, minutes=0.0, seconds=0.0):
    """What the clock does, so much later."""
    with instant.stopped(MONDAY + timedelta(minutes=minutes, seconds=seconds)):
        canary.refresh_from_db()
        canaries.tend(canary)
    canary.refresh_from_db()
    return canary.probes.order_by("-pk").first()


def prove(*, delivered=True, proven=True, **changes):
    at = instant.now()
    if delivered:
        changes["delivered_at"] = at
    if delivered and proven:
        changes |= {"proven_at": at, "state": "proven"}
    Outcome.everything.filter(is_synthetic=True).update(**changes)


def left():
    """Whatever of canaries there is."""
    models = (Proposal, Signal, Outcome, Message, Receipt)
    return sum(one.everything.filter(is_synthetic=True).count() for one in models)


# --- Nobody's number ----------------------------------------------------------------------------
PAGES = [
    "/", "/proposals/", "/outcomes/", "/messages/", "/messages/posts/", "/connections/", "/queue/",
    "/operations/", "/checks/", "/queue/numbers/",
]  # fmt: skip
_VARIES = re.compile(r"process_|canary|csrf|\s[KMG]B$|why-\d", re.IGNORECASE)
LISTS = ["messages", "signals", "proposals", "outcomes", "tickets"]


def public(staff):
    """Everything that people and scripts read, without moments and tokens."""
    client = Client()
    client.force_login(staff["rosa"])
    pages = {path: client.get(path, follow=True).content.decode() for path in PAGES}
    script = script_of(staff["rosa"])
    pages |= {one: script.get(one).content.decode() for one in LISTS}
    pages["metrics"] = client.get("/metrics").content.decode()
    return {path: _settled(page) for path, page in pages.items()}


def _settled(page):
    """Without what is another one each time: tokens, ages, how much memory Redis has."""
    kept = (line for line in page.splitlines() if not _VARIES.search(line))
    return re.sub(r"(seconds|age|bytes)\S* [\d.e+-]+", "", "\n".join(kept), flags=re.IGNORECASE)


def differing(before, now):
    """The lines that are not as they were, each with its page."""
    return [
        (path, line)
        for path, page in now.items()
        for line in set(page.splitlines()) ^ set(before[path].splitlines())
    ]


def rows_there():
    """How many rows of the business there are."""
    models = (Ticket, Notice, RoutingDecision, Proposal, Signal, Outcome, Message)
    said = TrailLine.objects.filter(what__regex="^(proposal|signal|outcome|ticket)")
    return [said.count(), *(one.objects.count() for one in models)]
