"""Canaries: the whole way and back, each leg broken, and that nobody's number knows of them."""

import re
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors import echoes, feigning, health, mappings, marks, metrics
from connectors.feigning import Answer
from connectors.models import Connection, Message, Receipt, RecordLink, RejectedReceipt
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.people.permissions import NotAllowed
from meshline.policy.models import SourceOfTruth, SystemRole
from proposals.models import (
    Outcome,
    Proposal,
    RoutingDecision,
    RoutingPool,
    Signal,
    Transition,
)
from reconciliation import canaries, canary_legs, canary_showing
from reconciliation.canaries import CanaryError
from reconciliation.canary_legs import Leg
from reconciliation.models.canaries import Canary, Probe
from tests import factories
from tests.connectors.conftest import crm  # noqa: F401
from tests.connectors.crm import carry, carry_on, say
from tests.factories import CLIENT_SECRET, MONDAY, digest_all
from tests.proposals.routes import DEFAULT, pool, publish, rule
from tests.reconciliation.probing import (
    aside,
    differing,
    left,
    look,
    prove,
    public,
    rows_there,
)

LATER = timedelta(minutes=4)


@pytest.fixture
def path(staff, settings):
    """A quoting tool and a CRM that nobody calls yet, at our own door that is the test's client."""
    factories.pandadoc()
    factories.hubspot()
    SystemRole.objects.update_or_create(role="crm", defaults={"connection": "hubspot"})
    with instant.stopped(MONDAY):
        canaries._find_paths(at=MONDAY)
        yield Canary.objects.get()


# --- The whole way --------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_it_goes_the_whole_way_over_http_and_leaves_nothing_but_its_one_deal(
    crm, live_server, settings  # noqa: F811
):  # fmt: skip
    settings.CANARY_URL = live_server.url
    canaries._find_paths(at=instant.now())
    canary = Canary.objects.get()
    for number in (1, 2):
        Canary.objects.update(next_at=instant.now())
        canary.refresh_from_db()
        aside(canaries.tend, canary)
        assert canary.probes.get(state="running").under_way is Leg.TRANSLATED
        digest_all()
        aside(canaries.tend, canary)
        assert canary.probes.get(state="running").under_way is Leg.CARRIED
        carry_on()
        Outcome.everything.update(next_attempt_at=instant.now())
        carry()
        aside(canaries.tend, canary)
        probe = canary.probes.order_by("-pk").first()
        assert (probe.state, probe.under_way, probe.seen) == ("passed", None, "")
        canary.refresh_from_db()
        assert canary.state == "green"
        [deal] = crm.deals()
        assert (deal["dealname"], deal["amount"]) == (probe.title, "1.00")
        assert deal["meshline_proposal_id"] == "canary:pandadoc:meshline-canary-pandadoc"
        assert not deal.get("hubspot_owner_id")
        assert len(crm.tasks()) == 1
        assert (left(), Transition.objects.count(), number) == (0, 0, number)
        links = RecordLink.objects.order_by("kind").values_list("kind", "record")
        assert set(links) == {("canary:deal", "canary:left"), ("canary:task", "canary:left")}
    assert not TrailLine.objects.filter(record__startswith="canary:").exists()


@pytest.mark.django_db(transaction=True)
def test_a_crm_that_is_down_is_red_at_carried_and_green_again_by_itself(
    crm, live_server, settings  # noqa: F811
):  # fmt: skip
    settings.CANARY_URL = live_server.url
    canaries._find_paths(at=instant.now())
    canary = Canary.objects.get()
    crm.breaks({"kind": "down"})
    aside(canaries.tend, canary)
    digest_all()
    aside(canaries.tend, canary)
    carry()
    with instant.stopped(instant.now() + timedelta(seconds=130)):
        canaries.tend(canary)
    canary.refresh_from_db()
    assert (canary.state, canary.leg) == ("red", "carried")
    assert canary.seen.startswith("HubSpot, deal: ")
    assert "503" in canary.seen
    ticket = Ticket.objects.get(kind="canary-red")
    assert ("carried" in ticket.title, "503" in ticket.reason) == (True, True)
    crm.mend()
    Canary.objects.update(next_at=instant.now())
    for act in (lambda: None, digest_all, carry_on, carry):
        act()
        canary.refresh_from_db()
        aside(canaries.tend, canary)
    canary.refresh_from_db()
    ticket.refresh_from_db()
    assert (canary.state, ticket.status) == ("green", "resolved")


# --- What comes back of it --------------------------------------------------------------------
@pytest.fixture
def carried(path, door):
    """It is through, and the CRM knows it as deal 42."""
    factories.connections.enter_secret(
        slug="hubspot", purpose="signing", secret=CLIENT_SECRET, by=SETUP, at=MONDAY
    )

    def through(*, echo_first=False):
        Canary.objects.update(next_at=MONDAY)
        look(path)
        digest_all()
        if echo_first:
            hear({**ECHO, "eventId": 90})
        record = Proposal.everything.get(is_synthetic=True).record
        there = Connection.objects.get(slug="hubspot")
        RecordLink.objects.create(
            connection=there, record=record, kind="deal", external_id="42", linked_at=MONDAY
        )
        hear({**ECHO, "eventId": 91})
        prove()
        assert look(path, seconds=5).state == "passed"

    return through


ECHO = {
    "eventId": 1, "subscriptionId": 7, "portalId": 1, "occurredAt": int(MONDAY.timestamp() * 1000),
    "subscriptionType": "deal.propertyChange", "objectId": 42, "propertyName": "dealname",
    "propertyValue": "Meshline canary", "changeSource": "INTEGRATION", "sourceId": "1",
}  # fmt: skip


def hear(*events):
    answer = factories.post_hubspot(list(events), stamp=int(time.time() * 1000))
    assert answer.status_code in (200, 202)
    digest_all()


def heard():
    """What stands of the CRM's messages in lists and numbers, and when it spoke last."""
    [there] = metrics.standings(Connection.objects.filter(slug="hubspot"), at=MONDAY)
    posts = Receipt.objects.filter(connection=there.connection).count()
    return there.last_event_at, Message.objects.filter(connection=there.connection).count(), posts


@pytest.mark.django_db
@pytest.mark.parametrize("echo_first", [False, True])
def test_what_the_crm_tells_of_its_deal_is_no_message_of_the_business(carried, echo_first):
    carried(echo_first=echo_first)
    assert heard() == (None, 0, 0)
    won = {"eventId": 2, "propertyName": "dealstage", "propertyValue": "closedwon",
           "changeSource": "CRM_UI", "sourceId": "userId:9"}  # fmt: skip
    hear({**ECHO, **won})
    assert heard() == (None, 0, 0)
    assert not Ticket.objects.exists()
    carried()
    assert heard() == (None, 0, 0)


@pytest.mark.django_db
def test_what_comes_beside_it_in_one_post_counts(carried):
    carried()
    hear({**ECHO, "eventId": 2}, {**ECHO, "eventId": 3, "objectId": 43})
    _, messages, posts = heard()
    assert (messages, posts) == (1, 1)


@pytest.mark.django_db
def test_what_came_back_goes_after_a_day(carried):
    carried()
    kept = Message.everything.filter(connection__slug="hubspot")
    came = kept.get().received_at
    echoes.forget(at=came + timedelta(hours=23))
    assert kept.count() == 1
    echoes.forget(at=came + timedelta(hours=25))
    assert (kept.count(), Receipt.everything.count()) == (0, 0)


# --- Where the CRM is down -----------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize("outage_first", [True, False])
def test_of_an_outage_that_has_a_ticket_the_canary_opens_none_beside_it(path, door, outage_first):
    if outage_first:
        health._open_breaker("hubspot", "unavailable", "It answered 503.", MONDAY)
    look(path)
    digest_all()
    look(path, minutes=3)
    if not outage_first:
        assert Ticket.objects.get().kind == "canary-red"
        health._open_breaker("hubspot", "unavailable", "It answered 503.", MONDAY)
        look(path, minutes=6)
        digest_all()
        look(path, minutes=9)
    assert (path.state, path.leg) == ("red", "carried")
    open_one = Ticket.objects.unresolved().get()
    assert (open_one.title, open_one.occurrences) == ("HubSpot does not answer", 2)
    health._close_breaker("hubspot", MONDAY)
    assert Ticket.objects.unresolved().exists()
    canaries._pass(path, MONDAY)
    assert not Ticket.objects.unresolved().exists()


# --- Each leg ---------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_door_that_nobody_opens_is_broken_at_posted(path, door):
    door.append(feigning.CallError("127.0.0.1 refused it.", failure="connection", reached=False))
    assert look(path).state == "running"
    broken = look(path, seconds=16)
    assert (broken.state, broken.leg, broken.seen) == ("broken", "posted", "127.0.0.1 refused it.")
    assert path.state == "red"


@pytest.mark.django_db
def test_a_signature_that_does_not_fit_is_broken_at_received_at_once(path, door, monkeypatch):
    monkeypatch.setattr(feigning.vault, "unseal", lambda sealed: "another secret")
    monkeypatch.setattr(feigning, "secret_of", lambda there, at: there.secrets.first())
    monkeypatch.setattr("connectors.inbox.vault.unseal", lambda sealed: factories.SHARED_KEY)
    real = feigning.feint_of(path.connection)
    wrong = replace(real, post=lambda feigned, secret: real.post(feigned, "wrong"))
    monkeypatch.setattr(feigning, "feint_of", lambda there: wrong)
    broken = look(path)
    assert (broken.state, broken.leg, broken.status) == ("broken", "received", 401)
    assert broken.seen.startswith("HTTP 401: The signature fits none")
    # Its own row tells of it; the list of refused posts is of real senders.
    assert not RejectedReceipt.objects.exists()


@pytest.mark.django_db
def test_a_worker_that_reads_nothing_is_broken_at_translated(path, door):
    assert look(path).under_way is Leg.TRANSLATED
    assert look(path, seconds=119).state == "running"
    broken = look(path, seconds=121)
    assert (broken.leg, path.leg) == ("translated", "translated")
    assert "Nobody has read its message" in broken.seen
    assert left() == 0


@pytest.mark.django_db
def test_what_cannot_be_read_is_broken_at_translated_and_opens_no_ticket_of_its_own(path, door):
    look(path)
    Message.everything.update(payload=b"[]")
    digest_all()
    broken = look(path, seconds=5)
    assert (broken.leg, "quarantined" in broken.seen) == ("translated", True)
    assert set(Ticket.objects.values_list("kind", flat=True)) == {"canary-red"}


@pytest.mark.django_db
def test_a_document_is_sent_by_the_word_that_the_connection_maps_to_it(path, door):
    words = {"document.sent": "nothing", "document.out": "sent"}
    mappings.set_mapping(
        connection=path.connection, content={"words": words, "fields": {}}, by=SETUP, at=MONDAY
    )
    look(path)
    digest_all()
    assert look(path, seconds=5).under_way is Leg.CARRIED


@pytest.mark.django_db
def test_who_is_not_the_authority_is_broken_at_routed(path, door):
    look(path)
    digest_all()
    Signal.everything.update(result="refused", why="Another system says so.")
    broken = look(path, seconds=5)
    assert broken.leg == "routed"
    assert set(Ticket.objects.values_list("kind", flat=True)) == {"canary-red"}


@pytest.mark.django_db
def test_what_is_not_read_back_is_broken_at_proven(path, door):
    look(path)
    digest_all()
    prove(proven=False, state="delivered", last_error="It cannot be read back yet.")
    assert look(path, seconds=5).under_way is Leg.PROVEN
    broken = look(path, seconds=70)
    assert (broken.leg, "cannot be read back" in broken.seen) == ("proven", True)


@pytest.mark.django_db
def test_what_is_still_being_carried_is_broken_at_cleaned_up(path, door):
    look(path)
    digest_all()
    held = {"state": "leased", "lease_owner": "0" * 32, "lease_until": MONDAY + timedelta(hours=1)}
    prove()
    Outcome.everything.update(**held)
    assert look(path, seconds=5).under_way is Leg.CLEANED
    assert look(path, seconds=70).leg == "cleaned up"
    # The next one waits until everything of it is taken back, and then does that itself.
    assert look(path, minutes=10).leg == "cleaned up"
    Outcome.everything.update(lease_until=MONDAY)
    assert look(path, minutes=11).state == "running"
    assert Proposal.everything.count() == 0


@pytest.mark.django_db
def test_it_is_red_until_the_first_that_gets_through_and_tells_each_leg_once(path, door):
    look(path)
    look(path, seconds=121)
    look(path, minutes=LATER.seconds / 60)
    look(path, minutes=6.5)
    [ticket] = Ticket.objects.filter(kind="canary-red")
    assert (ticket.step, ticket.owner.name) == ("translated", "Olivia Ortiz")
    assert path.since == MONDAY + timedelta(seconds=121)
    # It comes farther: another ticket, and the first is right.
    look(path, minutes=8)
    digest_all()
    look(path, minutes=8.1)
    look(path, minutes=10.5)
    ticket.refresh_from_db()
    assert (ticket.status, path.leg) == ("resolved", "carried")
    assert Ticket.objects.unresolved().get(kind="canary-red").step == "carried"
    look(path, minutes=12)
    digest_all()
    prove()
    look(path, minutes=12.1)
    assert (path.state, path.seen) == ("green", "")
    assert not Ticket.objects.unresolved().exists()
    said = TrailLine.objects.filter(what__startswith="canary.").order_by("pk")
    whats = ["canary.red", "canary.red", "canary.green"]
    assert list(said.values_list("what", flat=True)) == whats


# --- When it is tried ---------------------------------------------------------------------
@pytest.mark.django_db
def test_the_next_begins_in_its_rhythm_and_never_beside_another(path, door):
    first = look(path)
    assert path.next_at == MONDAY + timedelta(minutes=3)
    assert look(path, minutes=1) == first
    digest_all()
    prove()
    assert look(path, minutes=1.5).state == "passed"
    assert look(path, minutes=2.9) == first
    assert look(path, minutes=3).pk != first.pk


@pytest.mark.django_db
def test_outside_business_hours_it_is_tried_less_often_unless_it_is_red(path, door):
    night = 12 * 60
    Canary.objects.update(next_at=MONDAY + timedelta(minutes=night))
    look(path, minutes=night)
    assert path.next_at == MONDAY + timedelta(minutes=night + 15)
    look(path, minutes=night + 2.1)
    assert path.is_red
    assert path.next_at == MONDAY + timedelta(minutes=night + 3)


@pytest.mark.django_db
@pytest.mark.parametrize("slug", ["pandadoc", "hubspot"])
def test_what_is_paused_says_so_and_is_not_red(path, door, slug):
    look(path)
    Connection.objects.filter(slug=slug).update(status="paused", status_why="Maintenance.")
    stopped = look(path, minutes=5)
    assert (stopped.state, path.state) == ("stopped", "idle")
    assert path.seen.endswith("is paused: Maintenance.")
    assert not Ticket.objects.exists()
    Connection.objects.update(status="active")
    assert look(path, minutes=6).state == "running"


@pytest.mark.django_db
def test_whoever_is_killed_over_the_post_is_followed_by_one_that_posts_the_same_again(path, door):
    look(path)
    Probe.objects.update(
        posted_at=None, received_at=None, asked_at=None, status=None, message=None, says=""
    )
    assert look(path, seconds=5).under_way is Leg.TRANSLATED
    assert Message.everything.get().duplicates == 1


@pytest.mark.django_db
def test_what_is_switched_on_again_says_that_one_is_under_way(path, door, staff):
    asked = {"slug": "pandadoc", "reason": "x", "at": MONDAY, "by": staff["rosa"]}
    canaries.switch(on=False, **asked)
    canaries.switch(on=True, **asked)
    path.refresh_from_db()
    assert (path.state, path.seen) == ("new", "")
    look(path)
    stands = canary_showing.standing(path)
    assert (stands.word, stands.tone) == ("Under way", "info")


@pytest.mark.django_db
def test_what_runs_again_after_a_pause_says_nothing_of_the_pause_any_more(path, door):
    Connection.objects.filter(slug="hubspot").update(status="paused")
    look(path)
    assert path.state == "idle"
    Connection.objects.filter(slug="hubspot").update(status="active")
    look(path, minutes=4)
    assert (path.state, path.seen) == ("new", "")


@pytest.mark.django_db
def test_where_they_are_off_for_all_nothing_is_tried(path, door, settings):
    settings.CANARIES = False
    canaries.look_where_due()
    assert not Probe.objects.exists()


# --- For people -------------------------------------------------------------------------------
@pytest.mark.django_db
def test_people_try_it_switch_it_and_set_its_rhythm_for_a_reason(path, door, staff):
    look(path)
    at = MONDAY + timedelta(minutes=1)
    with pytest.raises(NotAllowed):
        canaries.switch(slug="pandadoc", on=False, reason="No.", by=staff["olivia"], at=at)
    with pytest.raises(CanaryError, match="Say why"):
        canaries.switch(slug="pandadoc", on=False, reason=" ", by=staff["rosa"], at=at)
    canaries.switch(slug="pandadoc", on=False, reason="They move.", by=staff["rosa"], at=at)
    assert look(path, minutes=9).state == "stopped"
    assert path.seen == "Rosa Marin switched it off: They move."
    with pytest.raises(CanaryError, match="switched off"):
        canaries.run_now(slug="pandadoc", by=staff["olivia"], at=at)
    canaries.switch(slug="pandadoc", on=True, reason="They moved.", by=staff["ada"], at=at)
    with pytest.raises(CanaryError, match="less often"):
        canaries.set_rhythm(slug="pandadoc", fast=10, slow=5, reason="So.", by=staff["rosa"], at=at)
    canaries.set_rhythm(slug="pandadoc", fast=5, slow=60, reason="Costs.", by=staff["rosa"], at=at)
    canaries.run_now(slug="pandadoc", by=staff["olivia"], at=at)
    look(path, minutes=10)
    assert path.next_at == MONDAY + timedelta(minutes=15)
    lines = TrailLine.objects.filter(subject_kind="canary").order_by("pk")
    said = ["canary.off", "canary.on", "canary.rhythm", "canary.asked"]
    assert [(one.what, one.why) for one in lines] == list(
        zip(said, ["They move.", "They moved.", "Costs.", ""], strict=True)
    )


@pytest.mark.django_db
def test_the_pages_say_how_it_stands_and_ask_as_little_however_many_there_were(
    path, door, client, staff, django_assert_max_num_queries
):
    client.force_login(staff["rosa"])
    assert "It was not tried yet" in client.get("/checks/canaries/").content.decode()
    for minutes in range(0, 40, 8):
        look(path, minutes=minutes)
        look(path, minutes=minutes + 2.5)
    with django_assert_max_num_queries(12):
        page = client.get("/checks/canaries/").content.decode()
    assert "Broken at translated" in page
    page = client.get("/checks/canaries/pandadoc/").content.decode()
    assert page.count("Broken at translated") > 5
    assert "canary" in page.lower()
    answer = client.post("/checks/canaries/pandadoc/rhythm/", {"fast": 0, "slow": 5, "reason": "x"})
    assert answer.status_code == 422
    answer = client.post("/checks/canaries/pandadoc/switch/", {"on": "0", "reason": "They move."})
    assert answer.status_code == 303
    assert ">Off<" in re.sub(r"\s+", "", client.get("/checks/canaries/").content.decode())


@pytest.mark.django_db
def test_the_numbers_for_a_scraper(path, door, client):
    look(path)
    digest_all()
    prove()
    look(path, seconds=5)
    said = client.get("/metrics").content.decode()
    assert 'meshline_canary_red{connection="pandadoc"} 0.0' in said
    assert 'meshline_canary_passed_age_seconds{connection="pandadoc"}' in said


def test_a_probe_in_words():
    probe = Probe(begun_at=MONDAY, state="broken", leg="received", posted_at=MONDAY + LATER)
    assert [one.word for one in canary_showing.marks(probe)][:3] == [
        "passed", "broken", "not reached",
    ]  # fmt: skip


# --- Nobody's number --------------------------------------------------------------------------
@pytest.fixture
def every_path(path, monkeypatch):
    """That one, and those of what the CRM and billing tell. It is Monday for their stamps, too."""
    for vendor in ("hubspot", "stripe"):
        monkeypatch.setattr(f"connectors.{vendor}.receive.TOLERANCE", float("inf"))
    factories.stripe()
    factories.connections.enter_secret(
        slug="hubspot", purpose="signing", secret=CLIENT_SECRET, by=SETUP, at=MONDAY
    )
    SystemRole.objects.update_or_create(role="billing", defaults={"connection": "stripe"})
    SourceOfTruth.objects.filter(field="close").update(connection="hubspot")
    canaries._find_paths(at=MONDAY)
    return lambda slug: Canary.objects.get(connection__slug=slug)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("slug", "says"), [("pandadoc", "sent"), ("hubspot", "closed-lost"), ("stripe", "invoiced")]
)
def test_no_list_number_or_page_differs_while_one_is_under_way_or_after_it(
    slug, says, every_path, door, staff
):
    say("sent")
    TrailLine.objects.count()
    canary = every_path(slug)
    before, rows = public(staff), rows_there()
    look(canary)
    assert differing(before, public(staff)) == []
    digest_all()
    assert Proposal.everything.get(is_synthetic=True).state == says
    kinds = set(Outcome.everything.filter(is_synthetic=True).values_list("target", flat=True))
    assert kinds == {"crm"}
    assert differing(before, public(staff)) == []
    assert rows_there() == rows
    prove()
    assert look(canary, seconds=5).state == "passed"
    assert differing(before, public(staff)) == []


@pytest.mark.django_db
def test_who_names_a_document_like_it_hides_nothing(path, door):
    """An event that is not marked by us is real, whatever it says; also beside a canary."""
    look(path)
    digest_all()
    say("sent", id=path.external_id)
    real = Proposal.objects.get()
    assert (real.external_id, real.is_synthetic, real.record) == (
        path.external_id, False, f"proposal:{real.pk}"
    )  # fmt: skip
    keys = list(Outcome.everything.filter(kind="deal.upsert").values_list("key", flat=True))
    assert len(set(keys)) == 2
    prove()
    look(path, seconds=5)
    assert Proposal.objects.get() == real
    assert real.outcomes.exists()


@pytest.mark.django_db
def test_a_mark_that_is_not_ours_or_of_other_bytes_counts_for_nothing(path):
    for body in ([factories.document(id="doc-7")], [factories.document(id="doc-8")]):
        mark = marks.mark(b"other bytes")
        answer = factories.post_pandadoc(body, event_id=body[0]["data"]["id"], **{
            marks.HEADER: mark,
        })  # fmt: skip
        assert answer.status_code == 202
    assert Message.objects.count() == 2


@pytest.mark.django_db
def test_whose_turn_it_is_and_how_much_they_have_is_not_asked_of_canaries(path, door, staff):
    any_amount = {"field": "amount", "op": "at_least", "value": "1"}
    two = pool("remy@example.com", "sam@example.com", most_open=1)
    publish(rule("in-turn", any_amount, two), DEFAULT, by=staff["rosa"])
    look(path)
    digest_all()
    feigned = Proposal.everything.get()
    assert (feigned.is_synthetic, feigned.owner) == (True, staff["remy"])
    assert RoutingPool.objects.get().turns == {}
    assert not RoutingDecision.objects.exists()
    # Remy has it, and yet nothing, and it is still Remy's turn.
    say("sent", id="doc-1")
    assert Proposal.objects.get().owner == staff["remy"]


def test_an_answer_that_may_change_is_asked_for_again():
    assert Answer("Nobody.").may_change
    assert Answer("HTTP 503", 503).may_change
    assert not Answer("HTTP 401", 401).may_change


def test_the_budgets_leave_a_try_that_failed_once_time_to_be_made_again():
    assert canary_legs.BUDGETS[Leg.CARRIED] > timedelta(seconds=5 + 15 + 45)
