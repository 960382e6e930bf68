"""Telling: once per change and person, over what they chose, and what is masked for whom."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction

from connectors import posting
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.notices import choosing, kinds, letters, notices, preferences, sendings, tidings
from meshline.notices.choosing import Choice, PreferenceError, Stale
from meshline.notices.models import Notice, Preferences, Sending
from meshline.notices.notices import News
from meshline.people.models import User
from meshline.people.permissions import Role
from meshline.policy import drafts
from proposals import publications
from proposals.contracts import publishing, versions
from proposals.models import Contract
from tests import factories
from tests.factories import MONDAY

pytestmark = pytest.mark.django_db


def tell(user, text="Look", key="k", **more):
    return notices.tell(user, text, key=key, at=instant.now(), **{"kind": "ticket", **more})


def choose(user, *over, kind="ticket", **more):
    choice = Choice(channels={kind: list(over)}, **more)
    return choosing.settle(choice, by=user, at=instant.now())


def states(user):
    rows = Sending.objects.filter(user=user).order_by("pk")
    return [(one.channel, one.state) for one in rows]


# --- Once ------------------------------------------------------------------------------------
def test_the_same_change_is_told_each_person_once(olivia, rosa):
    for user in (olivia, rosa, olivia):
        tell(user)
    assert Notice.objects.count() == 2
    first = tell(olivia, "Look, said otherwise")
    assert first.text == "Look"


def test_several_at_once_tell_only_what_is_new(olivia):
    choose(olivia, "email")
    old = tell(olivia, key="a")
    news = [News(olivia, key, key, kind="ticket") for key in ("a", "b", "b", "c")]
    told = notices.tell_all(news, at=instant.now())
    assert told == {
        "a": old.pk, "b": Notice.objects.get(key="b").pk, "c": Notice.objects.get(key="c").pk
    }  # fmt: skip
    assert Sending.objects.count() == 3


def test_what_is_rolled_back_was_never_told(olivia):
    choose(olivia, "email")
    with transaction.atomic():
        tell(olivia)
        transaction.set_rollback(True)
    assert (Notice.objects.count(), Sending.objects.count()) == (0, 0)


# --- What they chose -------------------------------------------------------------------------
def test_who_chose_nothing_is_told_as_their_role_is(staff):
    factories.connected("slack")
    for name in ("olivia", "remy", "ada"):
        tell(staff[name], kind="escalated")
        tell(staff[name], kind="connection", key="2")
        tell(staff[name], kind="sla-50", key="3")
    assert states(staff["olivia"]) == [("email", "due"), ("slack", "due")]
    assert states(staff["ada"]) == [("email", "due"), ("slack", "due")] * 2


def test_nothing_is_promised_over_a_channel_that_leads_nowhere(olivia, settings):
    settings.EMAIL_GOES_OUT = False
    tell(olivia, kind="escalated")
    assert states(olivia) == []


def test_who_is_no_longer_here_is_told_nothing_outside(olivia):
    choose(olivia, "email")
    tell(olivia)
    User.objects.filter(pk=olivia.pk).update(is_active=False)
    posting.drain()
    assert mail.outbox == []
    assert states(olivia) == [("email", "cancelled")]


def test_what_was_turned_off_meanwhile_does_not_go_out(olivia):
    choose(olivia, "email")
    tell(olivia)
    choose(olivia)
    posting.drain()
    assert mail.outbox == []
    assert Sending.objects.get().why == "Olivia Ortiz does not want it by this channel."


def test_what_was_read_in_the_app_first_is_not_sent(olivia):
    choose(olivia, "email")
    one, other, third = (tell(olivia, key=key, record=key) for key in "abc")
    notices.read(notice_id=one.pk, by=olivia, at=instant.now())
    notices.read_record(record="b", by=olivia, at=instant.now())
    posting.drain()
    assert [letter.subject for letter in mail.outbox] == ["Look"]
    assert Sending.objects.get(notice=third).state == "sent"
    assert Sending.objects.get(notice=other).state == "cancelled"


def test_what_is_due_for_one_person_goes_as_one_letter_and_nobody_elses_with_it(olivia, rosa):
    for user in (olivia, rosa):
        choose(user, "email")
    for number in range(3):
        tell(olivia, f"Number {number}", key=str(number))
    tell(rosa, "For Rosa")
    posting.drain()
    assert {tuple(one.to): one.subject for one in mail.outbox} == {
        ("olivia@example.com",): "3 notices", ("rosa@example.com",): "For Rosa",
    }  # fmt: skip
    assert "Number 0" in mail.outbox[0].body


def test_a_subject_is_one_line(olivia):
    choose(olivia, "email")
    tell(olivia, "A title\nBcc: everybody@example.com\r\n x" + "y" * 400)
    posting.drain()
    assert "\n" not in mail.outbox[0].subject
    assert mail.outbox[0].recipients() == ["olivia@example.com"]


# --- Choosing --------------------------------------------------------------------------------
def test_a_choice_stands_on_the_trail_with_before_and_after(olivia):
    choose(olivia, "email", quiet=[(0, "22:00", "07:00")], slack_id="U12345")
    line = TrailLine.objects.get(what="person.notices-chosen")
    assert line.before["quiet hours"] == []
    assert line.after["quiet hours"] == ["monday 22:00 to 07:00"]
    assert "U12345" not in str(line.after)
    choose(olivia, "email", quiet=[(0, "22:00", "07:00")], slack_id="U12345")
    assert TrailLine.objects.filter(what="person.notices-chosen").count() == 1


@pytest.mark.parametrize(
    ("choice", "field"),
    [
        (Choice(channels={"nonsense": ["email"]}), "channels"),
        (Choice(channels={"ticket": ["fax"]}), "channels"),
        (Choice(quiet=[(3, "22:00", "22:00")]), "thursday"),
        (Choice(quiet=[(day, "00:00", "24:00") for day in range(7)]), None),
        (Choice(digest_at="25:00"), "digest_at"),
        (Choice(digest_at="8:00"), "digest_at"),
        (Choice(slack_id="bob"), "slack_id"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_whole(olivia, choice, field):
    with pytest.raises(PreferenceError) as caught:
        choosing.settle(choice, by=olivia, at=instant.now())
    assert caught.value.field == field
    assert not Preferences.objects.exists()


def test_nobody_overwrites_what_they_have_not_seen(olivia):
    before = choosing.facts(preferences.of(olivia))
    choose(olivia, "email")
    with pytest.raises(Stale) as caught:
        choosing.settle(Choice(), by=olivia, at=instant.now(), seen=before)
    assert caught.value.now["channels"] == {"My tickets": ["email"]}


def test_what_is_held_follows_a_new_choice_at_once(olivia):
    # Twelve hours around now, whenever that is.
    now = instant.now()
    begins, ends = (f"{now + timedelta(hours=away):%H}:00" for away in (-6, 6))
    always = [(day, begins, ends) for day in range(7)]
    Preferences.objects.create(user=olivia, channels={"ticket": ["email"]}, quiet=always)
    tell(olivia)
    assert preferences.quiet_until(preferences.of(olivia), olivia, now) is not None
    posting.drain()
    assert mail.outbox == []
    choose(olivia, "email")
    posting.drain()
    assert len(mail.outbox) == 1


# --- Masked ----------------------------------------------------------------------------------
def test_who_sees_masked_reads_masked_and_nothing_of_a_customer_leaves_the_house(staff):
    text = "Nina Brook (nina@customer.example.com) signed Relaunch over 1,234.50 EUR."
    told = tell(staff["vera"], text, kind="escalated", url="/queue/7/", record_title=text)
    assert letters.shown(told, staff["vera"]) == "Nina Brook (•••) signed Relaunch over •••."
    assert letters.shown(told, staff["rosa"]) == text
    posting.drain()
    [letter] = mail.outbox
    for part in (letter.body, letter.alternatives[0][0], letter.subject):
        assert "Nina" not in part
        assert "1,234" not in part
    assert "Escalated to me: open it in Meshline." in letter.body
    assert "/queue/7/" in letter.body


def test_a_letter_says_the_same_as_text_and_as_html_escaped(olivia, settings):
    choose(olivia, "email")
    tell(olivia, "<b>Ferry</b> & more", url="/queue/7/")
    posting.drain()
    [letter] = mail.outbox
    assert "<b>Ferry</b> & more" in letter.body
    assert f"{settings.PUBLIC_URL}/queue/7/" in letter.body
    page, kind = letter.alternatives[0]
    assert kind == "text/html"
    assert "&lt;b&gt;Ferry&lt;/b&gt; &amp; more" in page
    assert f'href="{settings.PUBLIC_URL}/queue/7/"' in page
    assert "style=" not in page


# --- What follows from rows ------------------------------------------------------------------
def test_who_may_publish_hears_that_a_review_is_asked_and_nobody_else(staff):
    """The approver's right is not for routing rules: the page would refuse whoever has it alone."""
    User.objects.filter(pk=staff["vera"].pk).update(approves_model=True)
    for revision in (0, 1):
        drafts.save(
            kind="routing-rules", slug="main", content={"rules": revision}, based_on=0,
            revision=revision, by=staff["olivia"], at=instant.now(),
        )  # fmt: skip
        tidings_now()
        assert Notice.objects.count() == revision
        drafts.submit(
            kind="routing-rules", slug="main", revision=revision + 1, by=staff["olivia"],
            at=instant.now(),
        )  # fmt: skip
        for _ in range(2):
            tidings_now()
        assert Notice.objects.count() == revision + 1
    assert {one.user for one in Notice.objects.all()} == {staff["rosa"]}
    staff["vera"].refresh_from_db()
    waiting = [len(tidings.waiting_for(staff[name])) for name in ("rosa", "vera", "olivia")]
    assert waiting == [1, 0, 0]
    assert "Olivia Ortiz asks for a review: Routing rules." in Notice.objects.first().text


def tidings_now():
    tidings.tell(at=instant.now())


def test_a_published_contract_is_told_who_works_by_it_but_not_who_published_it(staff):
    publications.tell(at=instant.now())
    assert not Notice.objects.exists()
    said = {**versions.terms_of(Contract.objects.live().get(slug="sent")).content, "retry": "quick"}
    publishing.put_in_force(slug="sent", content=said, by=staff["rosa"], at=instant.now())
    for _ in range(2):
        publications.tell(at=instant.now())
    told = Notice.objects.order_by("user__name")
    assert [one.user.name for one in told] == ["Olivia Ortiz", "Sam Dube"]
    assert told[0].text == "A proposal is sent v2 was published by Rosa Marin (RevOps manager)."


# --- The queue of what goes out --------------------------------------------------------------
def test_what_could_not_be_sent_for_days_is_no_news(olivia):
    choose(olivia, "email")
    old = tell(olivia)
    tell(olivia, key="new")
    Notice.objects.filter(pk=old.pk).update(at=instant.now() - timedelta(days=4))
    assert sendings.drop_stale(at=instant.now()) == 1
    assert Sending.objects.get(notice=old).state == "cancelled"


def test_what_waits_for_the_end_of_quiet_hours_stays_news(olivia):
    choose(olivia, "email")
    told, now = tell(olivia), instant.now()
    Notice.objects.filter(pk=told.pk).update(at=now - timedelta(days=6))
    held = Sending.objects.filter(notice=told)
    held.update(was_held=True, next_attempt_at=now + timedelta(hours=1))
    assert sendings.drop_stale(at=now) == 0
    # Just over: there is a moment to send it in.
    assert sendings.drop_stale(at=now + timedelta(hours=2)) == 0
    assert sendings.drop_stale(at=now + timedelta(days=4)) == 1
    # What was held and then could not be sent is as old as any other.
    held.update(state="due", first_failed_at=now)
    assert sendings.drop_stale(at=now) == 1


def test_every_kind_has_words_and_every_role_is_offered_some():
    for role in Role:
        for kind in kinds.offered(role):
            assert kind.label
            assert kind.says
            assert kind.channels(role) <= kinds.CHANNELS.keys()
    assert "published" not in {kind.name for kind in kinds.offered(Role.REP)}


def test_the_moment_of_a_stopped_clock_counts_for_a_notice(olivia):
    with instant.stopped(MONDAY):
        assert tell(olivia).at == MONDAY
