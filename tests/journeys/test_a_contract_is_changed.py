"""A manager drafts, tests, backtests, has it approved, publishes, and takes it back; and gates."""

import re
from datetime import timedelta

import pytest

from connectors.sandbox import Sandbox
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.shell import sandbox_control
from proposals.models import Contract, Outcome, Proposal
from tests import factories
from tests.connectors.billing import KEY
from tests.connectors.crm import REMY, TOKEN, carry_on, say
from tests.filling import form
from tests.reading import signed_in, words

pytestmark = pytest.mark.django_db

SIGNED = "/operating-model/contracts/signed/"


@pytest.fixture
def vendors(staff, settings):
    """Quoting, CRM and billing, connected; Vera signs the operating model."""
    staff["vera"].approves_model = True
    staff["vera"].save()
    with Sandbox() as sandbox:
        settings.SANDBOX_URL = sandbox.url
        sandbox_control.configure(
            hubspot={"token": TOKEN, "owners": [REMY], "search_lag": 0},
            stripe={"api_key": KEY, "webhook_secret": factories.WEBHOOK_SECRET},
        )
        factories.hubspot(f"{sandbox.url}/hubspot", token=TOKEN)
        factories.pandadoc()
        factories.stripe(f"{sandbox.url}/stripe", credential=KEY)
        yield sandbox


def signs(doc, minute=0, amount="1234.50", name="Website relaunch"):
    """The quoting tool says that a document is sent, and then that it is signed."""
    total = {"grand_total": {"amount": amount, "currency": "EUR"}, "name": name}
    say("sent", id=doc, minute=minute, **total)
    say("completed", id=doc, minute=minute + 1, **total)
    return Proposal.objects.get(external_id=doc)


def states(proposal):
    return dict(Outcome.objects.of(proposal).order_by("pk").values_list("name", "state"))


def test_a_review_gate_lets_the_invoice_go_once_vera_approved_it(vendors, staff):
    rosa, vera = signed_in(staff["rosa"]), signed_in(staff["vera"])

    # Rosa lets the invoice wait for somebody with the approver's right, at most two hours.
    edit = rosa.get(f"{SIGNED}edit/")
    data = form(edit, css="contract-form")
    invoice = next(n for n in data["outcome"] if data[f"o-{n}-name"] == ["invoice"])
    data |= {
        f"o-{invoice}-gate_who": "approvers", f"o-{invoice}-gate_within": "2 h",
        "note": "Every invoice is looked at.",
    }  # fmt: skip
    assert rosa.post(f"{SIGNED}edit/", data).status_code == 303
    # It writes to billing: she cannot publish it alone, and asks Vera, who does.
    assert rosa.post(f"{SIGNED}publish/", {"seen": "1"}).status_code == 403
    ask = form(rosa.get(SIGNED), action="/submit/")
    assert rosa.post(f"{SIGNED}submit/", ask).status_code == 303
    assert "A proposal is signed" in words(vera.get("/approvals/"))
    publish = form(vera.get(SIGNED), action="/publish/")
    assert vera.post(f"{SIGNED}publish/", publish).status_code == 303
    live = Contract.objects.live().get(slug="signed")
    assert (live.version, live.author, live.published_by) == (
        2, "Rosa Marin (RevOps manager)", "Vera Lind (Viewer)",
    )  # fmt: skip

    # The next proposal that is signed: all of it goes out, but for the invoice.
    proposal = signs("doc-7")
    carry_on()
    found = states(proposal)
    assert found["invoice"] == "held"
    assert (found["deal"], found["onboarding"]) == ("proven", "proven")
    page = words(rosa.get(f"/proposals/{proposal.pk}/"))
    assert "It waits for the approval of somebody with the approver's right." in page

    # Vera finds it in her inbox with the amount and what will fire, and lets it go.
    inbox = vera.get("/approvals/")
    for said in ("Website relaunch", "1,234.50 EUR", "Create the invoice"):
        assert said in words(inbox)
    (approve,) = re.findall(r'action="(/approvals/\d+/approve/)"', inbox.content.decode())
    assert vera.post(approve).status_code == 303
    carry_on()
    assert states(proposal)["invoice"] == "proven"
    made = sandbox_control.ask("GET", "/effects", vendor="stripe")["by_key"]
    assert any("invoice" in key for key in made)
    line = TrailLine.objects.get(record=proposal.record, what="outcome.approved")
    assert line.actor_label == "Vera Lind (Viewer)"


def test_a_proposal_of_high_value_is_held_and_let_go(vendors, staff):
    rosa, olivia = signed_in(staff["rosa"]), signed_in(staff["olivia"])
    holds = "/operating-model/holds/"
    data = form(rosa.get(holds), css="narrow") | {"new_currency": "EUR", "new_amount": "50000"}
    assert rosa.post(holds, data).status_code == 303

    small, large = signs("doc-1"), signs("doc-2", amount="80000.00", name="The whole group")
    carry_on()
    assert states(small)["invoice"] == "proven"
    assert set(Outcome.objects.of(large).open().values_list("state", flat=True)) == {"held"}
    assert states(large)["invoice"] == "held"

    # A ticket asks Olivia for a look; the page says why nothing happens.
    queue = words(olivia.get("/queue/"))
    assert "The whole group is on hold: high value" in queue
    url = f"/proposals/{large.pk}/"
    page = olivia.get(url)
    assert "On hold: high value. It is worth 80,000.00 EUR" in words(page)
    lift = form(page, action=f"{url}lift/") | {"reason": "The board knows of it."}
    assert olivia.post(f"{url}lift/", lift).status_code == 303
    assert Ticket.objects.get(kind="on-hold").resolution == "closed on evidence"

    # And everything goes out, in its order: the deal before the task that hangs on it.
    carry_on()
    assert states(large)["invoice"] == "proven"
    proven = Outcome.objects.of(large).filter(connection="hubspot", state="proven")
    in_order = list(proven.order_by("proven_at", "pk").values_list("pk", flat=True))
    assert in_order == sorted(in_order)
    # Signed again for as much, it is not held again.
    say("completed", id="doc-2", minute=9, name="Renamed",
        grand_total={"amount": "80000.00", "currency": "EUR"})  # fmt: skip
    large.refresh_from_db()
    assert large.hold == ""


def test_a_contract_is_drafted_tested_backtested_approved_published_and_rolled_back(vendors, staff):
    olivia, rosa = signed_in(staff["olivia"]), signed_in(staff["rosa"])
    earlier = signs("doc-1", name="Annual licences")
    signs("doc-2", minute=5, name="A small one", amount="90.00")

    # From the list to the form, as one clicks; Olivia drafts: only larger ones, and a new text.
    assert f'href="{SIGNED}"' in olivia.get("/operating-model/contracts/").content.decode()
    assert f'href="{SIGNED}edit/"' in olivia.get(SIGNED).content.decode()
    data = form(olivia.get(f"{SIGNED}edit/"), css="contract-form")
    data = form(olivia.post(f"{SIGNED}edit/", {**data, "act": "add:c"}), css="contract-form")
    task = next(n for n in data["outcome"] if data[f"o-{n}-name"] == ["onboarding"])
    data |= {
        "c.1.field": "amount", "c.1.op": "at_least", "c.1.value": "100",
        f"o-{task}-subject": "Welcome {contact}: {title}", f"o-{task}-due_within": "2 h",
        "note": "Small ones onboard themselves.",
    }  # fmt: skip
    assert olivia.post(f"{SIGNED}edit/", data).status_code == 303

    # Tested on a real proposal: its texts are filled in, each clause shows what it saw.
    test = olivia.get(f"{SIGNED}test/", {"proposal": earlier.pk})
    assert "Welcome Nina Brook: Annual licences" in words(test)
    assert "The amount is at least 100 (seen: 1,234.50)" in words(test)

    # Backtested on what came in: the small one loses everything, the other is otherwise.
    backtest = words(olivia.get(f"{SIGNED}backtest/", {"run": "all"}))
    assert "2 of 2 proposals played" in backtest
    assert "4 lost" in backtest
    assert "Start onboarding: Annual licences Welcome Nina Brook: Annual licences" in backtest

    # Rosa is the second person: Olivia asks, Rosa finds it and publishes it.
    ask = form(olivia.get(SIGNED), action="/submit/")
    assert olivia.post(f"{SIGNED}submit/", ask).status_code == 303
    assert "A proposal is signed" in words(rosa.get("/approvals/"))
    page = rosa.get(SIGNED)
    assert "Olivia Ortiz" in words(page)
    assert rosa.post(f"{SIGNED}publish/", form(page, action="/publish/")).status_code == 303

    # What is under way keeps its version; what comes in now begins under the new one.
    signs("doc-3", minute=20, name="Another small one", amount="80.00")
    later = signs("doc-4", minute=30, name="The next")
    by_doc = dict(
        Outcome.objects.filter(name="onboarding").values_list(
            "proposal__external_id", "contract__version"
        )
    )
    assert by_doc == {"doc-1": 1, "doc-2": 1, "doc-4": 2}
    task = Outcome.objects.of(later).get(name="onboarding")
    assert task.params["subject"] == "Welcome Nina Brook: The next"
    assert "doc-3" not in by_doc

    # And back: with a reason in one click; billing takes a second person here, too.
    page = rosa.get(f"{SIGNED}versions/1/")
    back = form(page, action="/versions/1/roll-back/") | {"reason": "Support wants the task."}
    assert rosa.post(f"{SIGNED}versions/1/roll-back/", back).status_code == 303
    assert Contract.objects.live().get(slug="signed").version == 2
    staff["olivia"].approves_model = True
    staff["olivia"].save()
    publish = form(olivia.get(SIGNED), action="/publish/")
    assert olivia.post(f"{SIGNED}publish/", publish).status_code == 303
    live = Contract.objects.live().get(slug="signed")
    assert (live.version, live.condition) == (3, {})
    versions = words(olivia.get(SIGNED))
    assert "Back to version 1: Support wants the task." in versions
    assert "Small ones onboard themselves." in versions
    with instant.stopped(instant.now() + timedelta(seconds=1)):
        trail = words(rosa.get("/trail/"))
    assert "Contract published" in trail
