"""An unknown word makes a ticket; an operator maps it, tests and backtests the draft, a manager
publishes it, what was held is released and its ticket closes; then it is taken back."""

import re
from datetime import timedelta

import pytest

from connectors.models import MappingVersion, Message
from exceptions.models import Ticket
from meshline.audit.models import TrailLine
from proposals.models import Proposal
from tests.factories import MONDAY, digest_all, document, post_pandadoc
from tests.reading import hidden, signed_in, words

pytestmark = pytest.mark.django_db

HOME = "/connections/pandadoc/mapping/"
DRAFT = f"{HOME}draft/"
PUBLISH = f"{HOME}publish/"


def sent(state, minutes, **more):
    event = document(state, at=MONDAY + timedelta(minutes=minutes), **more)
    post_pandadoc([event], event_id=f"evt-{minutes}")
    digest_all()
    return Message.objects.newest_first()[0]


def test_an_unknown_word_is_mapped_and_what_was_held_is_understood(pandadoc, staff):
    olivia, rosa = signed_in(staff["olivia"]), signed_in(staff["rosa"])
    sent("draft", 0)
    held = sent("in_legal_review", 1, metadata={"rep": "sam@example.com"})
    proposal = Proposal.objects.get()
    assert (held.status, proposal.state) == ("quarantined", "draft")
    assert proposal.owner == staff["remy"]

    # From the ticket to the mapping, as one clicks.
    ticket = Ticket.objects.get()
    page = olivia.get(f"/queue/{ticket.pk}/")
    assert "'document.in_legal_review'" in words(page).replace("&#x27;", "'")
    way = re.search(rf'<a class="btn"\s+href="({HOME}[^"]*)">', page.content.decode())[1]
    page = olivia.get(way.replace("&amp;", "&"))
    assert f"Message {held.pk} Back to ticket #{ticket.pk}" in words(page)
    assert "None of them would be understood now." in words(page)
    assert "document.viewed Viewed built in" in words(page)
    assert "In force: built in" in words(page)

    # A row more, as without scripts; then the word and a path are kept in the draft.
    form = olivia.get(DRAFT)
    typed = {
        "revision": hidden(form, "revision"), "based_on": hidden(form, "based_on"),
        "word-1-theirs": "document.in_legal_review", "word-1-says": "sent",
        "field-owner_email": "data.metadata.rep",
    }  # fmt: skip
    more = olivia.post(DRAFT, {**typed, "act": "word"})
    assert 'name="word-2-theirs"' in more.content.decode()
    assert 'value="data.metadata.rep"' in more.content.decode()
    assert olivia.post(DRAFT, typed).status_code == 303
    assert "“document.in_legal_review” Sent" in words(olivia.get(DRAFT))

    # The test, on that very message.
    tried = words(olivia.get(f"{HOME}test/?message={held.pk}"))
    assert "The draft makes something else of it" in tried
    assert "State Sent" in re.sub(r"— ", "", tried)
    assert "Owner sam@example.com" in re.sub(r"— ", "", tried)

    # The backtest: one gained, nothing lost, nothing written.
    backtest = words(olivia.get(f"{HOME}backtest/"))
    assert "1 gained, 0 lost, 0 with another state, 0 with another field, 1 the same." in backtest
    assert Message.objects.get(pk=held.pk).status == "quarantined"

    # An operator asks; a manager publishes.
    publish = olivia.get(PUBLISH)
    asked = {"revision": hidden(publish, "revision"), "seen": hidden(publish, "seen"), "note": "!"}
    assert olivia.post(PUBLISH, asked, headers={"HX-Request": "true"}).status_code == 403
    assert olivia.post(f"{DRAFT}submit/?revision=1").status_code == 303
    assert rosa.post(PUBLISH, {**asked, "note": "Legal reads it first"}).status_code == 303
    page = rosa.get(HOME)
    assert "In force: version 1" in words(page)
    assert "document.in_legal_review Sent Added" in words(page)
    assert "1 of 1 would be understood now." in words(page)

    # Released: the proposal moves, its owner is the one the path names, and the ticket closes.
    seen = {"seen": hidden(page, "seen")}
    assert olivia.post(f"{HOME}release/", seen).status_code == 303
    digest_all()
    proposal.refresh_from_db()
    ticket.refresh_from_db()
    assert (proposal.state, ticket.status) == ("sent", "resolved")
    assert proposal.owner == staff["sam"]
    assert Message.objects.get(pk=held.pk).status == "digested"

    # Taken back with a reason: the word is unknown again, and what was told stays told.
    old = rosa.get(f"{HOME}versions/0/")
    assert "What bringing it back would change" in words(old)
    back = {"seen": hidden(old, "seen"), "reason": "Legal does not read any more"}
    assert rosa.post(f"{HOME}versions/0/restore/", back).status_code == 303
    assert "goes back to what is built in" in words(rosa.get(HOME))
    assert sent("in_legal_review", 2).status == "quarantined"
    proposal.refresh_from_db()
    assert proposal.state == "sent"
    assert MappingVersion.objects.count() == 2

    lines = TrailLine.objects.filter(what__startswith="mapping.").order_by("pk")
    assert [line.what for line in lines] == [
        "mapping.drafted", "mapping.submitted", "mapping.published", "mapping.restored",
    ]  # fmt: skip
    published, restored = lines[2], lines[3]
    assert published.after["“document.in_legal_review”"] == "Sent"
    assert published.after["written by"] == "Olivia Ortiz (RevOps operator)"
    assert published.before["Owner"].startswith("data.owner")
    assert restored.why == "Legal does not read any more"
    assert "Mapping restored" in words(rosa.get("/connections/pandadoc/"))
