"""The demo company: loaded through the real doors, once, and believable everywhere."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from connectors.models import Connection, DeliveryAttempt, Message, RecordLink
from connectors.sandbox import Sandbox
from exceptions.models import Ticket
from meshline import instant
from meshline.people.models import User
from meshline.shell import demo, health, sandbox_control
from proposals.models import Outcome, Proposal, Signal

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


def test_the_story_is_in_every_state_and_mostly_proven(loaded):
    states = set(Proposal.objects.values_list("state", flat=True))
    wanted = {"draft", "sent", "viewed", "signed", "disputed", "expired", "closed-won"}
    assert states == wanted | {"closed-lost"}
    assert Proposal.objects.count() == 13
    left = Outcome.objects.exclude(state__in=["proven", "cancelled"])
    assert [str(one) for one in left] == []
    assert Outcome.objects.filter(state="proven").count() > 50


def test_what_happened_lies_in_the_past_and_in_order(loaded):
    now = instant.now()
    assert Signal.objects.filter(occurred_at__lt=now - timedelta(days=10)).exists()
    for proposal in Proposal.objects.all():
        assert proposal.changed_at < now
        told = [t.occurred_at for t in proposal.transitions.order_by("version")]
        assert told == sorted(told)
    quick = Outcome.objects.filter(state="proven").exclude(proposal__title=OUTAGE)
    for outcome in quick:
        assert outcome.proven_at - outcome.promised_at < timedelta(seconds=10)


def test_a_newcomer_finds_tickets_of_different_kinds(loaded):
    open_ones = Ticket.objects.unresolved()
    assert set(open_ones.values_list("kind", flat=True)) == {
        "dispute", "role-drift", "message-unreadable",
    }  # fmt: skip
    assert open_ones.get(kind="dispute").claimed_by.name == "Olivia Ortiz"
    assert open_ones.get(kind="role-drift").owner.name == "Olivia Ortiz"
    over = Ticket.objects.resolved()
    assert set(over.values_list("kind", "resolution")) == {
        ("delivery-failed", "closed on evidence"), ("dispute", "closed on evidence"),
    }  # fmt: skip


def test_an_outage_of_last_week_can_be_read_up(loaded):
    ticket = Ticket.objects.get(kind="delivery-failed")
    assert ticket.record_title == OUTAGE
    tries = DeliveryAttempt.objects.filter(outcome__proposal__title=OUTAGE)
    assert tries.filter(failure="unavailable").count() >= 4
    assert not tries.order_by("-at").first().failure
    assert Connection.objects.get(slug="hubspot").breaker == "closed"


def test_the_crm_holds_each_deal_once_and_the_quoting_tool_each_document(loaded):
    deals = sandbox_control.objects("deals", most=100)
    named = [deal["properties"]["dealname"] for deal in deals]
    # Two never went out: a draft, and what could not be read.
    assert len(named) == len(set(named)) == 12
    linked = RecordLink.objects.filter(kind="document")
    there = {one["id"] for one in sandbox_control.documents()}
    assert set(linked.values_list("external_id", flat=True)) <= there
    states = {one["name"]: one["state"] for one in sandbox_control.documents()}
    assert states["Harbour crane sensors"] == "completed"
    assert states["Ferry terminal displays"] == "declined"


def test_loaded_again_it_adds_nothing(loaded):
    before = _counts()
    call_command("demo")
    assert _counts() == before
    assert health.readiness()["demo"] == "loaded"


def test_after_a_change_of_ports_it_follows(loaded, settings, monkeypatch):
    before = _counts()
    with Sandbox() as moved:
        settings.SANDBOX_URL = moved.url
        monkeypatch.setenv("PORT", "8124")
        call_command("demo")
        assert _shown(moved)["webhook_url"] == "http://127.0.0.1:8124/hooks/pandadoc/"
    assert Connection.objects.get(slug="hubspot").base_url == f"{moved.url}/hubspot"
    assert _counts() == before


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
    assert len(named) == len(set(named)) == 14
    tasks = sandbox_control.objects("tasks", most=200)
    keys = [one["properties"]["meshline_key"] for one in tasks]
    assert len(keys) == len(set(keys))
    left = Outcome.objects.exclude(state__in=["proven", "cancelled"])
    assert [(one.name, one.last_error) for one in left] == []


def _counts():
    return {
        model.__name__: model.objects.count()
        for model in (User, Connection, Message, Proposal, Outcome, Ticket, DeliveryAttempt)
    }


def _shown(sandbox):
    return sandbox_control.ask("GET", "/configure")["pandadoc"]
