"""Founding makes what is missing and leaves alone what people have settled."""

import pytest

from meshline.people.models import Team
from meshline.policy.models import RaciAssignment, Sla
from meshline.shell import founding
from proposals.models import Contract


@pytest.mark.django_db
def test_what_is_there_stays(staff):
    extra = Team.objects.create(slug="extra", name="Extra")
    RaciAssignment.objects.create(process="delivery", letter="responsible", team=extra)
    Sla.objects.filter(kind="", severity="high").update(ack_within=7)
    before = set(RaciAssignment.objects.values_list("process", "letter", "user", "team"))
    founding.found()
    assert set(RaciAssignment.objects.values_list("process", "letter", "user", "team")) == before
    assert Sla.objects.get(kind="", severity="high").ack_within == 7
    assert Contract.objects.filter(slug="sent").count() == 1


@pytest.mark.django_db
def test_what_is_missing_is_made():
    Sla.objects.all().delete()
    RaciAssignment.objects.filter(process="delivery").delete()
    founding.found()
    assert Sla.objects.filter(kind="").count() == 4
    assert RaciAssignment.objects.filter(process="delivery").count() == 2
