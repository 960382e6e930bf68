"""What these rooms' tests share: a CRM behind its door."""

import pytest

from connectors.sandbox import Sandbox
from meshline.shell import sandbox_control
from tests import factories
from tests.connectors.billing import KEY, Billing
from tests.connectors.crm import REMY, TOKEN, Crm


@pytest.fixture
def crm(staff, settings):
    """The stand-in CRM, connected; it knows Remy."""
    with Sandbox() as sandbox:
        settings.SANDBOX_URL = sandbox.url
        sandbox_control.configure(hubspot={"token": TOKEN, "owners": [REMY], "search_lag": 0})
        factories.hubspot(f"{sandbox.url}/hubspot", token=TOKEN)
        factories.pandadoc()
        yield Crm()


@pytest.fixture
def billing(crm, settings):
    """The stand-in billing tool beside the CRM, connected."""
    there = settings.SANDBOX_URL
    sandbox_control.configure(stripe={"api_key": KEY, "webhook_secret": factories.WEBHOOK_SECRET})
    factories.stripe(f"{there}/stripe", credential=KEY)
    return Billing(there)
