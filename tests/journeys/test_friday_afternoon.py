"""A ticket opens on Friday at 16:30 and nobody takes it: on Monday morning it is handed up, waits
while its record is on hold, is resolved without proof, and comes back."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.module_loading import import_string

from exceptions import invariants
from exceptions.models import Ticket
from meshline import instant, timetable
from meshline.audit.actors import SETUP
from meshline.notices.models import Notice
from meshline.people import teams
from meshline.people.models import OnCallShift, Team
from meshline.people.permissions import Role
from proposals import holds
from proposals.models import Hold, Proposal
from tests import factories
from tests.factories import digest_all, document, post_pandadoc
from tests.reading import signed_in, words

pytestmark = pytest.mark.django_db

FRIDAY = datetime(2026, 3, 6, 16, 30, tzinfo=UTC)
SATURDAY = datetime(2026, 3, 7, 11, 0, tzinfo=UTC)
CLOCK = ("stopping tickets' clocks", "escalation", "looking again at tickets")


def on(day, hour, minute=0, second=0):
    """A moment of March 2026; the 9th is a Monday."""
    return datetime(2026, 3, day, hour, minute, second, tzinfo=UTC)


def tick(at):
    """What the clock does about tickets, in the order of the timetable."""
    with instant.stopped(at):
        for task in timetable.TASKS:
            if task.name in CLOCK:
                import_string(task.run)()


@pytest.fixture
def nils(staff):
    """Second on call for RevOps, whose lead is Rosa."""
    team = Team.objects.get(slug="revops")
    teams.change(slug="revops", name=team.name, lead=staff["rosa"], by=SETUP, at=FRIDAY)
    nils = factories.person("nils@example.com", "Nils Aker", Role.OPERATOR, team)
    OnCallShift.objects.create(
        team=team, user=nils, layer="secondary", starts_at=FRIDAY - timedelta(days=1),
        ends_at=FRIDAY + timedelta(days=14),
    )  # fmt: skip
    return nils


@pytest.fixture
def ticket(staff, pandadoc):
    """The customer declines the proposal: a dispute, to be acknowledged within 30 minutes."""
    with instant.stopped(FRIDAY):
        post_pandadoc([document("sent", at=FRIDAY - timedelta(hours=1))])
        post_pandadoc([document("declined", at=FRIDAY)], event_id="evt-2")
        digest_all()
    return Ticket.objects.get(kind="dispute")


def test_it_escalates_on_monday_waits_with_its_record_and_comes_back(staff, nils, ticket):
    url = f"/queue/{ticket.pk}/"

    def read(user):
        return words(signed_in(user).get(url))

    # The weekend passes; what was due before it is done, and the page says what comes on Monday.
    for moment in (FRIDAY, on(6, 16, 45), on(6, 17), SATURDAY, on(9, 8, 59), on(9, 9, 14, 59)):
        tick(moment)
        assert Ticket.objects.get().owner == staff["olivia"]
    with instant.stopped(SATURDAY):
        page = read(staff["olivia"])
    assert "Mon 9 Mar, 09:15" in page
    assert "If nobody acknowledges it, it goes to the second on call." in page
    assert "Done so far: 3 steps" in page

    # Fifteen business minutes after its time it is Nils's, and he is told once.
    tick(on(9, 9, 15))
    tick(on(9, 9, 15, 5))
    assert Ticket.objects.get().owner == nils
    notices = Notice.objects.filter(user=nils, kind="escalated")
    assert [one.text for one in notices] == [f"Escalated to you: {ticket.title}"]
    with instant.stopped(on(9, 9, 16)):
        page = read(nils)
        assert "Overdue by 16 min of business time." in page
        assert "Nils Aker has it now." in page

    # He takes it. Then the proposal is held for two hours, and so are the ticket's clocks.
    with instant.stopped(on(9, 9, 20)):
        his = signed_in(nils)
        his.post(f"{url}claim/")
        his.post(f"{url}acknowledge/")
    assert Ticket.objects.get().fix_due_at == on(9, 12, 30)
    with instant.stopped(on(9, 10)):
        proposal = Proposal.objects.get()
        holds.put(proposal_id=proposal.pk, kind="manual", reason="Ask Nina.", by=nils, at=on(9, 10))
    tick(on(9, 10, 0, 4))
    with instant.stopped(on(9, 11)):
        assert "Both clocks stand still" in read(nils)
    holds.lift(hold_id=Hold.objects.get().pk, reason="She said yes.", by=nils, at=on(9, 12))
    tick(on(9, 12))
    assert Ticket.objects.get(pk=ticket.pk).fix_due_at == on(9, 14, 30)

    # He says that it is fixed, but the proposal is as disputed as before.
    with instant.stopped(on(9, 13)):
        signed_in(nils).post(f"{url}resolve/", {"resolution": "fixed", "note": "I called them."})
        page = read(nils)
        assert "Resolved by hand, unverified" in page
        assert "Looked at again: what is not proven by then opens the ticket again." in page
    tick(on(10, 12, 59))
    assert Ticket.objects.get(pk=ticket.pk).status == "resolved"
    tick(on(10, 13))
    with instant.stopped(on(10, 13, 1)):
        page = read(nils)
        assert "Nils Aker resolved it (fixed), and 1 thing on it is still not proven" in page
        assert "Reopened once" in page
        assert "first acknowledged" in page
    assert [sentence for one in invariants.INVARIANTS for sentence in one.whole()] == []
