"""Two systems tell a proposal's amount: by agreement one of them wins, or a person decides."""

import re
import time
from datetime import timedelta

import pytest

from exceptions.models import Ticket
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.policy.models import SourceOfTruth
from proposals.models import Outcome, Proposal, Signal
from tests import factories
from tests.factories import MONDAY, digest_all, document, post_pandadoc, post_standard
from tests.reading import hidden, signed_in, words

pytestmark = pytest.mark.django_db

TRUTHS = "/operating-model/sources-of-truth/"
AMOUNT = f"{TRUTHS}proposal/amount/"


@pytest.fixture(autouse=True)
def both(staff, pandadoc):
    """The quoting tool, and HubSpot's workflow that posts what the deal says."""
    factories.standard("hubspot", "HubSpot")
    with instant.stopped(MONDAY + timedelta(minutes=5)):
        yield


def quoted(amount, minute, state="sent", doc="doc-1"):
    total = {"amount": amount, "currency": "EUR"}
    event = document(state, id=doc, at=MONDAY + timedelta(minutes=minute), grand_total=total)
    post_pandadoc([event], event_id=f"q-{doc}-{minute}")
    digest_all()


def told_by_hubspot(amount, minute, doc="doc-1"):
    body = {
        "type": "proposal.updated",
        "timestamp": (MONDAY + timedelta(minutes=minute)).isoformat(),
        "data": {
            "id": doc, "source": "pandadoc", "amount": {"amount": amount, "currency": "EUR"},
        },
    }  # fmt: skip
    # Its signature is of this very minute, whatever day the story plays on.
    stamp = int(time.time())
    post_standard(body, id=f"h-{doc}-{minute}", slug="hubspot", stamp=stamp)
    digest_all()


def amount():
    return Proposal.objects.get(external_id="doc-1").amount_words


def agree(client, url=AMOUNT, **asked):
    """As one does it: choose, see what it would do, publish that."""
    preview = client.get(url, asked)
    assert preview.status_code == 200, words(preview)
    published = {name: hidden(preview, name) for name in (*asked, "seen", "previewed")}
    return words(preview), client.post(url, published)


def test_hubspot_s_amount_no_longer_wins(staff):
    quoted("1000.00", 0)
    told_by_hubspot("1200.00", 1)
    # A second proposal, of which the quoting tool spoke last.
    told_by_hubspot("700.00", 0, doc="doc-2")
    quoted("500.00", 1, doc="doc-2")
    assert amount() == "1,200.00 EUR"

    rosa, olivia = signed_in(staff["rosa"]), signed_in(staff["olivia"])
    assert f'href="{TRUTHS}"' in rosa.get("/operating-model/").content.decode()
    assert f'href="{AMOUNT}"' in rosa.get(TRUTHS).content.decode()
    seen, answer = agree(rosa, how="always", connection="pandadoc")
    assert "PandaDoc's amount wins over HubSpot's for 2 open proposals: 1 would change." in seen
    assert "1,200.00 EUR 1,000.00 EUR" in seen
    assert answer.status_code == 303
    said = words(rosa.get(TRUTHS))
    assert "Of the amount counts what PandaDoc says, always. 1 proposal changed." in said

    # The proposal both told of shows the quoting tool's, and says why.
    assert amount() == "1,000.00 EUR"
    page = words(olivia.get(f"/proposals/{Proposal.objects.get(external_id='doc-1').pk}/"))
    assert "1,000.00 EUR" in page
    assert "It is agreed whose amount counts: what PandaDoc says, always." in page
    # What HubSpot says from now on is kept, and does not win.
    told_by_hubspot("1300.00", 5)
    assert amount() == "1,000.00 EUR"
    kept = Signal.objects.filter(source="hubspot").order_by("-pk").first()
    assert (kept.fields["amount"], kept.why) == (
        "1300.00", "Its amount is kept, but PandaDoc's counts.",
    )  # fmt: skip
    # And the deal is to show what counts now.
    deals = Outcome.objects.open().filter(kind="deal.upsert", proposal__external_id="doc-1")
    assert deals.order_by("-pk").first().params["amount"] == "1000.00"

    agreed = TrailLine.objects.get(what="authority.changed")
    assert (agreed.before, agreed.after["how"], agreed.after["connection"]) == (
        {}, "always", "pandadoc",
    )  # fmt: skip
    changed = TrailLine.objects.filter(what="proposal.changed").order_by("-pk").first()
    assert changed.cause == f"sourceoftruth:{SourceOfTruth.objects.get(field='amount').pk}"
    assert changed.actor_label.startswith("Rosa Marin")


def test_a_person_is_asked_decides_and_it_stays_decided(staff):
    quoted("1000.00", 0)
    rosa, olivia = signed_in(staff["rosa"]), signed_in(staff["olivia"])
    _, answer = agree(rosa, how="ask", connection="")
    assert answer.status_code == 303

    # Two values: neither is taken, and a ticket has both.
    told_by_hubspot("1200.00", 1)
    assert amount() == "1,000.00 EUR"
    ticket = Ticket.objects.unresolved().get(kind="field-conflict")
    assert ticket.owner == staff["olivia"]
    page = olivia.get(f"/queue/{ticket.pk}/")
    assert "Two values for the amount of Website relaunch" in words(page)
    assert "1,000.00 EUR" in words(page)
    assert "1,200.00 EUR" in words(page)
    take = {
        words_of: url
        for url, words_of in re.findall(
            r'action="(/proposals/\d+/take/[^"]+)".*?Take (\w+)', page.content.decode(), re.DOTALL
        )
    }
    assert set(take) == {"PandaDoc", "HubSpot"}
    shown = words(olivia.get(f"/proposals/{Proposal.objects.get().pk}/"))
    assert "Two values" in shown

    # Olivia takes HubSpot's.
    assert olivia.post(take["HubSpot"]).status_code == 303
    assert amount() == "1,200.00 EUR"
    ticket.refresh_from_db()
    assert not ticket.is_unresolved
    assert ticket.resolution_note.startswith("Olivia Ortiz")
    decided = TrailLine.objects.get(what="proposal.decided")
    assert decided.why == "Olivia Ortiz took HubSpot's amount."

    # It stays decided, whoever repeats what they said before.
    quoted("1000.00", 10, state="viewed")
    told_by_hubspot("1200.00", 11)
    assert amount() == "1,200.00 EUR"
    assert not Ticket.objects.unresolved().filter(kind="field-conflict").exists()

    # A new value is a new question; the old button answers nothing any more.
    quoted("900.00", 20, state="completed")
    assert amount() == "1,200.00 EUR"
    assert Ticket.objects.unresolved().filter(kind="field-conflict").count() == 1
    again = olivia.post(take["PandaDoc"], headers={"HX-Request": "true"})
    assert again.status_code == 409
    assert "The systems tell other values by now" in words(again)
