"""An open connection is remembered for a moment; only a yes may be a moment old, never a no."""

from datetime import timedelta

import pytest

from connectors import connections, inbox
from connectors.models import Receipt
from meshline import instant
from meshline.audit.actors import SETUP
from tests import factories
from tests.factories import document

pytestmark = pytest.mark.django_db
NEW_KEY = "another-shared-key-of-the-tests"


@pytest.fixture
def remembering(monkeypatch, settings, pandadoc):
    settings.REMEMBER_DOORS = True
    monkeypatch.setattr(inbox, "REMEMBERED_SECONDS", 600.0)
    monkeypatch.setattr(inbox, "_doors", {})
    return pandadoc


def post(id, **more):
    return factories.post_pandadoc([document("sent", id=id)], event_id=id, **more).status_code


def set_status(status):
    connections.set_status(
        slug="pandadoc", status=status, reason="Test", by=SETUP, at=instant.now()
    )


def replace_secret():
    at = instant.now()
    connections.enter_secret(
        slug="pandadoc", purpose="signing", secret=NEW_KEY, by=SETUP, at=at
    )  # fmt: skip
    connections.end_older_secrets(slug="pandadoc", by=SETUP, at=at)


def test_what_was_closed_a_moment_ago_may_still_take_a_post(remembering, monkeypatch):
    assert post("a") == 202
    set_status("disabled")
    assert post("b") == 202
    monkeypatch.setattr(inbox, "REMEMBERED_SECONDS", 0.0)
    assert post("c") == 403


def test_what_was_opened_takes_a_post_at_once(remembering):
    set_status("disabled")
    assert post("a") == 403
    set_status("active")
    assert post("b") == 202


def test_a_secret_that_was_entered_counts_at_once(remembering):
    assert post("a") == 202
    replace_secret()
    assert post("b", secret=NEW_KEY) == 202
    # Looked at for that: by now the older one is known to be over.
    assert post("c") == 401


def test_a_first_secret_counts_at_once(remembering):
    remembering.secrets.all().delete()
    assert post("a") == 401
    replace_secret()
    assert post("b", secret=NEW_KEY) == 202


def test_the_moment_of_a_post_goes_on_while_its_door_is_remembered(remembering, monkeypatch):
    post("a")
    known, looked_at = inbox._doors["pandadoc"]
    monkeypatch.setitem(inbox._doors, "pandadoc", (known, looked_at - 60))
    post("b")
    first, second = Receipt.objects.order_by("pk")
    assert timedelta(minutes=1) <= second.received_at - first.received_at < timedelta(minutes=2)
