"""Connections by their names, on floors that do not know them."""

from dataclasses import replace

import pytest

from connectors import connections
from connectors.connections import Settings
from connectors.models import Connection
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.policy import called, raci
from meshline.policy.processes import in_words, known, of_connection
from proposals import authority, truth_words
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def hubspot(staff):
    factories.hubspot()
    return Settings(slug="hubspot", name="HubSpot", system="hubspot")


def rename(settings, name):
    told = Connection.objects.get(slug=settings.slug)
    changed = replace(
        settings, name=name, base_url=told.base_url, allow_loopback=told.allow_loopback
    )
    connections.change(changed, version=None, by=SETUP, at=instant.now())


def test_a_connection_goes_by_its_name_and_by_a_new_one_as_soon_as_it_has_it(hubspot):
    assert called.of("hubspot") == "HubSpot"
    rename(hubspot, "Our CRM")
    assert called.of("hubspot") == "Our CRM"


def test_what_is_no_connection_goes_by_its_slug(staff):
    assert called.of("old-crm") == "old-crm"
    assert called.names()[""] == ""


def test_two_of_one_name_are_told_apart(hubspot):
    factories.pandadoc("pandadoc-emea")
    factories.pandadoc()
    names = called.names()
    assert names["pandadoc-emea"] == "PandaDoc (pandadoc-emea)"
    assert names["hubspot"] == "HubSpot"
    assert names.choices(["pandadoc", "hubspot"]) == [
        ("hubspot", "HubSpot"), ("pandadoc", "PandaDoc (pandadoc)"),
    ]  # fmt: skip


def test_the_process_of_its_health_is_called_after_it(hubspot):
    process = of_connection("hubspot")
    assert known(process).label == "Health of HubSpot"
    assert known(process).inside == "health of HubSpot"
    assert "missing records of HubSpot" in known(process).what
    assert in_words(process) == "the health of HubSpot"
    # Where nobody is named for it the reason speaks of who it falls to.
    assert raci.responsible_for(process, at=instant.now()).user


def test_whose_word_counts_is_said_by_name(hubspot):
    factories.pandadoc()
    refusal = authority.load().refusal(authority.State.SIGNED, source="pandadoc", sender="hubspot")
    said = "Only PandaDoc may say that this proposal is signed; HubSpot may not."
    assert refusal == said
    assert truth_words.who("hubspot", "amount") == "HubSpot"


def test_lists_pages_and_tickets_say_the_name(hubspot, as_):
    """What somebody else's connection said of a proposal, as it is refused with a ticket."""
    factories.pandadoc()
    factories.standard("telemetry", "Our telemetry")
    factories.post_pandadoc([factories.document("sent")], event_id="e1")
    body = {
        "type": "proposal.signed",
        "timestamp": factories.MONDAY.isoformat(),
        "data": {"id": "doc-1", "source": "pandadoc"},
    }
    factories.post_standard(body, id="t1", slug="telemetry")
    factories.digest_all()
    ticket = Ticket.objects.get(kind="not-the-authority")
    assert ticket.title == "Our telemetry said signed of Website relaunch"
    assert ticket.cause.startswith("authority:telemetry:")
    rosa = as_("rosa")
    assert ">PandaDoc</a>" in rosa.get(f"/queue/{ticket.pk}/").content.decode()
    page = rosa.get("/proposals/").content.decode()
    assert '<td data-label="Source">PandaDoc</td>' in page
    assert '<option value="pandadoc">PandaDoc</option>' in page
