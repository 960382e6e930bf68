"""The demo company: loaded through the real doors, once, and believable everywhere."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.template.loader import render_to_string

from connectors import digest, http, syncing, syncs
from connectors.models import Connection, DeliveryAttempt, Message, RecordLink, Sync
from connectors.sandbox import Sandbox
from exceptions.models import Ticket
from meshline import instant
from meshline.people.models import Absence, OnCallShift, Team, User
from meshline.rota import showing
from meshline.shell import demo, demo_page, health, sandbox_control
from proposals.models import FollowUp, Outcome, Proposal, Signal
from proposals.routing import backtest, rulebook, rules
from reconciliation import measuring, unbilled
from reconciliation.models import Objective, Passage
from reconciliation.numbers import first_follow_up, untouched
from reconciliation.passages import hour_of
from reconciliation.rollups import HOUR, Within

OUTAGE = "Museum humidity watch"


@pytest.fixture
def sandbox(settings, monkeypatch):
    with Sandbox() as running:
        settings.SANDBOX_URL = running.url
        monkeypatch.setenv("PORT", "8123")
        yield running


@pytest.fixture
def loaded(db, sandbox):
    call_command("demo")
    return sandbox


def test_everybody_signs_in_with_the_password_that_is_printed(loaded, client):
    for person in demo.PEOPLE:
        assert client.login(username=person.email, password=person.password), person
        assert User.objects.get(email=person.email).role == person.role


# Signed, but its document names nobody who could be invoiced.
NOT_INVOICED = ("invoice", "Fleet telemetry, year two")


def test_the_story_is_in_every_state_and_mostly_proven(loaded):
    states = set(Proposal.objects.values_list("state", flat=True))
    wanted = {"draft", "sent", "viewed", "signed", "invoiced", "disputed", "expired"}
    assert states == wanted | {"closed-won", "closed-lost"}
    assert Proposal.objects.count() == 20
    left = Outcome.objects.exclude(state__in=["proven", "cancelled"])
    assert [(one.name, str(one.proposal)) for one in left] == [NOT_INVOICED]
    assert Outcome.objects.filter(state="proven").count() > 50
    statuses = set(Proposal.objects.exclude(invoice_id="").values_list("invoice_status", flat=True))
    # Dairy tank gauges: signed this week, and not paid yet.
    assert statuses == {"open", "paid", "void"}


def test_the_dashboards_are_filled_before_anybody_looks(loaded):
    assert Passage.objects.filter(verdict="in-time").count() > 10
    assert Passage.objects.filter(verdict="late").exists()
    assert Passage.objects.filter(is_first=True, whole__isnull=False).exists()
    assert Objective.objects.count() == 3


def test_customers_were_turned_to_soon_late_and_not_at_all(loaded):
    """In the last days, by several people, and at more than one pace."""
    now = instant.now()
    lately = Within(hour_of(now - timedelta(days=9)), hour_of(now) + HOUR, None)
    numbers = [first_follow_up.NUMBER, untouched.NUMBER]
    by_owner, by_tier = (measuring.measure(numbers, lately, cut) for cut in ("owner", "tier"))
    for one in User.objects.filter(name__in=["Remy Park", "Ines Falk", "Sam Dube"]):
        assert by_owner.of(numbers[0], str(one.pk)).n, one.name
    assert by_tier.of(numbers[0], "seconds").n
    assert by_tier.of(numbers[0], "minutes").n
    assert measuring.measure(numbers, lately).of(numbers[1]).n >= 2
    spans = Passage.objects.filter(first_follow_up.ANSWERED, path="sent")
    assert spans.filter(whole__lte=timedelta(hours=1)).count() > 5
    assert spans.filter(whole__gt=timedelta(days=2)).count() > 1
    done, missed = FollowUp.objects.filter(state="completed"), FollowUp.objects.missed(at=now)
    assert set(done.values_list("how", flat=True)) == {"here", "crm"}
    assert done.exclude(pk__in=missed).count() > 5
    assert set(missed.values_list("state", flat=True)) == {"completed", "open"}


def test_each_of_their_numbers_is_of_exactly_its_rows(loaded, client):
    client.force_login(User.objects.get(email="sam@example.com"))
    shown = client.get("/dashboards/follow-up/?range=30d")
    lines = [*(line for line, _ in shown.context["owners"]), *shown.context["tiers"]]
    cells = [cell for line in lines for cell in line.cells.values()]
    assert any(cell.measured.n for cell in cells if cell.number is first_follow_up.NUMBER)
    for cell in cells:
        rows = client.get(cell.url).context["page"]
        assert len(rows.items) == cell.measured.n, cell.url


def test_whoever_a_contact_was_found_by_knows_it_again(loaded):
    """A look over all the past weeks, later on, brings none of them a second time."""
    told = Signal.objects.filter(kind__startswith="touch.").order_by("pk")
    before = list(told.values_list("pk", flat=True))
    assert len(before) > 10
    ada, now = User.objects.get(email="ada@example.com"), instant.now()
    syncs.backfill(slug="hubspot", since=now - timedelta(days=60), by=ada, at=now)
    while syncing.read_next():
        pass
    while digest.digest_batch():
        pass
    assert set(Sync.objects.values_list("state", flat=True)) == {"done"}
    assert Sync.objects.filter(kind="calls", records__gt=3).exists()
    assert list(told.values_list("pk", flat=True)) == before


def test_the_rota_has_one_gap_and_somebody_is_going_to_be_out(loaded):
    revops, now = Team.objects.get(slug="revops"), instant.now()
    assert OnCallShift.objects.filter(team=revops).not_over(now).count() >= 5
    [found] = showing.coverages([revops], at=now)
    # A whole Wednesday; what is left of today before the demo's first shift is none.
    assert found.summary == "1 gap, 8 h"
    assert [day.day.weekday() for day in found.days] == [2]
    absence = Absence.objects.get()
    assert (absence.user.name, absence.stand_in.name) == ("Ines Falk", "Remy Park")
    assert absence.starts_at > now + timedelta(days=7)


def test_what_happened_lies_in_the_past_and_in_order(loaded):
    now = instant.now()
    assert Signal.objects.filter(occurred_at__lt=now - timedelta(days=10)).exists()
    for proposal in Proposal.objects.all():
        assert proposal.changed_at < now
        told = [t.occurred_at for t in proposal.transitions.order_by("version")]
        assert told == sorted(told)
    quick = Outcome.objects.filter(state="proven").exclude(proposal__title=OUTAGE)
    for outcome in quick:
        assert outcome.proven_at - outcome.promised_at < timedelta(seconds=15)


def test_a_newcomer_finds_tickets_of_different_kinds(loaded):
    open_ones = Ticket.objects.unresolved()
    assert set(open_ones.values_list("kind", flat=True)) == {
        "delivery-failed", "dispute", "invoice-voided", "role-drift", "message-unreadable",
    }  # fmt: skip
    assert open_ones.get(kind="dispute").claimed_by.name == "Olivia Ortiz"
    drift = open_ones.get(kind="role-drift")
    # It is three hours old: in business hours nobody took it on in time.
    assert drift.owner.name == ("Rosa Marin" if drift.escalated else "Olivia Ortiz")
    over = Ticket.objects.resolved()
    assert set(over.values_list("kind", "resolution")) == {
        ("delivery-failed", "closed on evidence"), ("dispute", "closed on evidence"),
    }  # fmt: skip


def test_looking_through_the_stand_ins_tells_nothing_that_was_not_told(loaded):
    """The clock's first polls, ten minutes after the start."""

    def so_it_stands():
        tickets = Ticket.objects.order_by("pk").values_list("pk", "status", "claimed_by__name")
        proposals = Proposal.objects.order_by("pk").values_list("title", "state", "version")
        # That somebody called is heard of in the CRM alone.
        told = Signal.objects.exclude(kind__startswith="touch.")
        return list(tickets), list(proposals), told.count()

    before, later = so_it_stands(), instant.now() + timedelta(minutes=10)
    assert syncs.queue_due(at=later)
    Sync.objects.update(next_attempt_at=instant.now())
    while syncing.read_next():
        pass
    while digest.digest_batch():
        pass
    assert set(Sync.objects.values_list("state", flat=True)) == {"done"}
    assert so_it_stands() == before


def test_a_deal_without_an_amount_is_shown_without_one():
    shown = render_to_string("shell/_demo_deals.html", {"deals": [{"id": "1"}], "sandbox": ""})
    assert "—" in shown


@pytest.mark.long
def test_an_outage_of_last_week_can_be_read_up(loaded):
    ticket = Ticket.objects.resolved().get(kind="delivery-failed")
    assert ticket.record_title == OUTAGE
    tries = DeliveryAttempt.objects.filter(outcome__proposal__title=OUTAGE)
    assert tries.filter(failure="unavailable").count() >= 4
    assert not tries.order_by("-at").first().failure
    assert Connection.objects.get(slug="hubspot").breaker == "closed"


def test_the_crm_holds_each_deal_once_and_the_quoting_tool_each_document(loaded):
    deals = sandbox_control.objects("deals", most=100)
    named = [deal["properties"]["dealname"] for deal in deals]
    # Two never went out: a draft, and what could not be read.
    assert len(named) == len(set(named)) == 19
    linked = RecordLink.objects.filter(kind="document")
    there = {one["id"] for one in sandbox_control.documents()}
    assert set(linked.values_list("external_id", flat=True)) <= there
    states = {one["name"]: one["state"] for one in sandbox_control.documents()}
    assert states["Harbour crane sensors"] == "completed"
    assert states["Ferry terminal displays"] == "declined"


@pytest.mark.long
def test_a_draft_of_the_routing_rules_waits_to_be_published(loaded):
    drafted = rulebook.draft()
    assert drafted.submitted_by.name == "Olivia Ortiz"
    rule_set = rules.read(drafted.content)
    tally = backtest.whole(rule_set, now=instant.now())
    assert backtest.summary(rule_set, tally).others


def test_loaded_again_it_adds_nothing(loaded):
    before = _counts()
    call_command("demo")
    assert _counts() == before
    assert health.readiness()["demo"] == "loaded"


@pytest.mark.long
def test_after_a_change_of_ports_it_follows(loaded, settings, monkeypatch):
    before = _counts()
    with Sandbox() as moved:
        settings.SANDBOX_URL = moved.url
        monkeypatch.setenv("PORT", "8124")
        call_command("demo")
        assert _shown(moved)["webhook_url"] == "http://127.0.0.1:8124/hooks/pandadoc/"
    assert Connection.objects.get(slug="hubspot").base_url == f"{moved.url}/hubspot"
    assert _counts() == before


@pytest.mark.long
def test_a_connection_that_an_admin_pointed_elsewhere_stays_there(loaded):
    Connection.objects.filter(slug="hubspot").update(base_url="https://api.example.com")
    call_command("demo")
    assert Connection.objects.get(slug="hubspot").base_url == "https://api.example.com"


def test_without_the_stand_ins_nothing_is_made(db, settings):
    with Sandbox() as gone:
        settings.SANDBOX_URL = gone.url
    with pytest.raises(CommandError, match="stand-in vendors do not answer"):
        call_command("demo")
    assert not User.objects.exists()
    settings.SANDBOX_URL = ""
    with pytest.raises(CommandError, match="make run"):
        call_command("demo")


@pytest.mark.long
def test_cut_off_in_the_middle_it_begins_again_without_doubles(db, sandbox, monkeypatch):
    calls = iter(range(100))

    def dies(*args, **options):
        if next(calls) == 20:
            raise KeyboardInterrupt
        return move(*args, **options)

    move = sandbox_control.move_document
    monkeypatch.setattr(sandbox_control, "move_document", dies)
    with pytest.raises(KeyboardInterrupt):
        call_command("demo")
    assert not Proposal.objects.exists()
    monkeypatch.setattr(sandbox_control, "move_document", move)
    call_command("demo")
    named = [one["name"] for one in sandbox_control.documents()]
    assert len(named) == len(set(named)) == 21
    tasks = sandbox_control.objects("tasks", most=200)
    keys = [one["properties"]["meshline_key"] for one in tasks]
    assert len(keys) == len(set(keys))
    left = Outcome.objects.exclude(state__in=["proven", "cancelled"])
    assert [(one.name, str(one.proposal)) for one in left] == [NOT_INVOICED]
    invoices = sandbox_control.invoices(most=100)
    billed = [one["metadata"]["meshline_proposal"] for one in invoices]
    assert len(billed) == len(set(billed)) == 4


# --- The page --------------------------------------------------------------------------------
OFFER = {
    "name": "Wind tunnel upgrade", "amount": "18400.00", "currency": "EUR",
    "owner": "remy@example.com", "customer": "Nina Brook",
}  # fmt: skip


@pytest.fixture
def told(staff, sandbox):
    """The stand-ins know their keys, and nobody is told of their documents."""
    demo.tell_stand_ins(listening=False)
    return sandbox


@pytest.fixture
def olivia_plays(client, staff):
    client.force_login(staff["olivia"])
    return client


def act(client, what, **asked):
    """What the page said after an act."""
    answer = client.post(f"/demo/{what}/", asked)
    assert answer.status_code == 303, answer.content
    return page(client)


def page(client):
    answer = client.get("/demo/")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_a_newcomer_creates_and_sends_a_proposal(told, olivia_plays):
    shown = act(olivia_plays, "create", **OFFER)
    assert "“Wind tunnel upgrade” was sent from the quoting tool." in shown
    (made,) = sandbox_control.documents()
    assert (made["state"], made["amount"], made["currency"]) == ("sent", "18400.00", "EUR")
    assert made["owner"]["email"] == "remy@example.com"
    assert made["recipients"][0]["email"] == "nina.brook@customer.example.com"


def test_or_keeps_it_a_draft(told, olivia_plays):
    assert "is a draft" in act(olivia_plays, "create", draft="1", **OFFER)
    assert sandbox_control.documents()[0]["state"] == "draft"


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": "much"}, {"amount": "-1"}, {"currency": "XXX"}, {"name": ""},
        {"owner": "stranger@elsewhere.test"}, {"currency": "JPY", "amount": "1.50"},
    ],
)  # fmt: skip
def test_an_offer_that_cannot_be_is_shown_again(told, olivia_plays, wrong):
    answer = olivia_plays.post("/demo/create/", OFFER | wrong)
    assert answer.status_code == 422
    assert sandbox_control.documents() == []


@pytest.mark.parametrize("name", ["<b>x</b>", "Ünïcödé", "a" * 120])
def test_whatever_it_is_called_it_is_text(told, olivia_plays, name):
    shown = act(olivia_plays, "create", **(OFFER | {"name": name, "customer": "李 王"}))
    assert "<b>x</b>" not in shown
    assert sandbox_control.documents()[0]["name"] == name


def test_a_customer_signs_and_what_cannot_be_done_is_a_sentence(told, olivia_plays):
    act(olivia_plays, "create", **OFFER)
    number = sandbox_control.documents()[0]["id"]
    assert "is completed in the quoting tool." in act(
        olivia_plays, "move", document=number, action="sign"
    )
    answer = olivia_plays.post(
        "/demo/move/", {"document": number, "action": "send"}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 409
    assert "A document that is completed cannot be sent." in answer.content.decode()


@pytest.mark.parametrize("number", ["../../reset?", "x/../../../reset#", "", "ä", "a b"])
def test_no_address_but_a_documents_is_asked(told, olivia_plays, number):
    act(olivia_plays, "create", **OFFER)
    asked = {"document": number, "action": "send"}
    answer = olivia_plays.post("/demo/move/", asked, headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert len(sandbox_control.documents()) == 1


def test_switches_go_on_and_off_and_the_last_one_is_met_first(told, olivia_plays):
    assert "CRM down: on." in act(olivia_plays, "switch", switch="crm-down", on="1")
    act(olivia_plays, "switch", switch="crm-ghost", on="1")
    act(olivia_plays, "switch", switch="quoting-doubled", on="1")
    assert [one["kind"] for one in sandbox_control.faults("hubspot")] == ["ghost_200", "down"]
    assert page(olivia_plays).count("Switch off") == 3
    assert "CRM down: off." in act(olivia_plays, "switch", switch="crm-down", on="0")
    assert [one["kind"] for one in sandbox_control.faults("hubspot")] == ["ghost_200"]
    assert [one["kind"] for one in sandbox_control.faults("pandadoc")] == ["webhook_double"]


def test_every_switch_is_a_fault_the_stand_ins_know(told, olivia_plays):
    for one in demo_page.SWITCHES:
        assert f"{one.label}: on." in act(olivia_plays, "switch", switch=one.slug, on="1").replace(
            "&#x27;", "'"
        )
    assert page(olivia_plays).count("Switch off") == len(demo_page.SWITCHES)


def test_a_fault_that_is_used_up_is_off(told, olivia_plays):
    sandbox_control.break_it("hubspot", [{"kind": "down", "times": 1}])
    assert page(olivia_plays).count("Switch off") == 1
    http.call("GET", f"{told.url}/hubspot/crm/v3/owners", allow_loopback=True)
    assert page(olivia_plays).count("Switch off") == 0


@pytest.mark.long
def test_the_crm_is_shown_as_it_is_also_while_it_is_down(loaded, client):
    client.force_login(User.objects.get(email="olivia@example.com"))
    sandbox_control.break_it("hubspot", [{"kind": "down"}])
    shown = page(client)
    assert "Follow up: Quarry weighbridge" in shown
    assert "3 of 3 proven" in shown
    assert "26,300.00 EUR" in shown


@pytest.mark.long
def test_people_see_here_only_the_proposals_they_see(loaded, client):
    client.force_login(User.objects.get(email="remy@example.com"))
    mine = Proposal.objects.get(title="Salt works pumps")
    other = Proposal.objects.get(title="Archive fire detection")
    shown = page(client)
    assert f"/proposals/{mine.pk}/" in shown
    assert f"/proposals/{other.pk}/" not in shown


def test_stand_ins_that_do_not_answer_are_a_sentence(staff, olivia_plays, settings):
    with Sandbox() as gone:
        settings.SANDBOX_URL = gone.url
    assert "The stand-in vendors do not answer" in page(olivia_plays)
    assert "The stand-in vendors do not answer" in act(olivia_plays, "create", **OFFER)


def test_without_stand_ins_there_is_no_such_page(staff, olivia_plays, settings):
    settings.SANDBOX_URL = ""
    assert olivia_plays.get("/demo/").status_code == 404
    assert olivia_plays.post("/demo/create/", OFFER).status_code == 404


def test_there_is_no_other_act(told, olivia_plays):
    assert olivia_plays.post("/demo/reset/").status_code == 404


def _counts():
    return {
        model.__name__: model.objects.count()
        for model in (User, Connection, Message, Proposal, Outcome, Ticket, DeliveryAttempt)
    }


def _shown(sandbox):
    return sandbox_control.ask("GET", "/configure")["pandadoc"]


def test_a_newcomer_finds_what_is_signed_and_not_invoiced(loaded):
    found = {row.title: row.lacks for row in unbilled.rows()}
    assert found == {"Fleet telemetry, year two": "given-up", "Cold-room monitoring": "void"}
