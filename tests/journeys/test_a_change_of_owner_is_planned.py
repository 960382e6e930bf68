"""A manager plans a change of owner for Monday: until then nothing changes, then the new one gets
the tickets, and nobody has to do anything for it."""

from datetime import UTC, datetime, timedelta

import pytest

from exceptions import troubles
from exceptions.troubles import Trouble
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.people.models import User
from meshline.policy import raci
from tests.reading import hidden, signed_in, words

pytestmark = pytest.mark.django_db

FRIDAY = datetime(2026, 3, 6, 15, 0, tzinfo=UTC)
MONDAY = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)
DELIVERY = "/operating-model/owners/of/delivery/"


def ticket_at(at, number):
    trouble = Trouble(
        kind="delivery-failed", cause=f"journey-{number}", title="A deal could not be written",
        reason="HubSpot answered 503.", subject=f"outcome:{number}", evidence={"attempts": 11},
    )  # fmt: skip
    with instant.stopped(at):
        return troubles.open_ticket(trouble, by=SETUP, at=at)


def plan_for_monday(client, staff):
    form = client.get(DELIVERY)
    return client.post(
        DELIVERY,
        {
            "seen": hidden(form, "seen"), "accountable": f"user:{staff['rosa'].pk}",
            "responsible": ["role:sdr-manager"], "effective_from": "2026-03-09T10:00",
        },
    )  # fmt: skip


def test_a_change_of_owner_is_planned_and_then_is_so(staff):
    # Rosa writes moments in her own zone, an hour ahead of UTC.
    User.objects.filter(pk=staff["rosa"].pk).update(zone="Europe/Berlin")
    rosa, vera = signed_in(staff["rosa"]), signed_in(staff["vera"])
    with instant.stopped(FRIDAY):
        assert f'href="{DELIVERY}"' in rosa.get("/operating-model/owners/").content.decode()
        assert plan_for_monday(rosa, staff).status_code == 303
        page = words(rosa.get("/operating-model/owners/"))
        assert "they change on Mon 9 Mar 2026, 10:00:00 CET." in page
        assert "From Mon 9 Mar 2026, 10:00:00 CET Planned" in page
        # Everybody sees it coming, beside what is in force; from the operating model on.
        assert "Others from Mon 9 Mar 2026, 09:00:00 UTC" in words(vera.get("/operating-model/"))

    # Until then nothing changes; from the very minute on it is the new one's.
    assert ticket_at(MONDAY - timedelta(minutes=1), 1).owner == staff["olivia"]
    first = ticket_at(MONDAY, 2)
    assert (first.owner, first.owner_why) == (
        staff["sam"], "Sam Dube is responsible for delivery, like any SDR manager.",
    )  # fmt: skip

    # Who answered on Friday is still known.
    rosa, vera = signed_in(staff["rosa"]), signed_in(staff["vera"])
    with instant.stopped(MONDAY + timedelta(days=2)):
        friday = vera.get("/operating-model/owners/", {"at": "2026-03-06T15:00"})
        assert "Olivia Ortiz is responsible for delivery." in words(friday)
        assert "Any SDR manager" in words(vera.get("/operating-model/owners/"))
        form = words(rosa.get(DELIVERY))
        assert "Who answered before Until Mon 9 Mar 2026, 10:00:00 CET" in form
    assert raci.responsible_for("delivery", at=FRIDAY).user == staff["olivia"]

    planned = TrailLine.objects.get(what="raci.planned")
    assert planned.before["responsible"] == ["olivia@example.com"]
    assert planned.after["responsible"] == ["role:sdr-manager"]
    assert planned.after["from"] == "2026-03-09T09:00:00Z"


def test_a_planned_change_is_called_off(staff):
    rosa = signed_in(staff["rosa"])
    with instant.stopped(FRIDAY):
        plan_for_monday(rosa, staff)
        form = rosa.get(DELIVERY)
        asked = {"seen": hidden(form, "seen"), "effective_from": hidden(form, "effective_from")}
        assert rosa.post("/operating-model/owners/cancel/delivery/", asked).status_code == 303
        assert "The planned change is called off." in words(rosa.get(DELIVERY))
        assert "Planned" not in words(rosa.get("/operating-model/owners/"))
    assert ticket_at(MONDAY + timedelta(hours=2), 1).owner == staff["olivia"]
    line = TrailLine.objects.get(what="raci.cancelled")
    assert line.before["responsible"] == ["role:sdr-manager"]
