"""Machines are answered at the door; people's middleware never sees them."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import Client

from meshline.web import places
from meshline.web.places import Places


@pytest.fixture
def full(monkeypatch):
    """All places are taken."""
    here = Places()
    here.open_for(2)
    monkeypatch.setattr(places, "here", here)
    monkeypatch.setattr(places, "WAIT_SECONDS", 0.0)
    with ThreadPoolExecutor(1) as somebody:
        assert somebody.submit(here.take).result()
        yield
        somebody.submit(here.leave).result()


def test_a_hook_is_answered_without_session_token_or_sign_in(db, django_assert_num_queries):
    strict = Client(enforce_csrf_checks=True)
    with django_assert_num_queries(0):
        response = strict.post("/hooks/pandadoc/", b"{}", content_type="application/json")
    assert response.status_code == 202
    assert response.text == "pandadoc, no session"
    assert "Set-Cookie" not in response.headers


def test_a_door_that_does_not_exist_is_a_plain_404():
    for path in ("/hooks/", "/hooks/a/b/", "/readyz"):
        response = Client().get(path)
        assert response.status_code == 404
        assert json.loads(response.content)["error"]


def test_what_only_looks_like_a_door_goes_the_way_of_people(db):
    for path in ("/hooksome/", "/healthz/x"):
        assert Client().get(path).status_code in (302, 404)


# --- All places are taken ------------------------------------------------------------------------
def test_people_are_told_to_come_again_without_the_database(full):
    answer = Client().get("/kit/")  # a query here would be refused
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Meshline has its hands full" in answer.text
    part = Client().get("/kit/", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["HX-Retarget"]) == (503, "#messages")


def test_scripts_are_told_so_in_their_form(full):
    answer = Client().get("/api/v1/tickets")
    assert (answer.status_code, answer.json()["field"]) == (503, None)
    assert "hands full" in answer.json()["error"]


def test_webhooks_health_checks_and_files_need_no_place(full, db):
    hook = Client().post("/hooks/pandadoc/", b"{}", content_type="application/json")
    assert hook.status_code == 202
    assert Client().get("/healthz").status_code == 404  # none in this site
    assert Client().get("/static/none.css").status_code == 404
