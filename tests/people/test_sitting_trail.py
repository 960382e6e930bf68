"""Signing in and out, a door that shuts, and one's own new password: each is on the trail."""

import pytest
from django.test import Client

from meshline.audit import personal
from meshline.audit.models import TrailLine
from tests.factories import PASSWORD

NEW = "eleven patient herons"


@pytest.fixture
def client(staff):
    return Client()


def enter(client, email="olivia@example.com", password=PASSWORD):
    return client.post("/sign-in/", {"username": email, "password": password})


def lines(*whats):
    return list(TrailLine.objects.filter(what__in=whats).order_by("pk"))


def test_signing_in_and_out_is_on_the_trail(client, olivia):
    enter(client)
    client.post("/sign-out/")
    came, went = lines("person.signed-in", "person.signed-out")
    for line in (came, went):
        assert (line.actor_kind, line.actor_id) == ("person", str(olivia.pk))
        assert (line.subject_kind, line.subject_id) == ("user", str(olivia.pk))
    assert "127.0.0.1" not in str(came.after)
    assert personal.reveal(came.after, personal.keys_for([came.after])) == {"address": "127.0.0.1"}


def test_a_strangers_sign_out_is_nothing(client):
    client.post("/sign-out/")
    assert lines("person.signed-out") == []


def test_a_door_that_shuts_is_told_once_however_often_they_knock(client, olivia):
    for _ in range(12):
        enter(client, email="OLIVIA@example.com ", password="wrong")
    (line,) = lines("person.sign-in-locked")
    assert line.subject_id == str(olivia.pk)
    assert line.actor_id == "door"


@pytest.mark.parametrize("email", ["nobody@example.com", "", "a\0@x.test", "x" * 5000])
def test_nobodys_e_mail_fills_no_trail(client, email):
    for _ in range(12):
        assert enter(client, email=email, password="wrong").status_code in {422, 429}
    assert lines("person.sign-in-locked", "person.signed-in") == []


# --- One's own password ----------------------------------------------------------------------
def choose(client, current=PASSWORD, password=NEW, again=None):
    asked = {
        "current": current,
        "password": password,
        "again": password if again is None else again,
    }
    return client.post("/profile/password/", asked)


@pytest.fixture
def signed_in(client):
    enter(client)
    return client


def test_a_new_password_ends_the_other_sittings_and_keeps_this_one(signed_in, olivia, rosa):
    elsewhere, somebody = Client(), Client()
    enter(elsewhere)
    enter(somebody, "rosa@example.com")
    assert choose(signed_in).headers["Location"] == "/profile/"
    assert "Your password is changed" in signed_in.get("/profile/").content.decode()
    assert elsewhere.get("/profile/").status_code == 302
    assert somebody.get("/profile/").status_code == 200
    assert enter(Client(), password=PASSWORD).status_code == 422
    assert enter(Client(), password=NEW).status_code == 303
    (line,) = lines("person.password-changed")
    assert (line.actor_id, line.before, line.after) == (str(olivia.pk), {}, {})


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"current": "wrong"}, "not your current password"),
        ({"current": ""}, "This field is required"),
        ({"password": "short", "again": "short"}, "at least 12 characters"),
        ({"password": "olivia@example.com", "again": "olivia@example.com"}, "too similar"),
        ({"password": "passwordpassword", "again": "other"}, "not the same"),
        ({"password": "a\0" + NEW}, "Null characters"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(signed_in, asked, said):
    answer = choose(signed_in, **asked)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert NEW not in answer.content.decode()
    assert lines("person.password-changed") == []
    assert enter(Client()).status_code == 303


def test_guessing_the_current_password_is_slow(signed_in):
    tries = [choose(signed_in, current="wrong").status_code for _ in range(6)]
    assert tries == [422] * 5 + [429]
    assert choose(signed_in).status_code == 429


def test_the_profile_leads_there(signed_in):
    assert 'href="/profile/password/"' in signed_in.get("/profile/").content.decode()
