"""What these rooms' tests share: the stand-ins of the connectors' tests, and our own door."""

import re

import pytest
from django.test import Client

from connectors import feigning
from tests.connectors.conftest import billing, crm  # noqa: F401


@pytest.fixture
def door(monkeypatch):
    """Our own door without a network between; or what it says instead."""
    answers = []

    def call(method, url, *, content, params, headers, **options):
        if answers:
            raise answers[0]
        path = re.sub(r"^https?://[^/]+", "", url)
        query = "&".join(f"{name}={value}" for name, value in params.items())
        given = Client().post(
            f"{path}?{query}", content, content_type="application/json", headers=headers
        )
        return feigning.http.Reply(given.status_code, {}, given.content)

    monkeypatch.setattr(feigning.http, "call", call)
    return answers
