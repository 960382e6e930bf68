"""The sampling audit: drawn once a month, judged by people, and found where nobody does."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.permissions import NotAllowed
from proposals.models import Proposal
from reconciliation import samples
from reconciliation.checks.table import CHECKS
from reconciliation.models import Drawn, Sample
from reconciliation.samples import SampleError
from tests import factories
from tests.connectors.crm import say
from tests.factories import MONDAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def drawn(staff):
    """The sample of March, of three proposals of Remy's."""
    factories.pandadoc()
    with instant.stopped(MONDAY):
        for number in range(3):
            say("sent", id=f"doc-{number}", name=f"Proposal {number}")
        yield samples.draw_if_due(at=MONDAY)


def judge(which, verdict, by, what=""):
    return samples.judge(drawn_id=which.pk, verdict=verdict, what=what, by=by, at=MONDAY)


def test_once_a_month_up_to_20_are_drawn_of_what_changed(drawn, monkeypatch):
    assert (drawn.month.isoformat(), drawn.drawn.count()) == ("2026-03-01", 3)
    assert samples.draw_if_due(at=MONDAY + timedelta(days=20)) is None
    monkeypatch.setattr(samples, "SIZE", 2)
    april = samples.draw_if_due(at=datetime(2026, 4, 1, tzinfo=UTC))
    assert april.drawn.count() == 2
    assert Sample.objects.count() == TrailLine.objects.filter(what="sample.drawn").count() == 2
    assert samples.draw_if_due(at=datetime(2026, 5, 20, tzinfo=UTC)) is None


def test_what_is_synthetic_is_never_drawn(drawn):
    Sample.objects.all().delete()
    Proposal.objects.filter(external_id="doc-0").update(is_synthetic=True)
    assert samples.draw_if_due(at=MONDAY).drawn.count() == 2


def test_it_is_due_with_the_end_of_the_tenth_business_day(drawn):
    assert drawn.due_at == datetime(2026, 3, 13, 17, tzinfo=UTC)


def test_each_is_judged_once_and_what_is_wrong_is_said(drawn, staff):
    first, second, _ = drawn.drawn.order_by("pk")
    judge(first, "right", staff["olivia"])
    with pytest.raises(SampleError, match="Olivia Ortiz judged it already: Right"):
        judge(first, "wrong", staff["rosa"], "The amount.")
    with pytest.raises(SampleError, match="Say what is wrong"):
        judge(second, "wrong", staff["rosa"], " ")
    with pytest.raises(SampleError, match="right or wrong"):
        judge(second, "maybe", staff["rosa"])
    with pytest.raises(NotAllowed):
        judge(second, "right", staff["vera"])
    judge(second, "wrong", staff["rosa"], "The CRM has 900.")
    line = TrailLine.objects.filter(what="sample.judged").latest("pk")
    assert (line.after, line.why) == ({"verdict": "wrong"}, "The CRM has 900.")


def test_the_check_fails_for_each_that_nobody_judged_in_time(drawn, staff):
    look = CHECKS["sampling-audit"].look
    assert look(drawn.due_at).rows == ()
    judge(drawn.drawn.first(), "right", staff["olivia"])
    late = look(drawn.due_at + timedelta(seconds=1))
    assert (late.asked, late.failing) == (3, 2)
    assert late.rows[0].why == "Nobody has judged it in the sample of march 2026."


def test_the_pages_show_the_score_and_take_a_verdict(drawn, staff, django_assert_max_num_queries):
    client = Client()
    client.force_login(staff["olivia"])
    first, second, _ = drawn.drawn.order_by("pk")
    to = f"/checks/samples/{drawn.pk}/"
    sent = {"verdict": "wrong", "what": "The CRM has 900."}
    assert client.post(f"/checks/samples/drawn/{first.pk}/judge/", sent).status_code == 303
    client.post(f"/checks/samples/drawn/{second.pk}/judge/", {"verdict": "right"})
    with django_assert_max_num_queries(10):
        page = client.get(to).content.decode()
    assert "1 of 2 right (50 %), 1 still to be judged" in page
    assert "The CRM has 900." in page
    assert "March 2026" in client.get("/checks/samples/").content.decode()
    masked = Client()
    masked.force_login(staff["vera"])
    page = masked.get(to).content.decode()
    assert "The CRM has 900." not in page
    stranger = Client()
    factories.person("sol@example.com", "Sol", "sdr-manager")
    stranger.force_login(factories.User.objects.get(email="sol@example.com"))
    assert "Nothing of your team" in stranger.get(to).content.decode()
    assert Drawn.objects.open().count() == 1
