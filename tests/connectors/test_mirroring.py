"""What the CRM is the authority for is not written over there."""

import pytest

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.policy.truth import How, Truth
from proposals import whose_word
from proposals.models import Outcome
from tests.connectors.crm import carry, carry_on, say
from tests.reading import signed_in, words

pytestmark = pytest.mark.django_db

RENAMED = {"name": "Relaunch", "grand_total": {"amount": "990.00", "currency": "EUR"}}


def agree(name, how, connection=""):
    whose_word.publish(name=name, agreed=Truth(how, connection), by=SETUP, at=instant.now())


def last_deal():
    return Outcome.objects.filter(kind="deal.upsert").order_by("-pk").first()


@pytest.mark.parametrize("how", [How.ALWAYS, How.UNLESS_BLANK])
def test_a_field_of_the_crm_s_own_is_left_as_it_is_and_the_rest_is_written(crm, staff, how):
    say("sent")
    carry()
    agree("title", how, "hubspot")
    say("viewed", minute=5, **RENAMED)
    carry_on()
    (deal,) = crm.deals()
    assert deal["meshline_state"] == "viewed"
    assert (deal["dealname"], deal["amount"]) == ("Website relaunch", "990.00")
    # It is proven, without comparing what was not written; and it says what was left alone.
    assert last_deal().state == "proven"
    said = words(signed_in(staff["olivia"]).get(f"/outcomes/{last_deal().pk}/"))
    assert "Left as it is there Title: what HubSpot says of it counts." in said


def test_amount_and_currency_and_the_owner_are_left_alone_as_well(crm):
    say("sent")
    carry()
    agree("amount", How.ALWAYS, "hubspot")
    agree("owner_email", How.ALWAYS, "hubspot")
    say("viewed", minute=5, **RENAMED)
    carry_on()
    (deal,) = crm.deals()
    assert (deal["dealname"], deal["amount"]) == ("Relaunch", "1234.50")
    assert last_deal().state == "proven"


def test_a_deal_that_is_not_there_yet_begins_with_all_that_is_known(crm):
    agree("title", How.ALWAYS, "hubspot")
    say("sent")
    carry()
    (deal,) = crm.deals()
    assert deal["dealname"] == "Website relaunch"


@pytest.mark.parametrize(
    ("how", "connection"),
    [(How.ALWAYS, "pandadoc"), (How.ALWAYS, ""), (How.RECENT, ""), (How.ASK, "")],
)
def test_what_is_not_the_crm_s_own_is_written(crm, how, connection):
    say("sent")
    carry()
    agree("title", how, connection)
    say("viewed", minute=5, **RENAMED)
    carry_on()
    (deal,) = crm.deals()
    assert deal["dealname"] == "Relaunch"


def test_a_task_keeps_its_owner_whoever_is_the_authority_for_it(crm):
    agree("owner_email", How.ALWAYS, "hubspot")
    say("sent")
    carry_on()
    (task,) = crm.tasks()
    assert task["hubspot_owner_id"]
