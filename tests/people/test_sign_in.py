"""Signing in, being invited, one's own profile, and changing people."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from meshline import instant
from meshline.audit.models import TrailLine
from meshline.notices import notices
from meshline.people import people, profile
from meshline.people.models import Absence, Team, User
from meshline.people.permissions import Role
from meshline.web import seen
from tests.reading import hidden, words

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PASSWORD = "seven quiet lanterns"

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.web.urls")]


def person(name, role, **more):
    user = User(email=f"{name.split()[0].lower()}@meshline.test", name=name, role=role, **more)
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def west(db):
    return Team.objects.create(slug="west", name="West")


@pytest.fixture
def ana(db):
    return person("Ana Moreno", Role.OPERATOR)


@pytest.fixture
def ada(db):
    return person("Ada Byron", Role.ADMIN)


@pytest.fixture
def sol(west):
    return person("Sol Reyes", Role.SDR_MANAGER, team=west)


@pytest.fixture
def rui(west):
    return person("Rui Costa", Role.REP, team=west)


def signed_in(client, user):
    client.force_login(user)
    return client


def enter(client, email="ana@meshline.test", password=PASSWORD, **more):
    return client.post("/sign-in/", {"username": email, "password": password, **more})


def changed(user):
    return {
        "name": user.name, "role": user.role, "team": user.team_id or "", "zone": user.zone,
        "is_active": "on" if user.is_active else "", "seen": seen.keep(people.facts(user)),
    }  # fmt: skip


# --- Signing in ------------------------------------------------------------------------------
def test_the_right_password_opens_the_door(client, ana):
    response = enter(client)
    assert (response.status_code, response.headers["Location"]) == (303, "/")
    assert client.session["_auth_user_id"] == str(ana.pk)


def test_the_e_mail_may_be_written_in_any_case(client, ana):
    assert enter(client, email=" ANA@Meshline.Test ").status_code == 303


def test_one_is_brought_to_the_page_one_wanted(client, ana):
    assert enter(client, next="/people/?q=a").headers["Location"] == "/people/?q=a"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "javascript:alert(1)",
        "http://testserver//evil.example/x",
        "http://testserver/\\evil.example/x",
    ],
)
def test_one_is_never_brought_elsewhere(client, ana, target):
    assert enter(client, next=target).headers["Location"] == "/"


@pytest.mark.parametrize(
    ("email", "password"),
    [("ana@meshline.test", "wrong"), ("nobody@meshline.test", PASSWORD), ("a\0@x.test", PASSWORD)],
)
def test_a_wrong_password_is_told_in_words_and_the_e_mail_is_kept(client, ana, email, password):
    response = enter(client, email=email, password=password, next="/people/")
    assert response.status_code == 422
    assert 'class="errorlist' in response.text
    assert password not in response.text
    assert 'name="next" value="/people/"' in response.text
    assert "_auth_user_id" not in client.session


def test_guessing_is_slowed_down_and_ends_with_the_right_moment(client, ana):
    tries = [enter(client, password="wrong").status_code for _ in range(6)]
    assert tries == [422] * 5 + [429]
    # Not even the right password is tried now, from here.
    answer = enter(client)
    assert answer.status_code == 429
    assert "Too many wrong passwords. Try again in 5 min" in answer.content.decode()
    assert "_auth_user_id" not in client.session
    with instant.stopped(instant.now() + timedelta(minutes=6)):
        assert enter(client).status_code == 303


def test_the_right_password_ends_the_count(client, ana):
    for _ in range(2):
        for _ in range(4):
            enter(client, password="wrong")
        assert enter(client).status_code == 303
        client.post("/sign-out/")


def test_who_is_inactive_hears_no_more_than_a_stranger(client, ana):
    stranger = enter(client, email="nobody@meshline.test").text
    User.objects.filter(pk=ana.pk).update(is_active=False)
    inactive = enter(client).text
    for text in (stranger, inactive):
        assert "do not go together" in text
    assert "_auth_user_id" not in client.session


def test_a_new_sitting_has_a_new_key_and_a_new_beginning(client, ana):
    client.get("/sign-in/")
    with instant.stopped(MONDAY):
        enter(client)
    assert client.session["sitting_began"] == MONDAY.timestamp()
    first = client.session.session_key
    with instant.stopped(MONDAY + timedelta(hours=11)):
        enter(client)
    assert client.session["sitting_began"] == (MONDAY + timedelta(hours=11)).timestamp()
    assert client.session.session_key != first


def test_who_is_in_already_is_sent_on(client, ana):
    assert signed_in(client, ana).get("/sign-in/").status_code == 303


def test_why_a_sitting_ended_is_said(client):
    assert "without activity" in client.get("/sign-in/?ended=idle").text
    assert "signed out" not in client.get("/sign-in/?ended=<b>").text


def test_demo_people_are_offered_only_where_they_are_given(client):
    page = client.get("/demo-sign-in/").text
    assert "Have a look around" in page
    assert "SDR manager" in page
    assert "Have a look around" not in client.get("/sign-in/").text


def test_signing_out_is_an_act_and_not_a_link(client, ana):
    signed_in(client, ana)
    assert client.get("/sign-out/").status_code == 405
    response = client.post("/sign-out/")
    assert (response.status_code, response.headers["Location"]) == (303, "/sign-in/")
    assert "_auth_user_id" not in client.session


# --- Being invited ---------------------------------------------------------------------------
def invited(by, at=MONDAY, email="nora@meshline.test"):
    return people.invite(email=email, role=Role.REP, name="Nora Falk", by=by, at=at)


def open_invitation(client, token, at=MONDAY, **data):
    url = f"/sign-in/invitation/{token}/"
    with instant.stopped(at):
        return client.post(url, data) if data else client.get(url)


def test_an_invitation_lets_its_person_choose_a_password_and_in(client, ada):
    token = invited(ada)
    assert "Welcome, Nora" in open_invitation(client, token).text
    response = open_invitation(client, token, password=PASSWORD)
    assert response.status_code == 303
    nora = User.objects.get(email="nora@meshline.test")
    assert client.session["_auth_user_id"] == str(nora.pk)
    assert nora.check_password(PASSWORD)


def test_a_weak_password_uses_the_invitation_up_for_nobody(client, ada):
    token = invited(ada)
    response = open_invitation(client, token, password="short")
    assert response.status_code == 422
    assert "at least 12 characters" in response.text
    assert open_invitation(client, token, password=PASSWORD).status_code == 303


def test_an_invitation_works_once(client, ada):
    token = invited(ada)
    open_invitation(client, token, password=PASSWORD)
    client.logout()
    for data in ({}, {"password": "another fine password"}):
        response = open_invitation(client, token, **data)
        assert response.status_code == 410
        assert "Ask an admin for a new one" in response.text
    assert User.objects.get(email="nora@meshline.test").check_password(PASSWORD)


@pytest.mark.parametrize("token", ["x", "%00", "a" * 500])
def test_a_made_up_invitation_is_over(client, token):
    assert open_invitation(client, token).status_code == 410


def test_an_invitation_is_over_after_a_week(client, ada):
    token = invited(ada)
    late = MONDAY + people.INVITATION_LASTS
    assert open_invitation(client, token, at=late, password=PASSWORD).status_code == 410


def again(person, by, at=MONDAY):
    return people.invite(email=person.email, role=person.role, by=by, at=at, again=True)


def test_a_new_link_ends_the_one_that_was_lost(client, ada):
    lost = invited(ada)
    nora = User.objects.get(email="nora@meshline.test")
    found = again(nora, ada)
    assert open_invitation(client, lost, password=PASSWORD).status_code == 410
    assert open_invitation(client, found, password=PASSWORD).status_code == 303


def test_whoever_is_in_has_no_other_link_to_their_account(client, ada):
    """As when two links were made before one ended the other."""
    used = invited(ada)
    nora = User.objects.get(email="nora@meshline.test")
    kept = again(nora, ada)
    nora.invitations.update(expires_at=MONDAY + people.INVITATION_LASTS)
    people.accept_invitation(token=used, password=PASSWORD, at=MONDAY)
    with pytest.raises(people.PersonError, match="used already or is over"):
        people.accept_invitation(token=kept, password="another fine password", at=MONDAY)
    assert User.objects.get(pk=nora.pk).check_password(PASSWORD)


def test_a_password_of_ones_own_choosing_ends_the_link(client, ana, ada):
    token = again(ana, ada)
    profile.choose_password(by=ana, password="another fine password", at=MONDAY)
    assert people.invitation(token, at=MONDAY) is None


def test_who_was_deactivated_is_not_invited_and_comes_back_without_their_old_link(ada):
    token = invited(ada)
    nora = User.objects.get(email="nora@meshline.test")
    for is_active in (False, True):
        people.change(
            user_id=nora.pk, name=nora.name, role=nora.role, team=None, zone="UTC",
            is_active=is_active, by=ada, at=MONDAY,
        )  # fmt: skip
        if not is_active:
            with pytest.raises(people.PersonError, match="make them active first"):
                invited(ada)
    assert people.invitation(token, at=MONDAY) is None


# --- One's own profile -----------------------------------------------------------------------
def test_a_person_settles_their_name_and_zone_with_a_line_on_the_trail(client, ana):
    response = signed_in(client, ana).post("/profile/", {"name": "Ana M.", "zone": "Asia/Tokyo"})
    assert response.status_code == 303
    ana.refresh_from_db()
    assert (ana.name, ana.zone) == ("Ana M.", "Asia/Tokyo")
    line = TrailLine.objects.get(what="person.changed")
    assert line.actor_id == str(ana.pk)
    assert line.after["zone"] == "Asia/Tokyo"
    assert "Ana" not in str(line.after)  # a name is sealed


def test_a_profile_that_stays_the_same_leaves_no_line(client, ana):
    signed_in(client, ana).post("/profile/", {"name": ana.name, "zone": ana.zone})
    assert not TrailLine.objects.filter(what="person.changed").exists()


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../etc"])
def test_a_zone_that_does_not_exist_is_refused_and_the_name_is_kept(client, ana, zone):
    response = signed_in(client, ana).post("/profile/", {"name": "Typed", "zone": zone})
    assert response.status_code == 422
    assert 'value="Typed"' in response.text


def test_an_unlisted_zone_is_not_lost_by_saving(client, ana):
    User.objects.filter(pk=ana.pk).update(zone="US/Eastern")
    page = signed_in(client, ana).get("/profile/").text
    assert '<option value="US/Eastern" selected>' in page
    assert client.post("/profile/", {"name": "Ana", "zone": "US/Eastern"}).status_code == 303


@pytest.mark.parametrize(
    ("theme", "dark", "shown"),
    [("dark", True, 'data-bs-theme="dark"'), ("light", False, 'data-bs-theme="light"'),
     ("system", None, "data-theme-follows-system")],
)  # fmt: skip
def test_light_and_dark_are_chosen_by_a_plain_form(client, ana, theme, dark, shown):
    User.objects.filter(pk=ana.pk).update(dark=not dark)
    response = signed_in(client, ana).post("/profile/theme/", {"theme": theme})
    assert response.status_code == 303
    ana.refresh_from_db()
    assert ana.dark is dark
    head = client.get("/profile/").text.split("<head>")[0]
    assert shown in head
    assert ("follows" in head) == (theme == "system")


def test_an_unknown_theme_changes_nothing(client, ana):
    signed_in(client, ana).post("/profile/theme/", {"theme": "pink"})
    ana.refresh_from_db()
    assert ana.dark is None


# --- Everybody -------------------------------------------------------------------------------
def test_a_manager_of_a_team_sees_that_team_alone(client, sol, rui, ada):
    page = signed_in(client, sol).get("/people/").text
    assert "rui@meshline.test" in page
    assert "ada@meshline.test" not in page
    assert client.get(f"/people/{ada.pk}/").status_code == 404


def test_who_may_not_see_people_reads_why(client, rui):
    response = signed_in(client, rui).get("/people/")
    assert response.status_code == 403
    assert "may not see people" in response.text


def test_who_may_see_but_not_manage_finds_the_reason_beside_the_button(client, sol, rui):
    page = signed_in(client, sol).get("/people/").text
    assert 'aria-disabled="true"' in page
    assert "may not manage people and roles" in page
    assert client.post(f"/people/{rui.pk}/", changed(rui)).status_code == 303
    assert client.get("/people/invite/").status_code == 403
    assert client.post(f"/people/{rui.pk}/invite/").status_code == 403


def test_a_list_of_people_asks_the_same_few_questions_however_long(
    client, ada, west, django_assert_num_queries
):
    for number in range(30):
        person(f"P{number} Someone", Role.REP, team=west)
    signed_in(client, ada).get("/people/")
    with django_assert_num_queries(8):
        assert client.get("/people/").status_code == 200


def test_the_list_can_be_narrowed_and_says_when_nothing_is_left(client, ada, rui):
    signed_in(client, ada)
    assert "rui@meshline.test" not in client.get("/people/?role=admin").text
    assert "Clear the filter" in client.get("/people/?q=nobody").text
    assert client.get("/people/?team=x&role=y&state=z&q=%00").status_code == 200


def test_who_is_out_is_marked(client, ada, rui):
    now = instant.now()
    Absence.objects.create(
        user=rui, starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=1)
    )
    assert ">Out</span>" in signed_in(client, ada).get("/people/").text.replace("</svg>", ">")


def test_an_admin_invites_and_sees_the_link_once(client, ada, settings):
    response = signed_in(client, ada).post(
        "/people/invite/", {"email": "nora@meshline.test", "role": "rep", "name": "Nora"}
    )
    assert f"{settings.PUBLIC_URL}/sign-in/invitation/" in response.text
    assert "no-store" in response.headers["Cache-Control"]
    token = response.text.split("/sign-in/invitation/")[1].split("/")[0]
    assert people.invitation(token, at=instant.now()).user.email == "nora@meshline.test"
    assert token not in client.get("/people/").text


def test_an_invitation_that_contradicts_itself_keeps_what_was_typed(client, ada, rui):
    data = {"email": rui.email, "role": "admin", "name": "Rui"}
    response = signed_in(client, ada).post("/people/invite/", data)
    assert response.status_code == 422
    assert "is already here as Rep" in response.text
    assert f'value="{rui.email}"' in response.text


def test_inviting_somebody_who_signs_in_already_is_refused_in_words(client, ada, ana):
    client.force_login(ada)
    typed = {"email": ana.email, "name": "Ana", "role": "operator", "team": ""}
    answer = client.post("/people/invite/", typed)
    assert answer.status_code == 422
    assert "is here already; make them a new link" in answer.content.decode()
    assert not ana.invitations.exists()


def test_what_is_no_e_mail_is_refused_by_the_verb_too(ada):
    with pytest.raises(people.PersonError, match="not an e-mail"):
        people.invite(email="bad", role=Role.ADMIN, by=ada, at=MONDAY)
    assert not User.objects.filter(name="Bad").exists()


def test_what_no_row_has_room_for_is_refused_in_words(ada):
    long = f"{'a' * 250}@meshline.test"
    with pytest.raises(CommandError, match="at most 254 characters"):
        call_command("invite", long, role="rep")
    with pytest.raises(CommandError, match="at most 120 characters"):
        call_command("invite", "nora@meshline.test", role="rep", name="N" * 121)
    assert not User.objects.exclude(pk=ada.pk).exists()


def test_a_new_link_is_made_for_somebody_who_is_here(client, ada, rui):
    response = signed_in(client, ada).post(f"/people/{rui.pk}/invite/")
    assert "/sign-in/invitation/" in response.text


def test_an_admin_changes_a_person(client, ada, rui):
    data = changed(rui) | {"role": "operator", "name": "Rui C.", "asked": "operator:True"}
    response = signed_in(client, ada).post(f"/people/{rui.pk}/", data)
    assert response.status_code == 303
    rui.refresh_from_db()
    assert (rui.role, rui.name, rui.is_active) == ("operator", "Rui C.", True)


def leaving(user, **more):
    """As from a form that has said what they answer for."""
    return changed(user) | {"is_active": "", "asked": f"{user.role}:False"} | more


def test_whoever_leaves_is_asked_about_first(client, ada, rui):
    answer = signed_in(client, ada).post(f"/people/{rui.pk}/", leaving(rui, asked=""))
    assert answer.status_code == 200
    assert "Rui Costa would leave. This is what they answer for." in words(answer)
    assert f'hx-get="/people/{rui.pk}/answers-for/"' in answer.text
    assert User.objects.get(pk=rui.pk).is_active
    # Another answer than was asked about is asked about again.
    viewer = changed(rui) | {"role": "viewer", "asked": hidden(answer, "asked")}
    again = client.post(f"/people/{rui.pk}/", viewer)
    assert "Rui Costa would no longer be Rep." in words(again)
    viewer["asked"] = hidden(again, "asked")
    assert client.post(f"/people/{rui.pk}/", viewer).status_code == 303
    assert User.objects.get(pk=rui.pk).role == Role.VIEWER


@pytest.mark.parametrize("change", [{"is_active": ""}, {"role": "operator"}])
def test_the_last_active_manager_stays(client, ada, rui, change):
    User.objects.filter(pk=rui.pk).update(role=Role.MANAGER)
    rui.refresh_from_db()
    answer = signed_in(client, ada).post(f"/people/{rui.pk}/", changed(rui) | change)
    assert answer.status_code == 422
    said = "This is the last active manager; make somebody else manager first."
    assert said in words(answer)
    rui.refresh_from_db()
    assert (rui.is_active, rui.role) == (True, Role.MANAGER)


def test_deactivating_signs_a_person_out(client, ada, rui):
    theirs = signed_in(Client(), rui)
    assert theirs.get("/profile/").status_code == 200
    signed_in(client, ada).post(f"/people/{rui.pk}/", leaving(rui))
    assert theirs.get("/profile/").status_code == 302


def test_a_page_from_before_somebody_left_does_not_bring_them_back(client, ada, rui):
    shown = changed(rui)
    people.change(
        user_id=rui.pk, name=rui.name, role=Role.VIEWER, team=rui.team, zone=rui.zone,
        is_active=False, by=ada, at=MONDAY,
    )  # fmt: skip
    answer = signed_in(client, ada).post(f"/people/{rui.pk}/", shown | {"name": "Rui Costa-Lima"})
    assert answer.status_code == 409
    assert "Another window of yours changed this meanwhile" in words(answer)
    assert 'value="Rui Costa-Lima"' in answer.text
    rui.refresh_from_db()
    assert (rui.role, rui.is_active, rui.name) == (Role.VIEWER, False, "Rui Costa")
    # Whoever has read it and saves again, means it.
    again = shown | {"seen": hidden(answer, "seen")}
    assert client.post(f"/people/{rui.pk}/", again).status_code == 303
    assert User.objects.get(pk=rui.pk).is_active


def test_a_form_that_does_not_say_what_it_showed_changes_nothing(client, ada, rui):
    asked = changed(rui) | {"seen": "", "role": "operator"}
    assert signed_in(client, ada).post(f"/people/{rui.pk}/", asked).status_code == 409


def test_whoever_is_inactive_already_is_not_signed_out_again(ada, rui, monkeypatch):
    """Every sitting of everybody is read for it."""
    ended = []
    monkeypatch.setattr(people, "end_sittings", ended.append)
    for name in ("Rui C.", "Rui D."):
        people.change(
            user_id=rui.pk, name=name, role=rui.role, team=None, zone="UTC", is_active=False,
            by=ada, at=MONDAY,
        )  # fmt: skip
    assert ended == [rui]


def test_an_e_mail_is_looked_up_by_its_index_in_whatever_case(rui):
    assert User.objects.with_email(" RUI@meshline.Test ").get() == rui
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "one_person_per_email" in User.objects.with_email("rui@meshline.test").explain()


def test_nobody_changes_their_own_role(client, ada):
    response = signed_in(client, ada).post(f"/people/{ada.pk}/", changed(ada) | {"role": "manager"})
    assert response.status_code == 422
    assert "Nobody changes their own role" in response.text
    ada.refresh_from_db()
    assert ada.role == Role.ADMIN


def test_a_person_who_does_not_exist_is_not_found(client, ada):
    signed_in(client, ada)
    for number in (0, 999_999, 10**30):
        assert client.get(f"/people/{number}/").status_code == 404


def test_notices_are_my_own_and_can_be_put_aside(client, ana, ada):
    for user in (ana, ada):
        notices.tell(user, f"For {user.name}", key=user.email, at=instant.now(), url="/people/")
    page = signed_in(client, ana).get("/notices/").text
    assert "For Ana" in page
    assert "For Ada" not in page
    assert client.post("/notices/read/").headers["Location"] == "/notices/"
    assert "1 marked as read." in client.get("/notices/").text
    assert client.get("/notices/read/").status_code == 405


def test_single_keys_are_on_until_somebody_turns_them_off(client, ana):
    signed_in(client, ana)
    assert "data-single-keys" in client.get("/profile/").text
    assert client.post("/profile/keys/", {"single": "off"}).status_code == 303
    assert "data-single-keys" not in client.get("/profile/").text
    client.post("/profile/keys/", {"single": "on"})
    assert "data-single-keys" in client.get("/profile/").text
