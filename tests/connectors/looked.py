"""A quoting tool whose webhooks get lost, and the few words a test of looking needs."""

from contextlib import contextmanager
from datetime import timedelta

import pytest

from connectors import syncing, syncs
from connectors.hubspot import activity
from connectors.models import Connection, Message, Sync, SyncCursor
from connectors.sandbox import times
from meshline import instant
from meshline.shell import sandbox_control
from tests import factories

HOUR = timedelta(hours=1)
BESIDE = {poll.kind for poll in (activity.TASKS, *activity.ACTIVITY)}
KEY = "key-of-the-tests"
NINA = {"email": "nina@customer.example.com", "first_name": "Nina", "last_name": "Brook"}
REMY = {"email": "remy@example.com", "first_name": "Remy", "last_name": "Park"}


class Quoting:
    """The stand-in quoting tool: what people do there, what it would have told, how it breaks."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    @contextmanager
    def ago(self, **span):
        """What is done there now was done so long ago."""
        with self._patch.context() as patch:
            patch.setattr(times, "now", lambda: real() - timedelta(**span))
            yield

    def make(self, name="Website relaunch", amount="1234.50", **changes):
        asked = {"name": name, "amount": amount, "currency": "EUR", "recipient": NINA,
                 "owner": REMY, **changes}  # fmt: skip
        return sandbox_control.create_document(**asked)["id"]

    def does(self, document, *actions):
        for action in actions:
            sandbox_control.move_document(document, action)

    def breaks(self, *faults):
        lost = {"kind": "webhook_drop"}
        sandbox_control.break_it("pandadoc", [lost, *faults])

    def untold(self):
        """The webhooks that got lost, the earliest first, as they would have been posted."""
        sent = sandbox_control.ask("GET", "/pandadoc/webhooks")["webhooks"]
        return [(one["id"], one["body"].encode()) for one in reversed(sent)]

    def calls(self, part=""):
        called = sandbox_control.ask("GET", "/calls", vendor="pandadoc")["calls"]
        return [one for one in called if part in one["path"]]


real = times.now


def connected(url, **changes):
    """The connection to it, made two hours ago."""
    made = factories.connected(
        "pandadoc", base_url=f"{url}/pandadoc", signing=factories.SHARED_KEY, credential=KEY,
        **changes,
    )  # fmt: skip
    two_hours_ago = instant.now() - 2 * HOUR
    Connection.objects.filter(pk=made.pk).update(created_at=two_hours_ago)
    made.refresh_from_db()
    return made


def look():
    """What the clock and a worker do; the syncs of records that it made."""
    return [one for one in look_at_all() if one.kind not in BESIDE]


def look_at_all():
    """The same, with those of what people did beside the deals of a CRM."""
    before = set(Sync.objects.values_list("pk", flat=True))
    syncs.queue_due(at=instant.now())
    drain()
    return list(Sync.objects.exclude(pk__in=before).order_by("pk"))


def look_again():
    """As if its time had come again."""
    SyncCursor.objects.update(next_at=instant.now() - timedelta(seconds=1))
    return look()


def drain(most=50):
    """Read until nothing is due; how many pages."""
    for number in range(most):
        if not syncing.read_next():
            return number
    raise AssertionError("It reads for ever.")


def soon():
    """As if the wait for the next try were over."""
    Sync.objects.open().update(next_attempt_at=instant.now() - timedelta(seconds=1))


def told():
    """What came, in the order in which it happened: how it came, and what it said."""
    rows = Message.objects.filter(status="digested").order_by("occurred_at", "pk")
    return [(one.key.rpartition("document.")[2].partition(":")[0], one.late) for one in rows]


def many(quoting, count=5):
    """Documents that were made one minute after the other."""
    made = []
    for minute in range(count):
        with quoting.ago(minutes=60 - minute):
            made.append(quoting.make(f"Document {minute}"))
    return made
