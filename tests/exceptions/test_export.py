"""The queue as a file: what the filter shows, as far as this person may take it along."""

import csv
import io

import pytest

from exceptions import desk, export, troubles
from exceptions.states import Resolution
from exceptions.troubles import Trouble
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from tests.reading import signed_in


@pytest.fixture
def as_(staff):
    return lambda name: signed_in(staff[name])


@pytest.fixture
def tickets(staff):
    """Seven of Olivia's: five open, one in Rosa's hands, one closed."""
    made = [
        troubles.open_ticket(
            Trouble(
                kind="delivery-failed", cause=f"cause {number}", title=f"Ticket {number}",
                reason="=1+1", subject=f"outcome:{number}", evidence={"x": 1},
            ),
            by=SETUP,
            at=instant.now(),
        )
        for number in range(7)
    ]  # fmt: skip
    desk.claim(ticket_id=made[5].pk, by=staff["rosa"], at=instant.now())
    desk.claim(ticket_id=made[6].pk, by=staff["rosa"], at=instant.now())
    desk.resolve(
        ticket_id=made[6].pk, by=staff["rosa"], at=instant.now(),
        resolution=Resolution.FIXED, note="Done.",
    )  # fmt: skip
    return made


def take(client, query=""):
    answer = client.post(f"/queue/export/{query}")
    assert answer.status_code == 200, answer.status_code
    text = b"".join(answer.streaming_content).decode()
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    assert tuple(head) == export.COLUMNS
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.mark.parametrize("tab", ["mine", "unclaimed", "open", "overdue", "resolved"])
@pytest.mark.parametrize("more", ["", "&kind=delivery-failed", "&q=Ticket+3", "&q=nothing"])
@pytest.mark.parametrize("name", ["rosa", "sam"])
def test_it_holds_as_many_as_the_filter_shows(as_, tickets, name, tab, more):
    client = as_(name)
    page = client.get(f"/queue/?tab={tab}{more}")
    rows = take(client, f"?tab={tab}{more}")
    assert len(rows) == page.context["numbers"].counts[tab]
    assert [int(row["ticket"]) for row in rows] == [seen.pk for seen in page.context["rows"]]


def test_an_operator_takes_their_own_queue_along(as_, tickets, staff):
    client = as_("olivia")
    page = client.get("/queue/")
    assert len(take(client, "?tab=mine")) == page.context["numbers"].counts["mine"] == 5
    # Rosa's ticket is Olivia's as its owner.
    assert len(take(client, "?tab=open")) == 6
    type(tickets[0]).objects.update(owner=staff["rosa"])
    assert [row["claimed by"] for row in take(client, "?tab=open")] == [""] * 5
    assert take(client, "?tab=resolved") == []


def test_cells_are_guarded_and_named(as_, tickets):
    row = take(as_("rosa"), "?tab=open&q=Ticket+5")[0]
    assert (row["reason"], row["owner"], row["claimed by"]) == (
        "'=1+1", "Olivia Ortiz", "Rosa Marin",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["ada", "vera", "remy"])
def test_who_may_not_hears_why(as_, tickets, name):
    answer = as_(name).post("/queue/export/")
    assert answer.status_code == 403
    assert "may not export the exception queue" in answer.content.decode()


def test_who_may_see_but_not_export_finds_the_button_disabled_with_the_reason(as_, tickets):
    page = as_("vera").get("/queue/").content.decode()
    assert "may not export the exception queue" in page
    assert 'action="/queue/export/' not in page


def test_it_is_on_the_trail(as_, tickets, staff):
    take(as_("rosa"), "?tab=open&kind=delivery-failed")
    line = TrailLine.objects.get(what="queue.exported")
    assert (line.actor_id, line.after["rows"]) == (str(staff["rosa"].pk), 6)


def test_a_filter_that_cannot_be_read_exports_nothing(as_, tickets):
    client = as_("rosa")
    assert client.post("/queue/export/?tab=open&kind=nonsense").status_code == 303
    assert "Nothing was exported" in client.get("/queue/").content.decode()


def test_the_button_follows_the_filter(as_, tickets):
    part = as_("rosa").get("/queue/?tab=open&q=3", headers={"HX-Request": "true"})
    assert 'id="queue-export" hx-swap-oob="true"' in part.content.decode()
    assert "/queue/export/?tab=open&amp;q=3" in part.content.decode()
