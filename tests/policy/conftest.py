import pytest

from meshline.policy.models import BusinessCalendar


@pytest.fixture
def company(db):
    """The calendar every installation begins with: Monday to Friday, nine to five, UTC."""
    return BusinessCalendar.objects.get(is_default=True)
