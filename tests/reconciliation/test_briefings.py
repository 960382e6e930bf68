"""The daily digest: at one's hour, once a day, on working days, and only with something to say."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail

from connectors import posting
from exceptions import desk, troubles
from exceptions.troubles import Trouble
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.notices.models import Notice, Preferences, Sending
from meshline.people.models import User
from meshline.policy.models import BusinessCalendar, Holiday
from proposals.models import Proposal
from reconciliation import briefings
from tests import factories
from tests.factories import MONDAY

pytestmark = pytest.mark.django_db

EIGHT = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)  # a Tuesday


def open_one(number, at=MONDAY):
    return troubles.open_ticket(
        Trouble(
            kind="delivery-failed", cause=f"c{number}", title=f"Trouble {number}", reason="x",
            subject=f"outcome:{number}", evidence={"x": 1},
        ),
        by=SETUP,
        at=at,
    )  # fmt: skip


def digests():
    return list(Notice.objects.filter(kind="digest").order_by("pk"))


def test_it_says_what_is_mine_and_open_and_what_is_overdue(staff):
    for number in range(12):
        open_one(number)
    assert briefings.send_due(at=EIGHT) == 1
    [told] = digests()
    assert told.user == staff["olivia"]
    assert told.text == "Your day: 12 open, 12 of them overdue."
    assert told.lines[0]["text"] == "Overdue: Trouble 0"
    assert told.lines[-1] == {"text": "And 2 more in the queue", "url": "/queue/"}


def test_it_comes_once_a_day_at_the_persons_own_hour(staff):
    open_one(1)
    User.objects.update(zone="America/New_York")
    assert briefings.send_due(at=EIGHT) == 0
    # Eight there is thirteen here.
    for _ in range(3):
        briefings.send_due(at=EIGHT + timedelta(hours=5))
    briefings.send_due(at=EIGHT + timedelta(hours=10))
    assert len(digests()) == 1
    briefings.send_due(at=EIGHT + timedelta(days=1, hours=5))
    assert len(digests()) == 2


def test_not_on_days_on_which_the_team_does_not_work(staff):
    open_one(1)
    assert briefings.send_due(at=EIGHT - timedelta(days=2)) == 0  # Sunday
    Holiday.objects.create(
        calendar=BusinessCalendar.objects.get(is_default=True), day=EIGHT.date(), name="Fair"
    )
    assert briefings.send_due(at=EIGHT) == 0


def test_who_wants_none_and_who_has_nothing_to_hear_gets_none(staff):
    open_one(1)
    Preferences.objects.create(user=staff["olivia"], digest_at="never")
    assert briefings.send_due(at=EIGHT) == 0
    assert digests() == []


def test_a_rep_hears_what_moved_and_what_is_to_be_followed_up(staff):
    factories.pandadoc()
    factories.post_pandadoc([factories.document("sent")])
    factories.digest_all()
    at = instant.now()
    at = at.replace(hour=9) + timedelta(days=(7 - at.weekday()) % 7 or 7)  # a Monday
    Proposal.objects.update(next_follow_up_at=at + timedelta(hours=3))
    told = briefings.of(staff["remy"], since=at - timedelta(days=14), at=at)
    assert told.sentence == "Your day: 1 to follow up, 1 changed."
    assert [one["text"] for one in told.lines] == [
        "Follow up: Website relaunch", "Sent: Website relaunch",
    ]  # fmt: skip
    assert briefings.of(staff["sam"], since=at - timedelta(days=14), at=at) is None


def test_what_others_closed_is_a_change(staff):
    ticket = open_one(1)
    desk.resolve(ticket_id=ticket.pk, resolution="fixed", by=staff["rosa"], at=MONDAY)
    told = briefings.of(staff["olivia"], since=MONDAY - timedelta(hours=1), at=EIGHT)
    assert [one["text"] for one in told.lines] == ["Closed: Trouble 1"]


def test_it_goes_out_like_any_notice_with_its_lines(staff):
    open_one(1, at=instant.now())
    Preferences.objects.create(
        user=staff["olivia"], channels={"digest": ["email"], "ticket": []}, digest_at="00:00"
    )
    weekday = instant.now()
    BusinessCalendar.objects.update(windows=[[day, "09:00", "17:00"] for day in range(7)])
    assert briefings.send_due(at=weekday) == 1
    Sending.objects.filter(notice__kind="ticket").delete()
    posting.drain()
    [letter] = [one for one in mail.outbox if one.to == ["olivia@example.com"]]
    assert letter.subject == "Your day: 1 open."
    assert "- Due" in letter.body
    assert "/queue/" in letter.body
