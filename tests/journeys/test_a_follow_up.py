"""A rep's follow-up: asked for by a contract, with a colleague meanwhile, done on return."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.module_loading import import_string

from meshline import instant, timetable
from meshline.audit.actors import SETUP
from meshline.people.permissions import Role
from meshline.rota import absences
from proposals.models import FollowUp, Outcome, Proposal
from tests import factories
from tests.connectors.crm import carry_on
from tests.factories import digest_all, document, post_pandadoc
from tests.reading import signed_in, words

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
WEDNESDAY = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
HTMX = {"HX-Request": "true"}


def tick(at):
    """What the clock does of it, as the timetable says."""
    with instant.stopped(at):
        for task in timetable.TASKS:
            if task.name.startswith(("handing over", "follow-ups")):
                import_string(task.run)()


def test_it_goes_with_its_rep_and_is_done_once(staff, crm):
    remy = staff["remy"]
    ines = factories.person("ines@example.com", "Ines Falk", Role.REP, remy.team)

    # On Monday the proposal is sent; by Wednesday, two working days later, Remy is to call.
    with instant.stopped(MONDAY):
        post_pandadoc([document("sent")])
        digest_all()
        page = words(signed_in(remy).get("/follow-ups/"))
        assert "Follow up: Website relaunch" in page
        assert "Next 1 in all" in page
    carry_on()
    one = FollowUp.objects.get()
    assert one.due_at == WEDNESDAY
    assert [task["hs_task_status"] for task in crm.tasks()] == ["NOT_STARTED"]

    # Remy is out on Tuesday: Ines has it, for Remy, who still sees it.
    absences.plan(
        user=remy, stand_in=ines, starts_at=TUESDAY, ends_at=WEDNESDAY, by=SETUP, at=MONDAY
    )
    tick(TUESDAY)
    with instant.stopped(TUESDAY):
        assert "for Remy Park" in words(signed_in(ines).get("/follow-ups/"))
        assert "Follow up: Website relaunch" in words(signed_in(remy).get("/follow-ups/"))

    # Back on Wednesday it is theirs again, and an hour later overdue.
    tick(WEDNESDAY)
    later = WEDNESDAY + timedelta(hours=1)
    with instant.stopped(later):
        rep = signed_in(remy)
        assert words(signed_in(ines).get("/follow-ups/")).find("Website relaunch") == -1
        assert "Overdue 1 in all" in words(rep.get("/follow-ups/"))
        now = FollowUp.objects.get()
        answer = rep.post(
            f"/follow-ups/{now.pk}/complete/", {"version": now.version, "note": "She signs soon."},
            headers=HTMX,
        )  # fmt: skip
        assert "Completed" in words(answer)
        assert "Nothing is to be followed up" in words(rep.get("/follow-ups/"))
        story = words(rep.get(f"/proposals/{now.proposal_id}/"))
        assert "She signs soon." in story
        assert "Follow up handed over" in story
    carry_on()
    assert [task["hs_task_status"] for task in crm.tasks()] == ["COMPLETED"]

    # Signed afterwards: the next thing to do is another one, and nothing is done twice.
    with instant.stopped(later + timedelta(hours=1)):
        post_pandadoc([document("completed", at=later)], event_id="signed")
        digest_all()
    carry_on()
    assert [row.kind for row in FollowUp.objects.open()] == ["onboarding"]
    assert Outcome.objects.filter(kind="task.complete").count() == 1
    assert Proposal.objects.get().next_follow_up_at == FollowUp.objects.open().get().due_at
