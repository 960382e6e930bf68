"""Canaries of what the CRM and billing tell: the whole way, each leg broken, in nobody's number."""

import json
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors import delivery, digest, echoes, feigning, mappings, registry
from connectors.models import Connection, Message, Receipt, RecordLink, RejectedReceipt
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.policy.models import SourceOfTruth, SystemRole
from proposals.models import Contract, Outcome, Proposal, Signal, Transition
from reconciliation import canaries
from reconciliation.canary_legs import Leg
from reconciliation.models.canaries import Canary
from tests import factories
from tests.connectors.crm import carry, carry_on, say
from tests.factories import CLIENT_SECRET, digest_all
from tests.reconciliation.probing import aside, left

pytestmark = pytest.mark.django_db(transaction=True)
PATHS = ["hubspot", "stripe"]
HERE = [Leg.POSTED, Leg.RECEIVED, Leg.TRANSLATED, Leg.ROUTED, Leg.CLEANED]
SAYS = {"hubspot": "closed-lost", "stripe": "invoiced"}


@pytest.fixture
def paths(billing, crm, live_server, settings):
    """The CRM and billing with webhooks that are signed; what the CRM closes counts."""
    settings.CANARY_URL = live_server.url
    factories.connections.enter_secret(
        slug="hubspot", purpose="signing", secret=CLIENT_SECRET, by=SETUP, at=instant.now()
    )
    SourceOfTruth.objects.filter(field="close").update(connection="hubspot")
    canaries._find_paths(at=instant.now())
    return lambda slug: Canary.objects.get(connection__slug=slug)


def tend(canary, *, seconds=0):
    """What the clock does, so much later, in a thread of its own."""
    canary.refresh_from_db()
    if seconds:
        with instant.stopped(instant.now() + timedelta(seconds=seconds)):
            canaries.tend(canary)
    else:
        aside(canaries.tend, canary)
    canary.refresh_from_db()
    return canary.probes.order_by("-pk").first()


def again(canary):
    Canary.objects.filter(pk=canary.pk).update(next_at=instant.now())


def carry_all():
    carry_on()
    Outcome.everything.filter(state__in=["due", "delivered"]).update(next_attempt_at=instant.now())
    carry()


def go(canary):
    """The whole way of one, with all that has to be done for it."""
    again(canary)
    tend(canary)
    digest_all()
    tend(canary)
    carry_all()
    return tend(canary)


# --- The whole way --------------------------------------------------------------------------
@pytest.mark.parametrize("slug", PATHS)
def test_what_they_tell_goes_the_whole_way_and_leaves_but_its_one_deal(slug, paths, crm):
    canary = paths(slug)
    assert str(canary) == f"{canary.connection.name} to the CRM"
    for number in (1, 2):
        again(canary)
        assert tend(canary).under_way is Leg.TRANSLATED
        post = Receipt.everything.get(is_synthetic=True)
        assert (post.connection.slug, post.verdict.startswith("Signed")) == (slug, True)
        digest_all()
        assert tend(canary).under_way is Leg.CARRIED
        carry_all()
        probe = tend(canary)
        assert (probe.state, probe.seen, probe.under_way) == ("passed", "", None)
        assert (canary.state, probe.legs) == ("green", list(Leg))
        [deal] = crm.deals()
        assert (deal["dealname"], deal["amount"]) == (probe.title, "1.00")
        assert deal["meshline_state"] == SAYS[slug]
        assert deal["meshline_proposal_id"] == f"canary:{slug}:meshline-canary-{slug}"
        assert not deal.get("hubspot_owner_id")
        assert (crm.tasks(), left(), Transition.objects.count(), number) == ([], 0, 0, number)
        links = RecordLink.objects.values_list("connection__slug", "kind", "record")
        assert list(links) == [("hubspot", "canary:deal", "canary:left")]
    assert not TrailLine.objects.filter(record__startswith="canary:").exists()
    assert not Ticket.objects.exists()
    assert not Message.objects.exists()


def test_the_invoice_that_billing_told_is_what_the_deal_shows(paths, crm):
    seen = set()
    for _ in range(2):
        probe = go(paths("stripe"))
        assert probe.state == "passed"
        [deal] = crm.deals()
        assert deal["meshline_invoice_id"].endswith(probe.key)
        seen.add(deal["meshline_invoice_id"])
    assert len(seen) == 2


def test_the_deal_is_lost_from_its_first_moment_and_stays_so(paths, crm):
    """A deal that is won or moved every three minutes would set their own automation going."""
    for _ in range(3):
        assert go(paths("hubspot")).state == "passed"
    there, [deal] = Connection.objects.get(slug="hubspot"), RecordLink.objects.all()
    client = delivery.client_of(registry.system("hubspot"), there, at=instant.now())
    told = client.caller.json(client.history("deals", deal.external_id, "dealstage"))
    assert [one["value"] for one in told["propertiesWithHistory"]["dealstage"]] == ["closedlost"]


def test_what_the_crm_is_the_authority_for_is_written_all_the_same(paths, crm):
    """Else an older canary's title would be read back, and prove nothing."""
    SourceOfTruth.objects.create(
        record_kind="proposal", field="title", connection="hubspot", how="always"
    )
    for _ in range(2):
        probe = go(paths("hubspot"))
        assert (probe.state, crm.deals()[0]["dealname"]) == ("passed", probe.title)


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_it_signs_as_the_connection_expects_of_its_vendor(version, paths):
    Connection.objects.filter(slug="hubspot").update(options={"signature": version})
    assert tend(paths("hubspot")).under_way is Leg.TRANSLATED
    assert Receipt.everything.get().verdict == f"Signed ({version}) with secret 1 of 1."


LOST_ELSEWHERE = {"words": {"closedlost": "nothing", "7654321": "closed-lost"}, "fields": {}}


def test_it_says_lost_by_the_stage_that_the_connection_maps_to_it(paths):
    there = Connection.objects.get(slug="hubspot")
    mappings.set_mapping(connection=there, content=LOST_ELSEWHERE, by=SETUP, at=instant.now())
    canary = paths("hubspot")
    tend(canary)
    [event] = Message.everything.filter(is_synthetic=True)
    assert json.loads(bytes(event.payload))["propertyValue"] == "7654321"
    assert go(canary).state == "passed"


def test_where_no_stage_says_lost_any_more_it_is_red_at_translated(paths):
    there, content = (
        Connection.objects.get(slug="hubspot"),
        {"words": {"closedlost": "nothing"}, "fields": {}},
    )
    mappings.set_mapping(connection=there, content=content, by=SETUP, at=instant.now())
    canary = paths("hubspot")
    tend(canary)
    digest_all()
    assert tend(canary, seconds=121).leg == "translated"
    assert canary.state == "red"


# --- Where the way ends here ----------------------------------------------------------------
def people_close():
    SourceOfTruth.objects.filter(field="close").update(connection="")


def nobody_bills():
    SystemRole.objects.filter(role="billing").update(connection="")


def nothing_is_asked():
    Contract.objects.filter(trigger__in=SAYS.values()).update(is_live=False, is_retired=True)


def nothing_is_the_crm():
    SystemRole.objects.filter(role="crm").update(connection="")


@pytest.mark.parametrize(
    ("slug", "agreed", "why"),
    [
        (
            "hubspot",
            people_close,
            "That a proposal is closed lost, which it is already: only people may say so here.",
        ),
        ("stripe", nobody_bills, "which it is already: nobody may say so here."),
        ("stripe", nothing_is_asked, "No contract asks the CRM for anything then."),
        ("hubspot", nothing_is_the_crm, "No connection plays the part of the CRM."),
    ],
)
def test_what_leads_to_nothing_in_the_crm_has_the_legs_it_has_and_no_more(
    slug, agreed, why, paths, crm
):
    agreed()
    canary = paths(slug)
    probe = tend(canary)
    assert str(canary) == f"{canary.connection.name} to Meshline"
    assert why in canary.tells
    digest_all()
    probe = tend(canary)
    assert (probe.state, probe.legs, canary.state) == ("passed", HERE, "green")
    assert (left(), crm.deals(), RecordLink.objects.count()) == (0, [], 0)
    assert not Ticket.objects.exists()


def test_a_path_is_there_once_its_posts_can_be_signed(crm):
    canaries._find_paths(at=instant.now())
    assert Canary.objects.get().connection.slug == "pandadoc"
    factories.connections.enter_secret(
        slug="hubspot", purpose="signing", secret=CLIENT_SECRET, by=SETUP, at=instant.now()
    )
    canaries._find_paths(at=instant.now())
    assert Canary.objects.filter(connection__slug="hubspot").exists()


# --- Each leg -------------------------------------------------------------------------------
def break_at_the_door(canary, monkeypatch):
    real = feigning.feint_of(canary.connection)
    wrong = replace(real, post=lambda feigned, secret: real.post(feigned, "wrong"))
    monkeypatch.setattr(feigning, "feint_of", lambda there: wrong)


@pytest.mark.parametrize("slug", PATHS)
def test_a_door_that_nobody_opens_is_broken_at_posted(slug, paths, settings):
    settings.CANARY_URL = "http://127.0.0.1:9"
    canary = paths(slug)
    tend(canary)
    broken = tend(canary, seconds=16)
    assert (canary.state, broken.leg) == ("red", "posted")


@pytest.mark.parametrize("slug", PATHS)
def test_a_signature_that_does_not_fit_is_broken_at_received_at_once(slug, paths, monkeypatch):
    canary = paths(slug)
    break_at_the_door(canary, monkeypatch)
    broken = tend(canary)
    assert (canary.state, broken.leg, broken.status) == ("red", "received", 401)
    assert not RejectedReceipt.objects.exists()


@pytest.mark.parametrize("slug", PATHS)
def test_workers_that_read_nothing_are_broken_at_translated(slug, paths):
    canary = paths(slug)
    tend(canary)
    assert tend(canary, seconds=119).state == "running"
    assert tend(canary, seconds=121).leg == "translated"
    assert (canary.leg, left()) == ("translated", 0)


@pytest.mark.parametrize("slug", PATHS)
def test_what_finds_no_record_here_is_broken_at_translated(slug, paths):
    """The crosswalk, too, is on their way."""
    canary = paths(slug)
    tend(canary)
    RecordLink.objects.all().delete()
    Proposal.everything.update(external_id="another")
    digest_all()
    broken = tend(canary, seconds=121)
    assert (broken.leg, "It waits until it is known" in broken.seen) == ("translated", True)


@pytest.mark.parametrize("slug", PATHS)
def test_who_may_not_say_so_any_more_is_broken_at_routed(slug, paths):
    canary = paths(slug)
    tend(canary)
    people_close()
    nobody_bills()
    digest_all()
    broken = tend(canary)
    assert (broken.leg, "may not" in broken.seen) == ("routed", True)
    assert set(Ticket.objects.values_list("kind", flat=True)) == {"canary-red"}
    # From the next one on its way is as was agreed.
    again(canary)
    tend(canary)
    digest_all()
    assert tend(canary).state == "passed"
    assert (canary.state, Ticket.objects.unresolved().count()) == ("green", 0)


@pytest.mark.parametrize("slug", PATHS)
def test_a_crm_that_is_down_is_red_at_carried_and_green_again_by_itself(slug, paths, crm):
    canary = paths(slug)
    crm.breaks({"kind": "down"})
    tend(canary)
    digest_all()
    tend(canary)
    carry()
    broken = tend(canary, seconds=130)
    assert (canary.state, broken.leg) == ("red", "carried")
    assert broken.seen.startswith("HubSpot, deal: ")
    ticket = Ticket.objects.get(kind="canary-red")
    assert (ticket.connection, ticket.step) == ("hubspot", "carried")
    assert ticket.title == "Canaries break in HubSpot at “carried”"
    crm.mend()
    assert go(canary).state == "passed"
    ticket.refresh_from_db()
    assert (canary.state, ticket.status) == ("green", "resolved")


@pytest.mark.parametrize("slug", PATHS)
def test_a_yes_that_wrote_nothing_is_red_at_proven(slug, paths, crm):
    """The deal of the one before is there: it is not taken for this one's."""
    canary = paths(slug)
    assert go(canary).state == "passed"
    again(canary)
    crm.breaks({"kind": "ghost_200", "match": {"method": "POST", "path": "deals"}})
    tend(canary)
    digest_all()
    tend(canary)
    carry()
    assert tend(canary).under_way is Leg.PROVEN
    broken = tend(canary, seconds=70)
    assert (canary.state, broken.leg) == ("red", "proven")
    assert "cannot be read back" in broken.seen


def test_whichever_path_led_there_what_is_not_proven_is_one_ticket_of_the_crm(paths, crm):
    canaries_of = [paths(slug) for slug in ("pandadoc", *PATHS)]
    crm.breaks({"kind": "ghost_200", "match": {"method": "POST", "path": "deals"}})
    for canary in canaries_of:
        again(canary)
        tend(canary)
        digest_all()
        tend(canary)
        carry()
        tend(canary, seconds=70)
        assert (canary.state, canary.leg) == ("red", "proven")
    [ticket] = Ticket.objects.all()
    assert (ticket.connection, ticket.step, ticket.occurrences) == ("hubspot", "proven", 3)
    crm.mend()
    for canary in canaries_of:
        ticket.refresh_from_db()
        assert ticket.is_unresolved
        assert go(canary).state == "passed"
    ticket.refresh_from_db()
    assert ticket.resolution == "closed on evidence"


@pytest.mark.parametrize("slug", PATHS)
def test_what_is_still_being_carried_is_red_at_cleaned_up(slug, paths):
    canary = paths(slug)
    tend(canary)
    digest_all()
    at = instant.now()
    done = {"delivered_at": at, "proven_at": at}
    held = {"state": "leased", "lease_owner": "0" * 32, "lease_until": at + timedelta(hours=1)}
    Outcome.everything.update(**done, **held)
    assert tend(canary).under_way is Leg.CLEANED
    assert tend(canary, seconds=70).leg == "cleaned up"
    Outcome.everything.update(lease_until=at)
    again(canary)
    assert tend(canary).state == "running"
    assert Proposal.everything.count() == 1


# --- Nobody's number ------------------------------------------------------------------------
ECHO = {
    "subscriptionId": 7, "portalId": 1, "subscriptionType": "deal.propertyChange",
    "propertyName": "dealstage", "propertyValue": "closedwon", "changeSource": "CRM_UI",
    "sourceId": "userId:9",
}  # fmt: skip


def hear(number, deal):
    at = int(time.time() * 1000)
    event = {**ECHO, "eventId": number, "occurredAt": at, "objectId": int(deal)}
    assert factories.post_hubspot([event], stamp=at).status_code in (200, 202)
    digest_all()


def test_what_the_crm_tells_of_its_deal_is_put_aside_and_outlasts_the_canary(paths):
    canary = paths("hubspot")
    assert go(canary).state == "passed"
    hear(1, RecordLink.objects.get().external_id)
    echo = Message.everything.get()
    assert (echo.is_synthetic, echo.why, Message.objects.count()) == (True, echoes.WHY, 0)
    assert go(canary).state == "passed"
    assert Message.everything.get() == echo
    assert not Ticket.objects.exists()


# --- What is real and what is synthetic never meet ------------------------------------------
@pytest.mark.parametrize("slug", PATHS)
def test_a_marked_event_reaches_no_real_proposal(slug, paths):
    say("sent")
    say("completed", minute=1)
    real, there = Proposal.objects.get(), Connection.objects.get(slug=slug)
    RecordLink.objects.create(
        connection=there, record=real.record, kind="deal", external_id="0", linked_at=instant.now()
    )
    feigned = feigning.Feigned("k", "pandadoc", "doc-1", "Not real", at=instant.now())
    aside(lambda: feigning.post(there, feigned, at=instant.now()))
    digest_all()
    waiting = Message.everything.get(is_synthetic=True)
    assert (waiting.status, waiting.signal_id) == ("accepted", None)
    assert (reread(real).state, reread(real).version) == ("signed", real.version)
    assert Proposal.everything.count() == 1


def test_an_event_that_is_not_marked_reaches_no_canary(paths):
    canary = paths("stripe")
    tend(canary)
    paid = {
        "id": "evt_real", "object": "event", "type": "invoice.paid",
        "created": int(instant.now().timestamp()), "data": {"object": {
            "id": "in_real", "status": "paid", "total": 100, "currency": "eur",
            "metadata": {"meshline_proposal": f"stripe:{canary.external_id}"},
        }},
    }  # fmt: skip
    assert factories.post_stripe(json.dumps(paid).encode()).status_code == 202
    digest.digest_batch()
    real = Message.objects.get()
    assert (real.status, real.signal_id) == ("accepted", None)
    told = Signal.everything.values_list("origin", "is_synthetic")
    assert all(is_synthetic for _, is_synthetic in told)
    assert f"message:{real.pk}" not in dict(told)


def reread(one):
    return type(one).everything.get(pk=one.pk)
