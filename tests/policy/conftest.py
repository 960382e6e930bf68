import pytest
from django.test import Client

from meshline.policy.models import BusinessCalendar


@pytest.fixture
def as_(staff):
    """A client of somebody of the staff, by first name."""

    def signed_in(name):
        client = Client()
        client.force_login(staff[name])
        return client

    return signed_in


@pytest.fixture
def company(db):
    """The calendar every installation begins with: Monday to Friday, nine to five, UTC."""
    return BusinessCalendar.objects.get(is_default=True)
