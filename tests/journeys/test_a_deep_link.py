"""Somebody is mentioned; from the notice, the letter or the chat they come to the ticket, signed in
or not; and whoever was away too long while acting comes back to where they were."""

import html
import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client

from exceptions import desk
from meshline import instant
from meshline.notices import letters
from meshline.notices.models import Notice
from tests.exceptions.conftest import HTMX, MONDAY, open_one
from tests.factories import PASSWORD, reread

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff")]
AWAY = MONDAY + timedelta(minutes=31)


@pytest.fixture
def mention(staff):
    """Olivia mentions Rosa on a ticket."""
    ticket = open_one()
    desk.note(ticket_id=ticket.pk, text="@Rosa can you look?", by=staff["olivia"], at=MONDAY)
    return Notice.objects.get(kind="mention")


def sign_in(client, response, user):
    """Fill in the form one was sent to."""
    to = response.headers.get("HX-Redirect") or response.headers["Location"]
    form = client.get(to)
    following = html.unescape(re.search(r'name="next"\s+value="([^"]*)"', form.text)[1])
    typed = {"username": user.email, "password": PASSWORD, "next": following}
    return client.post("/sign-in/", typed)


def test_from_the_letter_one_comes_to_the_ticket_through_signing_in(mention, rosa):
    letter = letters.write([mention], rosa)
    address = letter.lines[0].url
    assert address.startswith(f"{settings.PUBLIC_URL}/queue/")
    assert address in letter.text
    client = Client()
    path = address.removeprefix(settings.PUBLIC_URL).partition("#")[0]
    with instant.stopped(MONDAY):
        asked = client.get(path)
        came = sign_in(client, asked, rosa)
        assert came.headers["Location"] == path
        page = client.get(path)
    assert "@Rosa can you look?" in page.text
    assert f'id="{address.partition("#")[2]}"' in page.text


def test_from_the_notice_inside_it_is_one_click(mention, rosa, client):
    with instant.stopped(MONDAY):
        client.force_login(rosa)
        assert f'href="{mention.url}"' in client.get("/notices/").text


def act_of(ticket, **headers):
    return {
        **HTMX, "HX-Target": f"ticket-{ticket.pk}",
        "HX-Current-URL": "http://testserver/queue/?tab=open&q=one", **headers,
    }  # fmt: skip


def test_an_act_after_the_sitting_ended_does_nothing_and_leads_back_to_the_list(olivia, client):
    ticket = open_one()
    with instant.stopped(MONDAY):
        client.force_login(olivia)
        client.get("/queue/")
    with instant.stopped(AWAY):
        asked = client.post(f"/queue/{ticket.pk}/claim/", headers=act_of(ticket))
        assert reread(ticket).claimed_by is None
        came = sign_in(client, asked, olivia)
        assert came.headers["Location"] == "/queue/?tab=open&q=one"
        assert f'id="ticket-{ticket.pk}"' in client.get(came.headers["Location"]).text


def test_many_asked_for_after_the_sitting_ended_are_none(olivia, client):
    ticket = open_one()
    with instant.stopped(MONDAY):
        client.force_login(olivia)
        client.get("/queue/")
    data = {"act": "claim", "ticket": ticket.pk, "words": "tab=open"}
    with instant.stopped(AWAY):
        asked = client.post("/queue/bulk/", data, headers=act_of(ticket))
        assert asked.headers["HX-Redirect"].startswith("/sign-in/?next=/queue/%3Ftab%3Dopen")
        assert reread(ticket).claimed_by is None


def test_a_job_is_watched_again_after_signing_in(olivia, client):
    with instant.stopped(MONDAY):
        asked = client.get(
            "/queue/bulk/1/", headers={**HTMX, "HX-Current-URL": "http://testserver/queue/bulk/1/"}
        )
        assert asked.headers["HX-Redirect"] == "/sign-in/?next=/queue/bulk/1/"


def test_who_may_not_see_the_ticket_is_not_led_to_it(mention, staff):
    client = Client()
    with instant.stopped(MONDAY):
        asked = client.get(mention.url.partition("#")[0])
        came = sign_in(client, asked, staff["sam"])
        assert client.get(came.headers["Location"]).status_code == 404
