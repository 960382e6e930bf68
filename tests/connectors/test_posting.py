"""Notices leave the house: retried, one ticket for a channel that fails, in Slack at most once."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client

from connectors import connections, health, jobs, posting
from connectors.base import Trouble
from connectors.mail import deliver
from connectors.models import Connection
from connectors.sandbox import Sandbox
from exceptions.models import Ticket
from meshline import instant
from meshline.notices import choosing, notices, sendings
from meshline.notices.choosing import Choice
from meshline.notices.models import Notice, Preferences, Sending
from meshline.shell import sandbox_control
from tests import factories

pytestmark = pytest.mark.django_db

CHANNEL = {"id": "C0DEALS", "name": "deals"}
OLIVIA = {"id": "U0OLIVIA", "email": "olivia@example.com", "name": "olivia"}


class Slack:
    """The stand-in, and how it breaks."""

    def breaks(self, *faults):
        sandbox_control.break_it("slack", list(faults))

    def messages(self):
        asked = sandbox_control.ask("GET", "/slack/messages")
        return [(one["channel"], one["text"]) for one in asked["results"]]

    def configure(self, **values):
        sandbox_control.configure(slack=values)


@pytest.fixture
def slack(staff, settings):
    with Sandbox() as sandbox:
        settings.SANDBOX_URL = sandbox.url
        sandbox_control.configure(
            slack={"token": "xoxb-1", "channels": [CHANNEL], "members": [OLIVIA]}
        )
        factories.connected("slack", base_url=f"{sandbox.url}/slack", credential="xoxb-1")
        yield Slack()


@pytest.fixture
def broken_mail(monkeypatch):
    """Sending mail fails as long as `trouble` is set."""
    state = {"trouble": Trouble("No route.", failure="unavailable", unknown=True), "tries": 0}
    letter = deliver.letter

    def fails(*args, **options):
        state["tries"] += 1
        if state["trouble"]:
            raise state["trouble"]
        return letter(*args, **options)

    monkeypatch.setattr(deliver, "letter", fails)
    return state


def by(user, *channels):
    choosing.settle(Choice(channels={"ticket": list(channels)}), by=user, at=instant.now())


def tell(user, text="Look", key="k", **more):
    return notices.tell(user, text, key=key, at=instant.now(), **{"kind": "ticket", **more})


def it_is_quiet(user):
    """Now, and for hours."""
    now = instant.now()
    starts, ends = now - timedelta(hours=1), now + timedelta(hours=2)
    nights = [(day, f"{starts:%H:%M}", f"{ends:%H:%M}") for day in range(7)]
    Preferences.objects.filter(user=user).update(quiet=nights, critical_breaks_through=True)


def soon():
    """As if the wait were over."""
    Sending.objects.filter(state="due").update(next_attempt_at=instant.now())


def looked():
    """How what was told fares; the notice of a ticket about it stands apart."""
    return Sending.objects.get(notice__text="Look")


def sent():
    return [letter.subject for letter in mail.outbox]


# --- Slack -----------------------------------------------------------------------------------
def test_a_person_is_written_directly_by_their_e_mail(slack, staff, settings):
    by(staff["olivia"], "slack")
    tell(staff["olivia"], "<Ferry> & co", url="/queue/7/")
    posting.drain()
    assert slack.messages() == [
        ("D0OLIVIA", f"&lt;Ferry&gt; &amp; co <{settings.PUBLIC_URL}/queue/7/|Open>")
    ]
    one = Sending.objects.get()
    assert (one.state, one.external_id[:8]) == ("sent", "D0OLIVIA")


def test_whom_slack_knows_by_another_e_mail_says_who_they_are(slack, staff):
    slack.configure(members=[{**OLIVIA, "email": "ortiz@example.com"}])
    by(staff["olivia"], "slack")
    tell(staff["olivia"])
    posting.drain()
    one = Sending.objects.get()
    assert (one.state, one.failure) == ("given_up", "recipient")
    assert "Enter your Slack member id" in one.why
    # Her own trouble: neither a ticket nor a reason to leave others waiting.
    assert not Ticket.objects.exists()
    client = Client()
    client.force_login(staff["olivia"])
    assert "Enter your Slack member id" in client.get("/profile/notices/").text
    Preferences.objects.update(slack_id="U0OLIVIA")
    tell(staff["olivia"], key="again")
    posting.drain()
    assert [channel for channel, _ in slack.messages()] == ["D0OLIVIA"]


def test_what_may_have_arrived_in_slack_is_never_sent_again(slack, staff):
    by(staff["olivia"], "slack")
    tell(staff["olivia"])
    slack.breaks({"kind": "commit_then_reset", "match": {"path": "chat.postMessage"}})
    posting.drain()
    assert len(slack.messages()) == 1
    assert (looked().state, looked().failure) == ("given_up", posting.UNKNOWN)
    ticket = Ticket.objects.get(kind="notices-stuck")
    slack.breaks()
    # Not by a person's button, either: nobody can tell whether it arrived.
    posting.retry(ticket, channel="slack", by=staff["olivia"], at=instant.now())
    assert looked().state == "given_up"
    # The next that goes through, here the ticket's own notice, closes the ticket.
    soon()
    posting.drain()
    assert [text[:10] for _, text in slack.messages()] == ["New ticket", "Look"]
    ticket.refresh_from_db()
    assert ticket.status == "resolved"


def test_what_died_on_the_way_to_slack_is_not_sent_again(slack, staff):
    by(staff["olivia"], "slack")
    tell(staff["olivia"])
    sendings.claim(["slack"], lease_seconds=60)
    Sending.objects.update(lease_until=instant.now())
    posting.drain()
    assert slack.messages() == []
    assert looked().failure == posting.UNKNOWN


def test_what_died_on_the_way_to_slack_is_not_sent_after_quiet_hours_either(slack, staff):
    by(staff["olivia"], "slack")
    tell(staff["olivia"])
    sendings.claim(["slack"], lease_seconds=60)
    Sending.objects.update(lease_until=instant.now())
    it_is_quiet(staff["olivia"])
    posting.drain()
    assert (looked().state, looked().failure) == ("given_up", posting.UNKNOWN)
    Preferences.objects.update(quiet=[])
    soon()
    posting.drain()
    assert "Look" not in [text for _, text in slack.messages()]


def test_a_refused_token_pauses_the_connection_and_what_waits_follows_the_new_one(slack, staff):
    by(staff["olivia"], "slack")
    tell(staff["olivia"])
    slack.configure(token="xoxb-2")
    posting.drain()
    assert Connection.objects.get(slug="slack").status == "paused"
    assert Ticket.objects.filter(kind="credentials-refused").count() == 1
    assert not Ticket.objects.filter(kind="notices-stuck").exists()
    assert posting.open_channels() == ["email"]
    at = instant.now()
    connections.enter_secret(
        slug="slack", purpose="credential", secret="xoxb-2", by=staff["ada"], at=at
    )
    connections.set_status(slug="slack", status="active", reason="", by=staff["ada"], at=at)
    soon()
    posting.drain()
    assert "Look" in str(slack.messages())


def test_a_refusal_of_the_token_before_stops_nobody_who_has_a_new_one(slack, staff, monkeypatch):
    by(staff["olivia"], "slack")
    tell(staff["olivia"])
    slack.configure(token="xoxb-2")
    letter = posting.slack.letter

    def answered_late(*args, **options):
        connections.enter_secret(
            slug="slack", purpose="credential", secret="xoxb-2", by=staff["ada"], at=instant.now()
        )
        return letter(*args, **options)

    monkeypatch.setattr(posting.slack, "letter", answered_late)
    posting.drain()
    assert Connection.objects.get(slug="slack").status == "active"
    assert not Ticket.objects.filter(kind="credentials-refused").exists()
    soon()
    posting.drain()
    assert "Look" in str(slack.messages())


def test_a_chat_that_is_no_slack_is_no_channel(slack):
    Connection.objects.filter(slug="slack").update(system="outgoing-webhook")
    assert posting.open_channels() == ["email"]


# --- E-mail ----------------------------------------------------------------------------------
def test_a_failure_is_tried_again_with_growing_waits_and_then_arrives_once(staff, broken_mail):
    by(staff["olivia"], "email")
    tell(staff["olivia"])
    waits = []
    for _ in range(3):
        soon()
        at = instant.now()
        posting.drain()
        one = Sending.objects.get()
        waits.append((one.next_attempt_at - at).total_seconds())
    assert (one.state, one.attempts, one.failure) == ("due", 3, "unavailable")
    assert waits[2] > waits[0] >= 5
    broken_mail["trouble"] = None
    soon()
    posting.drain()
    assert sent() == ["Look"]
    assert Sending.objects.get().state == "sent"


def test_a_channel_that_fails_is_left_alone_and_tried_with_one_message_every_30_s(
    staff, broken_mail
):
    for name in ("olivia", "rosa", "sam"):
        by(staff[name], "email")
        tell(staff[name])
    posting.drain()
    assert broken_mail["tries"] == 1
    later = Sending.objects.filter(attempts=0)
    assert later.count() == 2
    assert all(one.next_attempt_at > instant.now() + timedelta(seconds=25) for one in later)
    assert not posting.something_is_due()


def test_a_channel_that_fails_as_a_whole_has_one_ticket(staff, broken_mail):
    people = [staff[name] for name in ("olivia", "rosa", "sam")]
    for number, user in enumerate(people):
        by(user, "email")
        for more in range(5):
            tell(user, key=f"{number}-{more}")
    broken_mail["trouble"] = Trouble("Name not accepted.", failure="credentials", permanent=True)
    for _ in range(4):
        soon()
        posting.drain()
    assert set(Sending.objects.values_list("state", flat=True)) == {"given_up"}
    ticket = Ticket.objects.get()
    assert (ticket.kind, ticket.cause) == ("notices-stuck", "notices:email")
    assert ticket.occurrences == 1
    # Its owner hears of it in the app, once.
    assert Notice.objects.filter(text__startswith="New ticket for you").count() == 1
    # A person has mended it, and says so with the ticket's button.
    broken_mail["trouble"] = None
    client = Client()
    client.force_login(staff["olivia"])
    assert "Send again" in client.get(f"/queue/{ticket.pk}/").text
    assert client.post(f"/queue/{ticket.pk}/retry/").status_code == 303
    assert "notices go out again now." in client.get(f"/queue/{ticket.pk}/").text
    posting.drain()
    assert sent().count("5 notices") == 3
    ticket.refresh_from_db()
    assert ticket.status == "resolved"


def test_a_longer_outage_has_its_ticket_while_retries_go_on_behind_it(staff, broken_mail):
    by(staff["olivia"], "email")
    tell(staff["olivia"])
    posting.drain()
    assert not Ticket.objects.exists()
    Sending.objects.update(first_failed_at=instant.now() - posting.TICKET_AFTER)
    soon()
    posting.drain()
    assert Ticket.objects.get().kind == "notices-stuck"
    assert Sending.objects.filter(notice__text="Look").get().state == "due"


def test_quiet_hours_between_two_tries_change_no_message_id(staff, broken_mail):
    by(staff["olivia"], "email")
    for text in ("Look", "And look"):
        tell(staff["olivia"], text, key=text)
    posting.drain()
    parcel = looked().parcel
    it_is_quiet(staff["olivia"])
    soon()
    posting.drain()
    assert broken_mail["tries"] == 1
    held = looked()
    assert (held.state, held.was_held, held.attempts) == ("due", True, 1)
    # What is told meanwhile does not go under the id of what may be out.
    tell(staff["olivia"], "Late", key="late")
    broken_mail["trouble"] = None
    Preferences.objects.update(quiet=[])
    soon()
    posting.drain()
    ids = {letter.subject: letter.extra_headers["Message-ID"] for letter in mail.outbox}
    assert set(ids) == {"2 notices from your quiet hours", "Late"}
    assert str(parcel) in ids["2 notices from your quiet hours"]


def test_what_was_tried_together_is_not_parted_by_quiet_hours(staff, broken_mail):
    by(staff["olivia"], "email")
    tell(staff["olivia"])
    tell(staff["olivia"], "Fire", key="fire", is_critical=True)
    posting.drain()
    it_is_quiet(staff["olivia"])
    broken_mail["trouble"] = None
    soon()
    posting.drain()
    assert sent() == ["2 notices"]


def test_an_address_that_takes_no_mail_is_that_persons_trouble(staff, broken_mail):
    by(staff["olivia"], "email")
    tell(staff["olivia"])
    broken_mail["trouble"] = Trouble("550 no", failure=deliver.RECIPIENT, permanent=True)
    posting.drain()
    assert not Ticket.objects.exists()
    assert Sending.objects.get().state == "given_up"


def test_a_full_mailbox_leaves_nobody_else_waiting_and_is_tried_again(staff, monkeypatch):
    letter, full = deliver.letter, ["olivia@example.com"]

    def takes(written, *, to, key):
        if to in full:
            raise Trouble("452 mailbox full", failure=deliver.MAILBOX)
        return letter(written, to=to, key=key)

    monkeypatch.setattr(deliver, "letter", takes)
    for name in ("olivia", "rosa", "sam"):
        by(staff[name], "email")
        tell(staff[name])
    posting.drain()
    assert sorted(one.to[0] for one in mail.outbox) == ["rosa@example.com", "sam@example.com"]
    # However long it lasts, it is no ticket of the channel's.
    Sending.objects.filter(state="due").update(first_failed_at=instant.now() - timedelta(hours=2))
    soon()
    posting.drain()
    one = Sending.objects.get(user=staff["olivia"])
    assert (one.state, one.attempts, one.failure) == ("due", 2, deliver.MAILBOX)
    assert not Ticket.objects.exists()
    full.clear()
    soon()
    posting.drain()
    assert Sending.objects.get(user=staff["olivia"]).state == "sent"


def test_what_takes_its_sender_down_three_times_is_given_up(staff):
    by(staff["olivia"], "email")
    tell(staff["olivia"])
    for _ in range(3):
        sendings.claim(["email"], lease_seconds=60)
        Sending.objects.update(lease_until=instant.now())
    posting.drain()
    assert sent() == []
    assert looked().failure == "crashed"


def test_our_own_fault_is_a_failure_like_any_other(staff, monkeypatch):
    by(staff["olivia"], "email")
    tell(staff["olivia"])
    monkeypatch.setattr(posting.letters, "write", lambda *a, **b: 1 / 0)
    posting.drain()
    one = Sending.objects.get()
    assert (one.state, one.failure) == ("due", "crashed")
    assert "ZeroDivisionError" in one.why


def test_one_broken_channel_does_not_hold_up_the_other(slack, staff, broken_mail):
    by(staff["olivia"], "email", "slack")
    for number in range(3):
        tell(staff["olivia"], key=str(number))
    posting.drain()
    assert len(slack.messages()) == 1
    assert set(Sending.objects.filter(channel="slack").values_list("state", flat=True)) == {"sent"}


def test_what_was_tried_together_is_tried_together_and_with_nothing_else(staff, broken_mail):
    by(staff["olivia"], "email")
    for number in range(2):
        tell(staff["olivia"], f"Early {number}", key=str(number))
    posting.drain()
    tell(staff["olivia"], "Late", key="late")
    broken_mail["trouble"] = None
    soon()
    posting.drain()
    assert sorted(sent()) == ["2 notices", "Late"]


def test_the_clock_wakes_the_sender_and_frees_what_a_dead_one_held(staff):
    by(staff["olivia"], "email")
    assert not posting.something_is_due()
    tell(staff["olivia"])
    assert posting.something_is_due()
    sendings.claim(["email"], lease_seconds=60)
    assert not posting.something_is_due()
    Sending.objects.update(lease_until=instant.now() - timedelta(seconds=6))
    jobs.free_lapsed()
    one = Sending.objects.get()
    assert (one.state, one.crashes) == ("due", 1)
    jobs.post_notices()
    assert sent() == ["Look"]


# --- A connection that stands still ----------------------------------------------------------
def test_who_answers_for_connections_hears_of_a_pause_but_not_who_paused_it(staff):
    factories.hubspot(owner=staff["ada"])
    for reason in ("They migrate.", "They still migrate."):
        connections.set_status(
            slug="hubspot", status="paused", reason=reason, by=staff["olivia"], at=instant.now()
        )
    told = Notice.objects.filter(kind="connection")
    assert {one.user for one in told} == {staff["ada"], staff["rosa"]}
    assert told[0].text == ("HubSpot was paused by Olivia Ortiz (RevOps operator): They migrate.")
    assert told[0].url == "/connections/hubspot/"


def test_refused_credentials_are_told_each_person_once(staff):
    hubspot = factories.hubspot(owner=staff["ada"])
    credential = hubspot.secrets.get().pk
    for _ in range(3):
        health.credentials_refused("hubspot", "401", credential=credential, at=instant.now())
    told = list(Notice.objects.order_by("pk").values_list("user__name", "kind"))
    assert sorted(told) == [
        ("Ada Stone", "connection"), ("Olivia Ortiz", "ticket"), ("Rosa Marin", "connection"),
    ]  # fmt: skip
