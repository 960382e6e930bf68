"""Machines are answered at the door; people's middleware never sees them."""

import json

from django.test import Client


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
