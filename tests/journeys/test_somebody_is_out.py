"""An operator goes out of office: their work is with the stand-in, and at the end it is back."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.module_loading import import_string

from exceptions import desk, troubles
from exceptions.models import Ticket
from exceptions.troubles import Trouble
from meshline import instant, timetable
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.people.models import User
from proposals import lifecycle
from proposals.models import Proposal
from tests.factories import digest_all, document, post_pandadoc, reread
from tests.reading import signed_in, words

pytestmark = pytest.mark.django_db

# A Monday at half past nine; out from Tuesday on, back a week later.
MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
TUESDAY = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
BACK = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)


def opened(name, at=MONDAY):
    trouble = Trouble(
        kind="delivery-failed", cause=name, title=f"Delivery of {name} failed",
        reason="HubSpot answered 503.", subject=f"outcome:{name}", evidence={"attempts": 11},
    )  # fmt: skip
    return troubles.open_ticket(trouble, by=SETUP, at=at)


def tick(at):
    """What the clock does of it, as the timetable says."""
    with instant.stopped(at):
        for task in timetable.TASKS:
            if task.name.startswith("handing over"):
                import_string(task.run)()


def test_their_work_is_with_the_stand_in_at_the_start_and_back_at_the_end(staff, pandadoc):
    olivia, rosa = staff["olivia"], staff["rosa"]
    # In Berlin it is an hour later; what Olivia types is Berlin's time.
    User.objects.filter(pk=olivia.pk).update(zone="Europe/Berlin")
    hers, deed, kept = opened("one"), opened("two"), opened("three")
    desk.claim(ticket_id=deed.pk, by=olivia, at=MONDAY)
    desk.acknowledge(ticket_id=deed.pk, by=olivia, at=MONDAY)
    with instant.stopped(MONDAY):
        post_pandadoc([document("sent")])
        digest_all()
    proposal = Proposal.objects.get()
    lifecycle.assign(
        proposal_id=proposal.pk, owner=olivia, version=proposal.version, reason="Hers now",
        by=rosa, at=MONDAY,
    )  # fmt: skip
    due = reread(hers).fix_due_at

    browser, rosas = signed_in(olivia), signed_in(rosa)
    with instant.stopped(MONDAY):
        # From her profile to the form, as one clicks.
        assert 'href="/profile/out/"' in browser.get("/profile/").content.decode()
        form = browser.get("/profile/out/")
        assert "Europe/Berlin" in words(form)
        answer = browser.post("/profile/out/", {
            "starts_at": "2026-03-03T09:00", "ends_at": "2026-03-10T09:00",
            "stand_in": rosa.pk, "note": "Hiking",
        })  # fmt: skip
        assert answer.status_code == 303
        assert "3 Mar 2026, 09:00" in words(browser.get("/profile/"))
        # Rosa is told.
        assert "You stand in for Olivia Ortiz" in words(rosas.get("/notices/"))

    # Before it begins, nothing moves.
    tick(TUESDAY - timedelta(minutes=1))
    assert {reread(one).owner for one in (hers, deed, kept)} == {olivia}

    # It begins: everything is Rosa's, for Olivia; the clocks go on as they were.
    tick(TUESDAY)
    assert {reread(one).owner for one in (hers, deed, kept)} == {rosa}
    assert reread(deed).claimed_by == rosa
    assert reread(deed).status == "acknowledged"
    assert reread(hers).fix_due_at == due
    assert reread(proposal).owner == rosa
    line = TrailLine.objects.filter(what="ticket.handed-over", subject_id=str(hers.pk)).get()
    assert (line.before["owner"], line.after["owner"]) == ("Olivia Ortiz", "Rosa Marin")
    assert line.why.startswith("Olivia Ortiz is out until 10 Mar 2026, 08:00 UTC; Rosa Marin")
    with instant.stopped(TUESDAY + timedelta(hours=1)):
        browser, rosas = signed_in(olivia), signed_in(rosa)
        standing = "Rosa Marin, standing in for Olivia Ortiz until Tue 10 Mar, 08:00"
        assert standing in words(rosas.get("/queue/?tab=open"))
        assert standing in words(rosas.get(f"/queue/{hers.pk}/"))
        assert standing in words(rosas.get(f"/proposals/{proposal.pk}/"))
        assert "Olivia Ortiz" in words(browser.get("/people/absences/"))

        # What comes meanwhile comes to Rosa as well; for Olivia, where it would have been hers.
        late = opened("four", at=TUESDAY + timedelta(hours=1))
        assert (late.owner, late.stands_in_for) == (rosa, olivia)

        # Rosa resolves one, and keeps another.
        desk.resolve(ticket_id=hers.pk, resolution="fixed", by=rosa, at=instant.now())
        assert rosas.post(f"/queue/{kept.pk}/keep/").status_code == 303
        assert standing not in words(rosas.get(f"/queue/{kept.pk}/"))

    # Ringing twice changes nothing.
    lines = TrailLine.objects.count()
    tick(BACK - timedelta(minutes=1))
    assert TrailLine.objects.count() == lines

    # It ends: what is left is hers again, claims included; what was resolved or kept stays.
    tick(BACK)
    assert (reread(deed).owner, reread(deed).claimed_by) == (olivia, olivia)
    assert reread(late).owner == olivia
    assert reread(proposal).owner == olivia
    assert reread(hers).owner == rosa
    assert reread(kept).owner == rosa
    assert not Ticket.objects.unresolved().exclude(stands_in_for=None).exists()
    # As owner and as claimer, a line each.
    for back in TrailLine.objects.filter(what="ticket.returned", subject_id=str(deed.pk)):
        assert back.why == "Olivia Ortiz is here again."
    with instant.stopped(BACK):
        browser = signed_in(olivia)
        page = words(browser.get(f"/queue/{deed.pk}/"))
        assert "Rosa Marin, standing in" not in page
        assert "Returned" in page
        assert "You are back" in words(browser.get("/notices/"))
