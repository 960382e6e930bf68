"""What the OpenAPI document promises, tried by schemathesis with all its checks and two tokens.

It sends what the document allows and what it forbids, and compares every answer with it.
"""

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings

from meshline.wsgi import application
from proposals.models import Proposal
from tests import factories
from tests.api.conftest import script_of, trouble
from tests.forms import IS_LONG

DOCUMENT = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
# The same examples in every run.
EXAMPLES = settings(
    max_examples=12 if IS_LONG else 6,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def company(staff, settings):
    """Something of everything, and no limit: hundreds of requests are sent within a minute."""
    settings.API_PER_MINUTE = 1_000_000
    factories.pandadoc()
    factories.hubspot()
    factories.post_pandadoc([factories.document("sent")])
    factories.post_pandadoc(b"{", event_id="evt-2")
    factories.post_pandadoc([factories.document("viewed")], event_id="evt-3", secret="wrong")
    factories.digest_all()
    trouble("one", record=f"proposal:{Proposal.objects.get().pk}")
    return {name: script_of(user).headers for name, user in staff.items()}


@pytest.fixture
def tokens(company):
    """What each sends, while requests leave the test's connection open.

    Django's own test client sees to that by itself, and afterwards undoes it: it must be done last.
    """
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield company
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["olivia", pytest.param("vera", marks=pytest.mark.long)])
@DOCUMENT.parametrize()
@EXAMPLES
def test_every_operation_is_as_described(case, tokens, who):
    case.call_and_validate(headers=tokens[who])
