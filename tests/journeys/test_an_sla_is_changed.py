"""A manager changes an SLA: sees what it would move, publishes, and the ticket is due sooner."""

from datetime import UTC, datetime, timedelta

import pytest

from exceptions import troubles
from exceptions.troubles import Trouble
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.policy.models import Sla
from tests.reading import hidden, signed_in, words

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def ticket(staff):
    trouble = Trouble(
        kind="delivery-failed", cause="journey", title="Deal could not be written",
        reason="HubSpot answered 503.", subject="outcome:1", evidence={"attempts": 11},
    )  # fmt: skip
    return troubles.open_ticket(trouble, by=SETUP, at=MONDAY)


def test_a_manager_changes_an_sla_and_the_open_ticket_moves(staff, ticket):
    rosa, olivia = signed_in(staff["rosa"]), signed_in(staff["olivia"])
    high = Sla.objects.get(kind="", severity="high")
    with instant.stopped(MONDAY + timedelta(minutes=10)):
        # The ticket is to be acknowledged within 30 minutes; 10 of them are over.
        assert "Due in 20 m" in words(olivia.get("/queue/"))

        # From the operating model to the form, as one clicks.
        model = rosa.get("/operating-model/").content.decode()
        assert 'href="/operating-model/slas/"' in model
        url = f"/operating-model/slas/{high.pk}/"
        assert f'href="{url}"' in rosa.get("/operating-model/slas/").content.decode()
        form = rosa.get(url)
        asked = {"seen": hidden(form, "seen"), "ack_within": "5 min", "fix_within": "1 h"}

        # What it would do, before anything is done.
        preview = rosa.post(url, {**asked, "preview": "1"})
        assert "Would move 1 open ticket, 1 would be overdue." in words(preview)
        assert "Due in 20 m" in words(olivia.get("/queue/"))

        publish = {**asked, "previewed": hidden(preview, "previewed"), "publish": "1"}
        assert rosa.post(url, publish).status_code == 303
        assert "1 open ticket moved." in words(rosa.get("/operating-model/slas/"))

        # The deadline and its chip moved, and the ticket says why.
        ticket.refresh_from_db()
        assert ticket.ack_due_at == MONDAY + timedelta(minutes=5)
        assert ticket.fix_due_at == MONDAY + timedelta(hours=1)
        assert "Overdue 5 m" in words(olivia.get("/queue/"))
        page = words(olivia.get(f"/queue/{ticket.pk}/"))
        assert "The SLA changed: acknowledged within 5 min, fixed within 1 h." in page

    # Both the agreement and the ticket stand on the trail with before and after.
    agreed = TrailLine.objects.get(what="sla.changed")
    assert (agreed.before["fixed within"], agreed.after["fixed within"]) == (240, 60)
    moved = TrailLine.objects.get(what="ticket.due-moved")
    assert moved.cause == f"sla:{high.pk}"
    assert moved.before["fix by"] == "2026-03-02T13:30:00Z"
    assert moved.after["fix by"] == "2026-03-02T10:30:00Z"
    with instant.stopped(MONDAY + timedelta(minutes=10)):
        trail = words(rosa.get("/trail/"))
    assert "2 Mar 2026, 13:30:00 UTC 2 Mar 2026, 10:30:00 UTC" in trail
