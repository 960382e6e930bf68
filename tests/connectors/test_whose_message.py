"""Whose a message is: its record's owner and who has its ticket replay it, others hear who may."""

import pytest

from connectors import rereading, whose_message
from connectors.models import Message
from exceptions import desk
from exceptions.models import Ticket
from meshline import instant
from meshline.people.permissions import NotAllowed, Role
from tests import factories
from tests.factories import digest_all, document, post_pandadoc

pytestmark = pytest.mark.django_db

UNREADABLE = [{"event": "document_updated"}]


@pytest.fixture(autouse=True)
def quoting(pandadoc):
    """PandaDoc, which sends what is read here."""


@pytest.fixture
def nils(staff):
    return factories.person("nils@example.com", "Nils Holm", Role.OPERATOR, staff["rosa"].team)


def came(events, event_id="evt-1"):
    message = factories.message(post_pandadoc(events, event_id=event_id))
    digest_all()
    message.refresh_from_db()
    return message


def replay(message, by):
    return rereading.replay(message_id=message.pk, by=by, at=instant.now())


def claim(by):
    return desk.claim(ticket_id=Ticket.objects.get().pk, by=by, at=instant.now())


def refused(message, by):
    """The one sentence, as it is said ahead and when it is tried."""
    with pytest.raises(NotAllowed) as caught:
        replay(message, by)
    assert str(caught.value) == whose_message.refusal_of_replay(message, by)
    return str(caught.value)


def test_who_owns_its_ticket_replays_it_until_somebody_else_claims_it(olivia, nils):
    message = came(UNREADABLE)
    ticket = Ticket.objects.get()
    assert ticket.owner == olivia
    named = f"Only Olivia Ortiz (has ticket #{ticket.pk}) or a RevOps manager may replay"
    assert refused(message, nils).startswith(named)
    assert whose_message.refusal_of_replay(message, olivia) == ""
    claim(nils)
    assert "Nils Holm (has ticket" in refused(message, olivia)
    assert replay(message, nils).status == "accepted"


def test_who_has_the_ticket_of_its_other_content_replays_it(olivia, nils):
    first = came([document("sent")])
    assert refused(first, olivia) == "Only a RevOps manager may replay this message; ask one."
    post_pandadoc([document("sent", name="Otherwise")], event_id="evt-1")
    assert Ticket.objects.get().kind == "message-conflict"
    claim(nils)
    assert replay(first, nils).status == "accepted"


def test_its_owner_and_who_has_its_ticket_are_both_named(olivia, nils, staff):
    theirs = factories.person("ines@example.com", "Ines Falk", Role.OPERATOR, staff["rosa"].team)
    message = came([document("sent", owner="ines@example.com")])
    post_pandadoc([document("sent", name="Otherwise", owner="ines@example.com")], event_id="evt-1")
    ticket = claim(nils)
    assert refused(message, olivia) == (
        f"Only Ines Falk (its owner), Nils Holm (has ticket #{ticket.pk}) or a RevOps manager may "
        "replay this message; ask one of them."
    )
    assert whose_message.refusal_of_replay(message, theirs) == ""


def test_nobody_is_sent_to_whom_it_is_refused_too(olivia, staff):
    """Its owner is a rep, and reps replay nothing."""
    message = came([document("sent")])
    assert refused(message, olivia) == "Only a RevOps manager may replay this message; ask one."
    assert "may not replay a message" in refused(message, staff["remy"])


def test_a_ticket_that_is_resolved_gives_no_right(olivia, rosa, nils):
    message = came(UNREADABLE)
    desk.resolve(ticket_id=claim(olivia).pk, resolution="fixed", by=olivia, at=instant.now())
    assert refused(message, olivia) == "Only a RevOps manager may replay this message; ask one."
    assert replay(message, rosa).status == "accepted"


def test_a_ticket_about_another_message_gives_no_right(olivia):
    message = came([document("sent")])
    Message.objects.filter(pk=message.pk).update(record="")
    message.refresh_from_db()
    other = came(UNREADABLE, event_id="evt-2")
    assert whose_message.refusal_of_replay(other, olivia) == ""
    assert refused(message, olivia) == "Only a RevOps manager may replay this message; ask one."
