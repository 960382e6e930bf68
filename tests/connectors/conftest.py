"""What these rooms' tests share: a CRM behind its door."""

import pytest

from connectors.pandadoc import poll
from connectors.sandbox import Sandbox
from meshline.shell import sandbox_control
from tests import factories
from tests.connectors import looked
from tests.connectors.billing import KEY, Billing
from tests.connectors.crm import REMY, TOKEN, Crm
from tests.connectors.looked import Quoting


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


@pytest.fixture
def quoting(staff, settings, monkeypatch):
    """The quoting tool, connected; its webhooks all get lost."""
    with Sandbox() as sandbox:
        settings.SANDBOX_URL = sandbox.url
        nowhere = "http://127.0.0.1:9/hooks/pandadoc/"
        sandbox_control.configure(pandadoc={
            "api_key": looked.KEY, "shared_key": factories.SHARED_KEY, "webhook_url": nowhere,
        })  # fmt: skip
        looked.connected(sandbox.url)
        there = Quoting(monkeypatch)
        there.breaks()
        yield there


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(poll, "COUNT", 2)
