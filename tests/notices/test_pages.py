"""The bell, the list by record, and the page on which one says how one is told."""

import re

import pytest

from meshline import instant
from meshline.notices import choosing, notices
from meshline.notices.kinds import KINDS
from meshline.notices.models import Notice, Preferences, Sending
from meshline.notices.quiet import DAYS
from tests import factories
from tests.reading import hidden, words

pytestmark = pytest.mark.django_db

PAGE = "/profile/notices/"


def tell(user, words, key=None, **more):
    return notices.tell(user, words, key=key or words, at=instant.now(), **more)


def post(client, url=PAGE, **typed):
    typed.setdefault("digest_at", "")
    return client.post(url, {"seen": hidden(client.get(url), "seen"), **typed})


# --- The bell --------------------------------------------------------------------------------
def test_the_bells_number_is_asked_for_cheaply(as_, staff, django_assert_max_num_queries):
    tell(staff["olivia"], "One")
    tell(staff["olivia"], "Two")
    client = as_("olivia")
    part = client.get("/notices/bell/?shown=0")
    assert 'hx-get="/notices/bell/?shown=2"' in part.text
    assert "Notices, 2 unread" in words(part)
    # The session, the person, the clock, and one count over an index of the unread.
    with django_assert_max_num_queries(5):
        same = client.get("/notices/bell/?shown=2", headers={"X-Meshline-Poll": "1"})
    assert (same.status_code, same.content) == (204, b"")
    for asked in ("x", "", "9" * 400, "%00"):
        assert client.get(f"/notices/bell/?shown={asked}").status_code == 200


def test_the_menu_shows_the_unread_by_what_they_are_about(as_, staff):
    told = [
        tell(staff["olivia"], words, record="proposal:1", record_title="Ferry displays", url="/x/")
        for words in ("First", "Second")
    ]
    tell(staff["olivia"], "Alone")
    menu = as_("olivia").get("/notices/latest/").text
    assert menu.count("Ferry displays") == 1
    assert menu.index("Alone") < menu.index("Second") < menu.index("First")
    # Its link puts it aside on the way; without scripts it only leads there.
    assert f'href="/x/" hx-post="/notices/{told[0].pk}/read/"' in menu


def test_opening_one_puts_it_aside_and_leads_to_what_it_is_about(as_, staff):
    told = tell(staff["olivia"], "Look", url="/queue/7/")
    client = as_("olivia")
    answer = client.post(f"/notices/{told.pk}/read/", headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == "/queue/7/"
    assert client.post(f"/notices/{told.pk}/read/").headers["Location"] == "/queue/7/"
    assert Notice.objects.get().read_at


@pytest.mark.parametrize("number", ["0", "9" * 30, "99999"])
def test_what_is_nobodys_or_somebody_elses_is_not_there(as_, staff, number):
    theirs = tell(staff["rosa"], "For Rosa")
    client = as_("olivia")
    assert client.post(f"/notices/{number}/read/").status_code == 404
    assert client.post(f"/notices/{theirs.pk}/read/").status_code == 404
    assert Notice.objects.unread().count() == 1


def test_all_of_one_record_is_put_aside_at_once(as_, staff):
    for number in range(3):
        tell(staff["olivia"], f"Ferry {number}", record="proposal:1", record_title="Ferry")
    tell(staff["rosa"], "Ferry", record="proposal:1")
    tell(staff["olivia"], "Other", record="proposal:2", record_title="Other")
    client = as_("olivia")
    assert client.post("/notices/read-record/", {"record": "proposal:1"}).status_code == 303
    page = client.get("/notices/")
    assert "3 marked as read." in words(page)
    assert Notice.objects.unread().count() == 2
    for odd in ("", "\0", "x" * 5000):
        assert client.post("/notices/read-record/", {"record": odd}).status_code == 303
    assert Notice.objects.unread().count() == 2


def test_the_unread_are_a_tab_and_an_empty_one_says_so(as_, staff):
    client = as_("olivia")
    assert "Nothing to tell" in words(client.get("/notices/"))
    assert "Everything is read" in words(client.get("/notices/?unread"))
    tell(staff["olivia"], "Old news")
    client.post("/notices/read/")
    tell(staff["olivia"], "Fresh news")
    unread = words(client.get("/notices/?unread"))
    assert "Fresh news" in unread
    assert "Old news" not in unread.partition("Which notices")[2]


def test_the_list_asks_the_database_no_more_for_more_notices(as_, staff, django_assert_num_queries):
    client = as_("olivia")
    tell(staff["olivia"], "One", record="a")
    client.get("/notices/")  # the sitting begins
    with django_assert_num_queries(6):
        client.get("/notices/")
    for number in range(30):
        tell(staff["olivia"], str(number), record=f"proposal:{number}")
    with django_assert_num_queries(6):
        client.get("/notices/")


# --- How one is told -------------------------------------------------------------------------
def test_what_stands_where_nothing_was_chosen_is_ticked(as_):
    factories.connected("slack")
    page = as_("olivia").get(PAGE).text
    ticked = re.findall(r'name="to_([\w-]+)" value="(\w+)"[^>]*checked', page)
    assert ("escalated", "email") in ticked
    assert ("ticket", "slack") in ticked
    assert ("ticket", "email") not in ticked
    assert "In the app: always" in page


def test_a_choice_is_kept_and_shown_again(as_, staff):
    client = as_("olivia")
    answer = post(
        client, to_ticket=["email"], monday_from="22:00", monday_until="7:00", digest_at="06:00",
        critical_breaks_through="on", slack_id=" u024be7lh ",
    )  # fmt: skip
    assert answer.status_code == 303
    own = Preferences.objects.get(user=staff["olivia"])
    assert own.quiet == [[0, "22:00", "07:00"]]
    assert own.channels["ticket"] == ["email"]
    assert own.channels["escalated"] == []
    assert (own.digest_at, own.slack_id, own.critical_breaks_through) == (
        "06:00", "U024BE7LH", True
    )  # fmt: skip
    page = client.get(PAGE).text
    assert 'value="07:00"' in page
    assert re.search(r'<option value="06:00" selected', page)


def test_who_never_wants_to_hear_of_it_can_say_so(as_, staff):
    post(as_("olivia"))
    tell(staff["olivia"], "Escalated", kind="escalated")
    assert not Sending.objects.exists()


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"monday_from": "22:00"}, "Say both when it begins and when it ends."),
        ({"monday_until": "07:00"}, "Say both when it begins and when it ends."),
        ({"monday_from": "25:00", "monday_until": "07:00"}, "“25:00” is no time of day"),
        ({"monday_from": "1e9", "monday_until": "\0"}, "is no time of day"),
        ({"monday_from": "x" * 9000, "monday_until": "07:00"}, "at most 20 characters"),
        ({"monday_from": "07:00", "monday_until": "07:00"}, "It ends when it begins"),
        ({"monday_from": "24:00", "monday_until": "07:00"}, "A day begins at 00:00"),
        ({"digest_at": "25:00"}, "Select a valid choice"),
        ({"to_ticket": ["fax"]}, "Select a valid choice"),
        ({"slack_id": "olivia"}, "A Slack member id begins with U or W"),
        ({f"{day}_{end}": at for day in DAYS for end, at in (("from", "00:00"),
                                                             ("until", "24:00"))},
         "Leave at least an hour of the week"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_place_and_kept(as_, typed, says):
    client = as_("olivia")
    answer = post(client, **{"sunday_from": "13:37", "sunday_until": "14:00", **typed})
    assert answer.status_code == 422
    page = answer.text.replace("&quot;", '"')
    assert says in page
    assert not Preferences.objects.exists()
    if len(typed) < 3:
        assert 'value="13:37"' in page


def test_what_is_chosen_just_as_usual_is_no_difference():
    chosen = {one.label: sorted(one.channels("operator")) for one in KINDS.values()}
    assert choosing.in_words({"channels": chosen}, role="operator") == choosing.in_words(
        {}, role="operator"
    )


def test_what_another_window_changed_meanwhile_is_shown_not_overwritten(as_, staff):
    client = as_("olivia")
    seen = hidden(client.get(PAGE), "seen")
    post(client, to_ticket=["email"])
    answer = client.post(PAGE, {"seen": seen, "digest_at": "never"})
    assert answer.status_code == 409
    said = words(answer)
    assert "Another window of yours changed this meanwhile" in said
    # As it is for the role until it is chosen; what is the same by now is not told.
    assert "What is different since you looked: My tickets Slack E-mail" in said
    assert Preferences.objects.get().channels["ticket"] == ["email"]
    # Saving again is a decision.
    again = client.post(PAGE, {"seen": hidden(answer, "seen"), "digest_at": "never"})
    assert again.status_code == 303
    assert Preferences.objects.get().channels["ticket"] == []


def test_a_channel_that_leads_nowhere_says_why(as_, settings):
    settings.EMAIL_GOES_OUT = False
    page = words(as_("olivia").get(PAGE))
    assert "E-mail is not set up" in page
    assert "No chat is connected yet." in page
