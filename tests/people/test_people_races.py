"""Two remove the last two of whom one stays, at the same moment."""

from functools import partial

import pytest
from django.db import transaction

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.people import people
from meshline.people.models import User
from meshline.people.people import PersonError
from meshline.people.permissions import Role
from tests import factories
from tests.sessions import Other

pytestmark = pytest.mark.django_db(transaction=True)


def take_the_role(user):
    people.change(
        user_id=user.pk, name=user.name, role="viewer", team=user.team, zone=user.zone,
        is_active=True, by=SETUP, at=instant.now(),
    )  # fmt: skip


def test_of_two_managers_who_lose_their_role_at_once_one_stays(staff):
    User.objects.filter(role=Role.ADMIN).update(is_active=False)
    rosa = staff["rosa"]
    max_ = factories.person("max@example.com", "Max Hale", Role.MANAGER, rosa.team)
    with transaction.atomic():
        # The first row of the one change is held; the other one comes between.
        User.objects.select_for_update().get(pk=rosa.pk)
        other = Other(partial(take_the_role, max_))
        other.until_it_waits_or_is_over()
        take_the_role(rosa)
    assert "last active manager" in str(other.over())
    assert isinstance(other.came_to, PersonError)
    assert [one.pk for one in User.objects.active().in_role(Role.MANAGER)] == [max_.pk]
