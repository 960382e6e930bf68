"""Where does this amount come from? Two clicks from any written field back to the raw bytes."""

import re
from datetime import timedelta

import pytest

from connectors.models import Message
from meshline import instant
from proposals import lifecycle, sources
from proposals.models import Outcome, Proposal
from tests import factories
from tests.factories import MONDAY, digest_all, document, post_pandadoc
from tests.reading import words

pytestmark = pytest.mark.django_db


def links(answer):
    """Every way back to raw bytes on a page, by the field it is about."""
    found = re.findall(r'href="(/messages/\d+/\?field=(\w+)#told)"', answer.content.decode())
    return {field: url for url, field in found}


def marked(answer):
    return re.findall(r"<mark id=\"told[-\d]*\">(.*?)</mark>", answer.content.decode())


@pytest.fixture
def story(staff, pandadoc):
    """Sent for 1,234.50, then viewed, then its total was corrected."""
    factories.hubspot()
    last = {}
    for minute, (state, changes) in enumerate([
        ("sent", {}),
        ("viewed", {}),
        ("viewed", {"grand_total": {"amount": 990.5, "currency": "EUR"}, "name": "Relaunch"}),
    ]):  # fmt: skip
        event = document(state, at=MONDAY + timedelta(minutes=minute), **changes)
        post_pandadoc([event], event_id=str(minute))
        digest_all()
        last[minute] = Message.objects.order_by("-pk").first()
    return last


def test_from_an_amount_on_the_proposal_to_the_bytes_that_told_it(as_, story):
    olivia = as_("olivia")
    ways = links(olivia.get(f"/proposals/{Proposal.objects.get().pk}/"))
    told_by = {
        "amount": (2, ["990.5"]),
        "title": (2, ["&quot;Relaunch&quot;"]),
        "contact_name": (0, ["&quot;Nina&quot;", "&quot;Brook&quot;"]),
        "owner_email": (0, ["&quot;remy@example.com&quot;"]),
        "state": (1, ["&quot;document.viewed&quot;"]),
    }
    assert set(ways) == set(told_by)
    for field, (message, values) in told_by.items():
        assert ways[field].startswith(f"/messages/{story[message].pk}/"), field
        page = olivia.get(ways[field])
        assert marked(page) == values, field
        assert 'id="told"' in page.content.decode()
        # The raw bytes are on that very page, and a file of them is one click away.
        assert page.context["sight"].text.encode() == bytes(story[message].payload)
        assert f'href="/messages/{story[message].pk}/raw/"' in page.content.decode()


def test_from_a_value_an_outcome_wrote_to_the_bytes_as_they_were_then(as_, story):
    olivia = as_("olivia")
    first, *_, last = Outcome.objects.filter(kind="deal.upsert").order_by("pk")
    assert links(olivia.get(f"/outcomes/{first.pk}/"))["amount"].startswith(
        f"/messages/{story[0].pk}/"
    )
    assert last.params["amount"] == "990.50"
    page = olivia.get(f"/outcomes/{last.pk}/")
    assert marked(olivia.get(links(page)["amount"])) == ["990.5"]


def test_a_text_of_a_contract_comes_from_all_it_names(story):
    task = Outcome.objects.filter(kind="task.create").first()
    named = {field for fields in sources.of_outcome(task).values() for field in fields}
    assert {"title", "owner_email"} <= named


def test_what_a_person_chose_comes_from_no_message(as_, staff, story):
    proposal = Proposal.objects.get()
    lifecycle.assign(
        proposal_id=proposal.pk, owner=staff["olivia"], version=proposal.version,
        reason="She knows them.", by=staff["rosa"], at=instant.now(),
    )  # fmt: skip
    assert "owner_email" not in links(as_("olivia").get(f"/proposals/{proposal.pk}/"))


@pytest.mark.parametrize("who", ["remy", "vera"])
def test_no_way_leads_to_a_closed_door(as_, story, who):
    client = as_(who)
    assert links(client.get(f"/proposals/{Proposal.objects.get().pk}/")) == {}
    assert links(client.get(f"/outcomes/{Outcome.objects.first().pk}/")) == {}


def test_where_values_are_masked_nothing_is_marked(as_, story):
    ada = as_("ada")
    ways = links(ada.get(f"/proposals/{Proposal.objects.get().pk}/"))
    page = ada.get(ways["amount"])
    assert page.status_code == 200
    assert marked(page) == []
    assert "990.5" not in page.content.decode().split('<main id="main"')[1]


@pytest.mark.parametrize("field", ["nothing", "", "x" * 3000, "\0", "<b>", "__class__"])
def test_a_field_that_is_none_marks_nothing(as_, story, field):
    answer = as_("olivia").get(f"/messages/{story[0].pk}/", {"field": field})
    assert answer.status_code == 200
    assert marked(answer) == []


def test_what_stands_otherwise_in_the_bytes_is_said_in_words(as_, staff, pandadoc):
    post_pandadoc([document("completed", date_completed="2026-03-02T09:30:00Z")])
    digest_all()
    page = as_("olivia").get(f"/messages/{Message.objects.get().pk}/?field=state")
    assert "Its state was told as signed; word for word that does not stand here." in words(page)
