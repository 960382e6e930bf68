"""People to sign in as, and a site of its own for these tests."""

from datetime import UTC, datetime

import pytest

from meshline import instant
from meshline.people.models import Team, User
from meshline.people.permissions import Role

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PASSWORD = "seven quiet lanterns"


@pytest.fixture(autouse=True)
def _own_site(settings):
    """URLs of these rooms alone."""
    settings.ROOT_URLCONF = "tests.web.urls"


@pytest.fixture
def monday():
    """The clock stands still at nine on a Monday; the test may move it on."""
    with instant.stopped(MONDAY):
        yield MONDAY


@pytest.fixture
def west(db):
    return Team.objects.create(slug="west", name="West")


@pytest.fixture
def ana(db):
    return _person("Ana Moreno", Role.OPERATOR)


@pytest.fixture
def mara(db):
    return _person("Mara Lindt", Role.MANAGER)


@pytest.fixture
def ada(db):
    return _person("Ada Byron", Role.ADMIN)


@pytest.fixture
def sol(west):
    return _person("Sol Reyes", Role.SDR_MANAGER, team=west)


@pytest.fixture
def rui(west):
    return _person("Rui Costa", Role.REP, team=west)


def _person(name, role, **more):
    user = User(email=f"{name.split()[0].lower()}@meshline.test", name=name, role=role, **more)
    user.set_password(PASSWORD)
    user.save()
    return user
