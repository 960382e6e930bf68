"""The quoting tool is away for an hour, over real HTTP both ways: whatever it could not tell is
found by looking, each event once, and what it tells of that afterwards is nothing new."""

from datetime import timedelta

import pytest

from connectors.models import Message
from meshline.shell import sandbox_control
from proposals.models import Outcome, Proposal, Signal, Transition
from tests.connectors.looked import drain, look, look_again, soon, told
from tests.connectors.standins import until
from tests.factories import digest_all

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
FIVE = [("draft", True), ("sent", True), ("completed", True), ("draft", True), ("sent", True)]


@pytest.fixture
def away(quoting, live_server):
    """What people did there within the hour; its webhooks got lost, and it does not answer."""
    sandbox_control.configure(pandadoc={"webhook_url": f"{live_server.url}/hooks/pandadoc/"})
    with quoting.ago(minutes=58):
        one = quoting.make()
        quoting.does(one, "send")
    with quoting.ago(minutes=40):
        quoting.does(one, "sign")
    with quoting.ago(minutes=30):
        quoting.does(quoting.make("Intranet"), "send")
    quoting.breaks({"kind": "down"})
    return quoting


def test_after_an_hours_outage_every_event_is_there_once(away):
    (sync,) = look()
    assert (sync.state, sync.failures, Message.objects.count()) == ("running", 1, 0)

    away.breaks()
    soon()
    drain()
    digest_all()
    sync.refresh_from_db()
    assert (sync.state, sync.brought, told()) == ("done", 5, FIVE)
    assert sorted(Proposal.objects.values_list("state", flat=True)) == ["sent", "signed"]
    assert _minutes_late() == [58, 58, 40, 30, 30]
    stands = _stands()

    (again,) = look_again()
    assert (again.state, again.brought, digest_all(), _stands()) == ("done", 0, 0, stands)

    late = _tells_after_all(away)
    assert _stands() == stands
    assert {one.why.partition(", as")[0] for one in late} == {"The same event came before"}


def _minutes_late():
    """By how much each was, by when it says that it happened; the event says the same."""
    late = list(Message.objects.filter(late=True).order_by("occurred_at"))
    said = dict(Signal.objects.values_list("origin", "occurred_at"))
    assert [said[one.ref] for one in late] == [one.occurred_at for one in late]
    return [one.late_by // timedelta(minutes=1) for one in late]


def _tells_after_all(away):
    """It sends what got lost once more, by itself and over the wire."""
    sandbox_control.break_it("pandadoc", [])
    for event_id, _ in away.untold():
        sandbox_control.ask("POST", "/pandadoc/webhooks/resend", {"id": event_id})
    heard = Message.objects.filter(late=False)
    until(lambda: heard.count() == 5)
    digest_all()
    return list(heard)


def _stands():
    return (
        Signal.objects.count(), Transition.objects.count(),
        sorted(Outcome.objects.values_list("key", "state")),
    )  # fmt: skip
