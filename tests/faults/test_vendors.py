"""Vendors that do it and do not say so, that say "not now" in every way, or hang.

How a single call meets slow drips, endless bodies, bombs, redirects, wrong certificates and
addresses that are private or change is tried in tests/connectors/test_http.py; here the whole
installation meets what a vendor can do to an outcome.
"""

from typing import Any

import pytest

from tests.faults import report
from tests.faults.house import House
from tests.faults.judge import judge, wait_until_quiet
from tests.faults.processes import until
from tests.faults.sender import Document, Sender, documents
from tests.faults.size import SIZE

UPSERT = {"method": "POST", "path": "/objects/deals"}
TASK = {"method": "POST", "path": "/objects/tasks"}
INVOICE = {"method": "POST", "path": "/v1/invoices"}
ITEM = {"method": "POST", "path": "/v1/invoiceitems"}
CHAT = {"method": "POST", "path": "chat.postMessage"}


def signed(name: str, many: int = 1) -> list[Document]:
    made = documents(name, 3 * many)
    return [Document(f"{one.id}s", ("sent", "completed"), one.amount) for one in made[:many]]


@pytest.mark.parametrize("kind", ["commit_then_reset", "commit_then_hang"])
def test_what_was_done_without_an_answer_is_done_once(house: House, kind: str):
    """At the CRM and at billing, at each call that makes something."""
    fault = {"kind": kind, "times": 1}
    crm = [{**fault, "match": match} for match in (UPSERT, TASK)]
    billing = [{**fault, "match": match} for match in (ITEM, INVOICE)]
    house.vendors.breaks("hubspot", *crm)
    house.vendors.breaks("stripe", *billing)
    whom = signed(kind.replace("_", "-"), 2)
    Sender(house.port).send(whom).wait()
    judge(house, whom)
    assert house.vendors.met("hubspot") == len(crm)
    assert house.vendors.met("stripe") == len(billing)


def test_without_the_key_what_was_done_is_done_again(house: House):
    """The control, at the CRM: neither looked up nor known by its key, the task is made twice."""
    house.orders(without=["key"])
    house.vendors.breaks("hubspot", {"kind": "commit_then_reset", "times": 1, "match": TASK})
    (one,) = signed("keyless")
    Sender(house.port).send([one]).wait()
    wanted = f"Start onboarding: {one.title}"

    def made() -> int:
        return sum(task["hs_task_subject"] == wanted for task in house.vendors.tasks())

    until(lambda: made() == 2, within=SIZE.patience, what="the task is made twice")
    wait_until_quiet(house)


def test_keys_that_billing_has_forgotten_bill_nobody_twice(house: House):
    """It does it, does not say so, and forgets the key before we ask again."""
    house.vendors.breaks("stripe", {"kind": "commit_then_reset", "times": 1, "match": INVOICE})
    whom = signed("forgotten")
    Sender(house.port).send(whom).wait()
    until(lambda: house.vendors.met("stripe") == 1, within=60, what="billing does not answer")
    house.vendors.ask("POST", "/stripe/forget-keys", {})
    judge(house, whom)


TOO_MANY: list[dict[str, Any]] = [
    {"policy": "SECONDLY"},
    {"retry_after": 1},
    {"retry_after": 0},
    {"retry_after_date": 1},
    {"retry_after_date": -3600},
    {"retry_after": "-5"},
    {"retry_after": "soon"},
    {"retry_after": "1e9"},
    {"retry_after": "٣"},
    {},
]


@pytest.mark.long
def test_too_many_requests_in_every_form_are_waited_out(house: House):
    """The absurd one, an hour or more, is in tests/connectors/test_delivery_faults.py."""
    faults = [{"kind": "status", "code": 429, "times": 1, **form} for form in TOO_MANY]
    for vendor in ("hubspot", "stripe", "listener"):
        house.vendors.breaks(vendor, *faults[: 4 if not SIZE.is_long else None])
    whom = signed("throttled", 2)
    Sender(house.port).send(whom).wait()
    judge(house, whom)


def test_a_message_nobody_knows_the_end_of_is_not_said_twice(house: House):
    """The chat has no key: said once, and a ticket asks a person whether it stands there."""
    house.vendors.breaks("slack", {"kind": "commit_then_reset", "times": 1, "match": CHAT})
    (one,) = signed("said")
    Sender(house.port).send([one]).wait()
    final = judge(house, [one])
    assert final.unsaid == []
    assert house.tickets_about(one.title) == ["delivery-failed"]


@pytest.mark.long
def test_one_vendor_that_hangs_holds_up_none_of_the_others(house: House):
    """The CRM answers nothing at all; billing, chat and listener are told everything meanwhile."""
    many = 100 if SIZE.is_long else 10
    alone = signed("alone", many)
    Sender(house.port).send(alone, per_second=4).wait()
    judge(house, alone)
    house.vendors.breaks("hubspot", {"kind": "hang", "seconds": 600})
    whom = signed("hanging", many)
    Sender(house.port).send(whom, per_second=4).wait()
    until(lambda: _told(house, whom) == many, within=SIZE.patience,
          what="everybody but the CRM is told")  # fmt: skip
    assert not [deal for deal in house.vendors.deals() if "hanging" in deal["dealname"]]
    house.vendors.mends("hubspot")
    before, during = _seconds(house, alone), _seconds(house, whom)
    report.note("One of four hangs: the others' p95 ÷ without", f"{during / before:.2f}")
    house.retry_connection("hubspot")
    judge(house, whom)


def _told(house: House, whom: list[Document]) -> int:
    """How many of them are invoiced, stand in the chat, and were heard of by the listener."""
    wanted = {f"pandadoc:{one.id}" for one in whom}
    invoiced = {
        one["metadata"].get("meshline_proposal")
        for one in house.vendors.invoices()
        if one["status"] == "open"
    }
    heard = {
        f"pandadoc:{one['payload']['data']['id']}"
        for one in house.vendors.heard()
        if one["payload"]["type"] == "proposal.signed"
    }
    said = " ".join(one["text"] for one in house.vendors.messages())
    spoken = {f"pandadoc:{one.id}" for one in whom if f"{one.title} over" in said}
    return len(wanted & invoiced & heard & spoken)


def _seconds(house: House, whom: list[Document]) -> float:
    """The 95th percentile from promised to proven, of what went to anybody but the CRM."""
    with house.database() as session:
        row = session.execute(
            "SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY"
            " extract(epoch FROM o.proven_at - o.promised_at))::float"
            " FROM proposals_outcome o JOIN proposals_proposal p ON p.id = o.proposal_id"
            " WHERE o.connection IN ('stripe', 'slack', 'listener') AND p.external_id = ANY(%s)",
            [[one.id for one in whom]],
        ).fetchone()
    assert row is not None
    return row[0]
