"""A sitting ends when it should, and a page that asks by itself does not keep it alive."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.utils import timezone

from meshline import instant
from meshline.people.models import User
from meshline.web import sitting

IDLE, ABSOLUTE = timedelta(minutes=30), timedelta(hours=12)
HTMX = {"HX-Request": "true"}
POLL = {"X-Meshline-Poll": "1"}


@pytest.fixture
def signed_in(client, ana, monday):
    client.force_login(ana)
    assert client.get("/profile/").status_code == 200
    return client


def at(moment, client, url="/profile/", **headers):
    with instant.stopped(moment):
        return client.get(url, headers=headers)


def test_a_sitting_lasts_while_there_are_acts(signed_in, monday):
    for minutes in range(20, 200, 20):
        assert at(monday + timedelta(minutes=minutes), signed_in).status_code == 200


def test_a_sitting_ends_after_half_an_hour_without_an_act(signed_in, monday):
    response = at(monday + IDLE, signed_in, "/people/?q=ana")
    assert response.status_code == 302
    assert response.headers["Location"] == "/sign-in/?next=/people/%3Fq%3Dana&ended=idle"
    assert "_auth_user_id" not in signed_in.session


def test_one_second_before_that_it_goes_on(signed_in, monday):
    assert at(monday + IDLE - timedelta(seconds=1), signed_in).status_code == 200


def test_a_poll_is_answered_but_keeps_nothing_alive(signed_in, monday):
    for minutes in (10, 20, 29):
        assert at(monday + timedelta(minutes=minutes), signed_in, **POLL).status_code == 200
    assert at(monday + IDLE, signed_in, **POLL).status_code == 302


def test_a_sitting_ends_after_twelve_hours_in_any_case(signed_in, monday):
    moment = monday
    while moment < monday + ABSOLUTE - timedelta(minutes=20):
        moment += timedelta(minutes=20)
        assert at(moment, signed_in).status_code == 200
    response = at(monday + ABSOLUTE, signed_in)
    assert response.status_code == 302
    assert "ended=long" in response.headers["Location"]


def test_who_is_no_longer_active_is_out_at_once(signed_in, ana):
    User.objects.filter(pk=ana.pk).update(is_active=False)
    response = signed_in.get("/profile/")
    assert response.status_code == 302
    assert "ended=closed" in response.headers["Location"]
    assert "_auth_user_id" not in signed_in.session


def test_an_expired_sitting_sends_the_whole_page_of_an_htmx_call_to_sign_in(signed_in, monday):
    current = "http://testserver/people/?role=rep"
    response = at(monday + IDLE, signed_in, **HTMX, **{"HX-Current-URL": current})
    assert response.status_code == 200
    assert response.headers["HX-Redirect"] == "/sign-in/?next=/people/%3Frole%3Drep&ended=idle"
    assert response.content == b""


def test_a_foreign_page_is_never_the_way_back(client, db):
    headers = {**HTMX, "HX-Current-URL": "https://evil.example/people/"}
    response = client.get("/profile/", headers=headers)
    assert response.headers["HX-Redirect"] == "/sign-in/"


def test_the_way_back_from_an_expired_form_is_its_page(signed_in, monday):
    with instant.stopped(monday + IDLE):
        response = signed_in.post(
            "/profile/theme/", headers={"Referer": "http://testserver/people/"}
        )
    assert response.headers["Location"] == "/sign-in/?next=/people/&ended=idle"


def test_the_last_act_is_noted_at_most_twice_a_minute(signed_in, monday, django_assert_num_queries):
    with django_assert_num_queries(6) as seen:  # session, person, the page (4 parts)
        assert at(monday + timedelta(seconds=29), signed_in).status_code == 200
    assert not any("UPDATE" in query["sql"] for query in seen.captured_queries)
    with instant.stopped(monday + timedelta(seconds=31)):
        signed_in.get("/profile/")
    last = signed_in.session["sitting_last_act"]
    assert last == (monday + timedelta(seconds=31)).timestamp()


def test_signed_in_pages_are_kept_by_no_cache(signed_in, client):
    response = signed_in.get("/profile/")
    assert "no-store" in response.headers["Cache-Control"]
    assert "HX-Request" in response.headers["Vary"]


def test_every_answer_says_that_it_differs_for_htmx(client, db):
    assert "HX-Request" in client.get("/sign-in/").headers["Vary"]


@pytest.mark.parametrize(
    ("zone", "used"),
    [("Asia/Tokyo", "Asia/Tokyo"), ("No/Where", "UTC"), ("", "UTC"), ("../x", "UTC")],
)
def test_times_are_in_the_persons_zone_or_in_utc(zone, used):
    request = RequestFactory().get("/")
    request.user = User(zone=zone)
    with sitting.zone_of(request):
        assert timezone.get_current_timezone() == ZoneInfo(used)


def test_who_is_not_signed_in_has_utc():
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    with sitting.zone_of(request):
        assert timezone.get_current_timezone_name() == "UTC"
