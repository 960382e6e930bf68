"""The description: for programs without a token, for people as a page of our own."""

import re

import pytest
from django.test import Client

from meshline import api, environment
from meshline.api import document

pytestmark = pytest.mark.django_db


def test_the_document_is_there_for_programs():
    answer = Client().get("/api/v1/openapi.json")
    assert answer.json() == document()
    assert Client().post("/api/v1/openapi.json").json()["field"] is None
    assert set(document()["paths"]) >= {"/api/v1/tickets", "/api/v1/tickets/{id}/claim"}


def test_every_operation_asks_for_a_token_and_says_its_noes():
    for operations in document()["paths"].values():
        for operation in operations.values():
            assert operation["security"] == [{"Bearer": []}]
            assert {"401", "403", "422", "429", "503"} <= set(operation["responses"])


def test_people_read_it_as_a_page(staff, client):
    assert client.get("/api/v1/docs").status_code == 302
    client.force_login(staff["vera"])
    page = client.get("/api/v1/docs")
    assert page.status_code == 200
    for path in document()["paths"]:
        assert path in page.text
    assert "won&#x27;t fix" in page.text
    # The CSP forbids both, and nothing comes from elsewhere.
    assert "style=" not in page.text
    assert not re.findall(r"<script(?![^>]*\bsrc=)", page.text)
    assert not re.findall(r'(?:src|href)="https?://', page.text)
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]


def test_every_list_is_in_the_guide_with_what_narrows_it():
    guide = (environment.PROJECT / "docs" / "api.md").read_text()
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*?) \|", guide, re.MULTILINE))
    lists = {
        path.removeprefix("/api/v1/"): operations["get"]
        for path, operations in document()["paths"].items()
        if "get" in operations and "{" not in path
    }
    assert rows.keys() == lists.keys()
    for name, operation in lists.items():
        asked = {one["name"] for one in operation["parameters"]} - {"after", "limit"}
        assert set(re.findall(r"`(\w+)`", rows[name])) == asked, name


def test_it_is_linked_where_tokens_are_made(staff, client):
    client.force_login(staff["remy"])
    assert 'href="/api/v1/docs"' in client.get("/profile/").text


def test_the_document_is_not_written_before_somebody_asks():
    document.cache_clear()
    assert list(api._patterns())
    assert document.cache_info().currsize == 0
