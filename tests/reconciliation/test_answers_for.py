"""What somebody answers for is read before they leave."""

from datetime import timedelta

import pytest
from django.test import Client

from exceptions import troubles
from exceptions.troubles import Trouble
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.people.models import OnCallShift, Team
from meshline.people.permissions import Role
from meshline.policy import operating_model
from meshline.policy.models import Company
from reconciliation import answers_for
from tests.factories import MONDAY
from tests.reading import signed_in, words

pytestmark = pytest.mark.django_db


def said_of(user):
    return [one.sentence for one in answers_for.everything(user, at=MONDAY)]


def part_of(user, by):
    with instant.stopped(MONDAY):
        return signed_in(by).get(f"/people/{user.pk}/answers-for/")


def test_who_is_named_for_nothing_is_said_to_be(staff):
    assert said_of(staff["remy"]) == []
    assert "Remy Park is named for nothing" in words(part_of(staff["remy"], staff["ada"]))


def test_it_says_everything_that_would_be_without_them(staff):
    olivia, sales = staff["olivia"], Team.objects.get(slug="sales")
    Company.objects.update(fallback_owner=olivia)
    Team.objects.filter(pk=sales.pk).update(lead=olivia)
    OnCallShift.objects.create(
        team=sales, user=olivia, starts_at=MONDAY, ends_at=MONDAY + timedelta(days=1)
    )
    troubles.open_ticket(
        Trouble(kind="delivery-failed", cause="x", title="x", reason="x", subject="outcome:1",
                evidence={"x": 1}), by=SETUP, at=MONDAY,
    )  # fmt: skip
    found = said_of(olivia)
    assert found[0] == "Fallback owner: gets what nobody else can be given."
    assert "Responsible for delivery." in found
    assert "Leads Sales." in found
    assert found[-2:] == ["Open tickets: 1.", "Shifts on call ahead: 1."]
    page = words(part_of(olivia, staff["ada"]))
    assert "Responsible for delivery. Only them" in page


def test_without_scripts_it_is_a_page_of_its_own_that_the_persons_page_leads_to(staff):
    address = f"/people/{staff['remy'].pk}/answers-for/"
    client = Client()
    client.force_login(staff["ada"])
    page = client.get(f"/people/{staff['remy'].pk}/").content.decode()
    assert f'<a href="{address}">What Remy Park answers for</a>' in page
    whole = client.get(address)
    assert f'href="/people/{staff["remy"].pk}/"' in whole.content.decode()
    assert "<title>What Remy Park answers for" in whole.content.decode()
    part = client.get(address, headers={"HX-Request": "true"})
    assert "<title>" not in part.content.decode()
    assert "HX-Request" in part.headers["Vary"]


def test_who_is_one_of_several_and_who_will_be_is_told_as_such(staff):
    operating_model.set_raci(
        process="desk", by=staff["rosa"], at=MONDAY, effective_from=MONDAY + timedelta(days=7),
        holders={"accountable": [Role.MANAGER], "responsible": [staff["rosa"], staff["sam"]]},
    )  # fmt: skip
    [one] = answers_for.everything(staff["sam"], at=MONDAY)
    assert (one.sentence, one.is_only) == ("Responsible for desk from 9 Mar 2026 on.", False)


def test_a_team_is_read_by_its_manager_alone(staff):
    assert part_of(staff["remy"], staff["sam"]).status_code == 200
    assert part_of(staff["olivia"], staff["sam"]).status_code == 404
    assert part_of(staff["remy"], staff["vera"]).status_code == 403
