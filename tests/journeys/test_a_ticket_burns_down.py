"""Six documents come in a word that nobody mapped: one ticket, one notice. An operator goes from
the ticket to the mapping and back; a manager publishes; the replay shows first what will happen,
does exactly that, and the ticket burns down to zero and closes itself."""

import html
import re

import pytest

from connectors.models import Message
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from proposals.models import Outcome, Proposal
from tests.connectors.crm import carry_on
from tests.connectors.mapped import drafted, sent
from tests.factories import digest_all
from tests.reading import hidden, signed_in, words

pytestmark = pytest.mark.django_db

LEGAL = {"words": {"document.in_legal_review": "sent"}, "fields": {}}
HOME = "/connections/pandadoc/mapping/"
MANY = 6


def test_one_mapping_burns_a_ticket_down_to_zero(crm, staff):
    olivia, rosa = signed_in(staff["olivia"]), signed_in(staff["rosa"])
    for minute in range(MANY):
        sent("in_legal_review", minute, id=f"doc-{minute}")
    digest_all()
    ticket = Ticket.objects.get()
    page = f"/queue/{ticket.pk}/"
    assert ticket.occurrences == MANY
    assert Notice.objects.filter(key__startswith=f"ticket:{ticket.pk}:").count() == 1
    assert f"0 of {MANY} settled" in words(olivia.get(page))

    # The replay says that none of them would be understood; nothing can be done.
    replay = olivia.get(f"{page}replay/")
    assert f"0 will fire · 0 suppressed · {MANY} blocked" in words(replay)
    assert "It cannot be read:" in words(replay)
    assert "Nothing would fire" in words(replay)

    # To the mapping, with the message picked, and back.
    way = re.search(rf'href="({HOME}\?[^"]+)"', olivia.get(page).content.decode())[1]
    mapping = olivia.get(html.unescape(way))
    assert f"Message {ticket.evidence['message']} Back to ticket #{ticket.pk}" in words(mapping)
    there = Message.objects.first().connection
    draft = drafted(there, LEGAL, staff["olivia"])
    publish = rosa.get(f"{HOME}publish/")
    asked = {"revision": draft.revision, "seen": hidden(publish, "seen"), "note": "Legal first"}
    assert rosa.post(f"{HOME}publish/", asked).status_code == 303
    back = words(rosa.get(HOME))
    assert f"{MANY} of {MANY} would be understood now." in back
    assert f"ticket #{ticket.pk}" in back

    # One of them first, by itself: the ticket burns down.
    first = Message.objects.order_by("pk").first()
    assert olivia.post(f"/messages/{first.pk}/release/").status_code == 303
    digest_all()
    assert f"1 of {MANY} settled" in words(olivia.get(page))

    # What will happen to the others, and then exactly that.
    replay = olivia.get(f"{page}replay/")
    said = words(replay)
    assert f"{MANY - 1} will fire · 0 suppressed · 0 blocked" in said
    assert "By version 1 of the mapping, and under the contracts of now." in said
    assert "Its mapping is at version 1 since." in said
    promised = Outcome.objects.count()
    foretold = len(re.findall(r"Promised: create or update the deal", said))
    assert foretold == MANY - 1
    shown = {"from": "step", "by": "now", "shown": hidden(replay, "shown")}
    answer = olivia.post(f"{page}replay/", shown)
    assert (answer.status_code, answer.headers["Location"]) == (303, page)
    assert Outcome.objects.filter(name="deal").count() == 1 + foretold
    assert Outcome.objects.count() > promised

    # It closed itself, and says so; nothing fired twice.
    ticket.refresh_from_db()
    assert (ticket.status, ticket.resolution) == ("resolved", "closed on evidence")
    assert ticket.resolved_by is None
    closed = words(olivia.get(page))
    assert f"{MANY} of {MANY} settled" in closed
    assert "Closed on evidence. It was digested." in closed
    did = f"Replayed from the failed step, with the versions of now: {MANY - 1} will fire."
    assert did in closed
    assert Proposal.objects.filter(state="sent").count() == MANY
    carry_on(times=20)
    assert set(crm.created().values()) == {1}
    assert olivia.post(f"{page}replay/", shown).status_code == 409
    assert TrailLine.objects.filter(what="ticket.remedied").count() == 1
    assert ticket.resolved_at <= instant.now()
