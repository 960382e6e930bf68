"""May you: the guard, and the shapes of yes and no."""

import html
import json

import pytest
from django.contrib.messages import get_messages
from django.test import Client, RequestFactory

from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.web import errors

HTMX = {"HX-Request": "true"}
BACK = {"Referer": "http://testserver/people/?q=x"}


@pytest.fixture
def as_ana(client, ana):
    client.force_login(ana)
    return client


@pytest.fixture
def as_ada(client, ada):
    client.force_login(ada)
    return client


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_who_may_not_reads_why_on_a_page_of_ours(as_ana):
    response = as_ana.get("/admins-only/")
    assert response.status_code == 403
    assert "may not create and change connections and their secrets" in response.text
    assert 'aria-label="Main"' in response.text


def test_who_may_not_reads_why_in_the_messages_when_htmx_asks(as_ana):
    response = as_ana.get("/admins-only/", headers=HTMX)
    assert response.status_code == 403
    assert response.headers["HX-Retarget"] == "#messages"
    assert "<html" not in response.text
    assert "may not create" in response.text


def test_the_view_is_told_how_far_the_permission_reaches(as_ada):
    assert as_ada.get("/admins-only/").text == "all"


def test_a_stranger_is_sent_to_sign_in_and_back(client, db):
    response = client.get("/admins-only/")
    assert response.headers["Location"] == "/sign-in/?next=/admins-only/"


def test_a_no_to_htmx_is_a_live_message(as_ana):
    response = as_ana.post("/refuse/", headers=HTMX)
    assert response.status_code == 409
    assert response.headers["HX-Retarget"] == "#messages"
    assert response.headers["HX-Reswap"] == "innerHTML"
    assert response.headers["HX-Reselect"] == "unset"
    assert 'role="alert"' in response.text
    assert "Ana claimed it 5 s ago." in response.text


def test_a_no_to_a_form_is_said_on_the_page_it_came_from(as_ana):
    response = as_ana.post("/refuse/", headers=BACK)
    assert response.status_code == 303
    assert response.headers["Location"] == "/people/?q=x"
    assert said(response) == ["Ana claimed it 5 s ago."]


@pytest.mark.parametrize(
    "referer", ["https://evil.example/people/", "//evil.example/", "javascript:alert(1)", ""]
)
def test_a_foreign_page_is_never_gone_back_to(as_ana, referer):
    response = as_ana.post("/refuse/", headers={"Referer": referer})
    assert response.headers["Location"] == "/"


def test_a_yes_to_a_form_is_said_on_the_next_page(as_ana):
    response = as_ana.post("/succeed/")
    assert (response.status_code, response.headers["Location"]) == (303, "/")
    page = as_ana.get("/profile/").text
    assert "It is claimed." in page
    assert 'action="/undo/"' in page


def test_a_yes_to_htmx_moves_the_whole_page(as_ana):
    response = as_ana.post("/succeed/", headers=HTMX)
    assert response.status_code == 204
    assert response.headers["HX-Redirect"] == "/"


def test_a_part_brings_its_sentence_along(as_ana):
    text = as_ana.post("/part/", headers=HTMX).text
    assert text.startswith("<p>the part</p>")
    assert 'hx-swap-oob="innerHTML:#messages"' in text
    assert "Claimed." in text
    assert 'action="/undo/"' in text
    assert "csrfmiddlewaretoken" in text


def test_roles_are_worded_as_they_are_spoken():
    assert permissions.refusal_for(
        User(role="sdr-manager", is_active=True), Permission.CONFIGURE_CONNECTION
    ).startswith("An SDR manager may not")
    assert "a RevOps" in " ".join(permissions.who_may_everywhere(Permission.SEE_OPERATIONS))


def test_a_missing_page_says_so_in_our_look(as_ana):
    response = as_ana.get("/nowhere/")
    assert response.status_code == 404
    assert "Nothing here" in response.text


def test_the_address_of_an_act_says_so_and_leads_back(as_ana):
    response = as_ana.get("/act/", headers={"Referer": "http://testserver/?state=open"})
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert "This is the address of an act" in response.text
    assert 'href="/?state=open"' in response.text
    part = as_ana.get("/act/", headers=HTMX)
    assert (part.status_code, part.headers["HX-Retarget"]) == (405, "#messages")


def test_a_form_without_its_token_is_told_what_to_do(ana):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ana)
    response = strict.post("/succeed/")
    assert response.status_code == 403
    assert "Reload the page" in response.text


def test_what_breaks_is_said_on_a_page_of_ours(as_ana):
    as_ana.raise_request_exception = False
    response = as_ana.get("/break/")
    assert response.status_code == 500
    assert "Something broke on our side" in response.text
    assert "RuntimeError" not in response.text


def test_that_page_needs_no_database():
    response = errors.broken(RequestFactory().get("/people/"))  # a query here would be refused
    assert response.status_code == 500
    assert b"Something broke" in response.content


def test_a_machine_is_told_in_json():
    response = errors.broken(RequestFactory().post("/hooks/pandadoc/"))
    assert response.headers["Content-Type"] == "application/json"


def test_what_breaks_under_htmx_is_a_message(as_ana):
    as_ana.raise_request_exception = False
    response = as_ana.get("/break/", headers=HTMX)
    assert response.status_code == 500
    assert response.headers["HX-Retarget"] == "#messages"


def test_every_page_carries_the_strict_policy(client, as_ana):
    for url in ("/sign-in/", "/profile/", "/nowhere/", "/kit/"):
        policy = as_ana.get(url).headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy + ";"
        assert "style-src 'self';" in policy + ";"
        assert "unsafe" not in policy


def test_htmx_may_evaluate_nothing_and_reach_nobody_else(as_ana):
    page = as_ana.get("/profile/").text
    config = page.split('name="htmx-config" content="')[1].split('">')[0]
    rules = json.loads(html.unescape(config))
    assert rules["selfRequestsOnly"] is True
    assert rules["allowEval"] is rules["includeIndicatorStyles"] is False
    assert rules["historyCacheSize"] == 0


def test_what_is_swapped_in_is_alive_at_once(as_ana):
    # A delay before it settles is a moment in which a choice made in a fresh form does nothing.
    page = as_ana.get("/profile/").text
    config = page.split('name="htmx-config" content="')[1].split('">')[0]
    rules = json.loads(html.unescape(config))
    assert rules["defaultSettleDelay"] == 0
    # Nor is a style carried over to what comes new: the policy refuses it, and says so.
    assert rules["attributesToSettle"] == []
