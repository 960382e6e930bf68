"""Our words in HubSpot's and back: what is written, what counts as proof, how long it asks for."""

from datetime import UTC, datetime

import pytest

from connectors.base import Errand, Trouble
from connectors.http import Reply
from connectors.hubspot import client as hubspot
from connectors.hubspot import deliver, read, stages
from proposals.states import State

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
DEAL = {
    "title": "Website relaunch", "state": "sent", "amount": "1234.50", "currency": "EUR",
    "owner_email": "remy@example.com", "proposal": "pandadoc:doc-1", "stage": "open",
    "dealstage": "contractsent",
}  # fmt: skip
TASK = {
    "subject": "Follow up", "body": "Call Nina.", "priority": "HIGH",
    "due_at": "2026-03-04T16:00:00+00:00", "owner_email": "remy@example.com",
}  # fmt: skip


class Account:
    """A HubSpot that says what it is told to say, and keeps what it was asked."""

    def __init__(self, *, owner="77", created="4711", found=None, known=None):
        self.owner, self.created, self.found, self.known = owner, created, found, known
        self.asked = []

    def owner_id(self, email):
        return self.owner

    def upsert(self, kind, *, unique, value, properties):
        self.asked.append(("upsert", kind, unique, value, properties))
        return self.created

    def create(self, kind, *, properties, associations):
        self.asked.append(("create", kind, properties, associations))
        return self.created

    def update(self, kind, pk, *, properties):
        self.asked.append(("update", kind, pk, properties))

    def find(self, kind, pk, *, properties):
        return self.found

    def find_by(self, kind, unique, value):
        self.asked.append(("find", kind, unique, value))
        return self.known


def errand(params, account, **changes):
    return Errand(
        key="pandadoc/doc-1/sent/follow-up/1", kind="", params=params, record="proposal:1",
        client=account, at=AT, promised_at=AT, **changes,
    )  # fmt: skip


# --- Writing ---------------------------------------------------------------------------------
def test_a_deal_is_upserted_by_our_own_id():
    account = Account()
    made = deliver.deal(errand(DEAL, account))
    ((_, kind, unique, value, properties),) = account.asked
    assert (kind, unique, value) == ("deals", "meshline_proposal_id", "pandadoc:doc-1")
    assert properties == {
        "dealname": "Website relaunch",
        "dealstage": "contractsent",
        "meshline_state": "sent",
        "amount": "1234.50",
        "deal_currency_code": "EUR",
        "hubspot_owner_id": "77",
    }
    assert (made.external_id, made.kind, made.owner, made.gap) == (
        "4711", "deal", "remy@example.com", "",
    )  # fmt: skip


def test_what_is_not_known_is_left_as_it_is_over_there():
    account = Account(owner="")
    made = deliver.deal(errand({**DEAL, "amount": "", "currency": ""}, account))
    properties = account.asked[0][4]
    assert {"amount", "deal_currency_code", "hubspot_owner_id"}.isdisjoint(properties)
    assert made.gap == "HubSpot has no owner with the e-mail remy@example.com."


def test_a_stage_that_is_left_as_it_is_there_is_neither_written_nor_compared():
    account = Account(found=there(dealstage="closedwon"))
    left = errand({**DEAL, "stage": ""}, account, external_id="4711")
    deliver.deal(left)
    assert "dealstage" not in account.asked[0][4]
    assert read.deal(left)


def test_every_state_has_a_stage_that_says_the_same():
    said = {state: stages.told({"state": state})["stage"] for state in State}
    assert set(said) == set(State)
    closed = {state: stage for state, stage in said.items() if stage != "open"}
    assert closed == {State.CLOSED_WON: "closed-won", State.CLOSED_LOST: "closed-lost"}


def test_a_task_carries_our_key_its_due_time_and_its_deal():
    account = Account()
    deliver.task(errand(TASK, account, links={"deal": "99"}))
    ((_, kind, properties, associations),) = account.asked
    assert kind == "tasks"
    assert properties["meshline_key"] == "pandadoc/doc-1/sent/follow-up/1"
    assert properties["hs_timestamp"] == "2026-03-04T16:00:00.000+00:00"
    assert properties["hs_task_status"] == "NOT_STARTED"
    (link,) = associations
    assert link["to"] == {"id": "99"}
    assert link["types"][0]["associationTypeId"] == 216


def test_a_task_that_may_exist_is_found_instead_of_made():
    account = Account(known={"id": "55"})
    assert deliver.task(errand(TASK, account, may_exist=True)).external_id == "55"
    assert [one[0] for one in account.asked] == ["find"]


def test_a_conflict_means_that_it_is_there():
    account = Account(created=None, known={"id": "55"})
    assert deliver.task(errand(TASK, account)).external_id == "55"
    assert [one[0] for one in account.asked] == ["create", "find"]


def test_a_conflict_with_nothing_is_no_success():
    with pytest.raises(Trouble, match="shows none") as trouble:
        deliver.task(errand(TASK, Account(created=None)))
    assert trouble.value.unknown


def test_a_task_is_closed_by_its_id_or_our_key_and_one_that_never_was_needs_nothing():
    params = {"of_key": "k", "of_id": ""}
    gone = deliver.complete_task(errand(params, Account()))
    assert gone.external_id == ""
    account = Account(known={"id": "55"}, found={"id": "55", "properties": {}})
    assert deliver.complete_task(errand(params, account)).external_id == "55"
    assert account.asked[-1] == ("update", "tasks", "55", {"hs_task_status": "COMPLETED"})


def test_a_task_is_moved_by_its_id_or_our_key_and_one_that_never_was_needs_nothing():
    params = {"of_key": "k", "of_id": "", "due_at": "2026-03-05T09:00:00.123456+00:00"}
    assert deliver.move_task(errand(params, Account())).external_id == ""
    account = Account(known={"id": "55"}, found={"id": "55", "properties": {}})
    assert deliver.move_task(errand(params, account)).external_id == "55"
    due = {"hs_timestamp": "2026-03-05T09:00:00.123+00:00"}
    assert account.asked[-1] == ("update", "tasks", "55", due)


# --- Reading back ----------------------------------------------------------------------------
def there(**changes):
    return {
        "properties": {
            "meshline_proposal_id": "pandadoc:doc-1", "dealname": "Website relaunch",
            "amount": "1234.5", "meshline_state": "sent", "dealstage": "contractsent", **changes,
        }
    }  # fmt: skip


def test_a_deal_proves_itself_by_what_it_says():
    proof = read.deal(errand(DEAL, Account(found=there()), external_id="4711"))
    assert proof.sentence == "Read back: deal 4711 is sent, Website relaunch."


@pytest.mark.parametrize(
    "other",
    [
        {"meshline_proposal_id": "pandadoc:doc-2"}, {"dealname": "Other"}, {"amount": "1234.51"},
        {"amount": None}, {"amount": "much"}, {"meshline_state": "viewed"},
        {"dealstage": "closedwon"}, {"dealstage": "closedlost"}, {"dealstage": None},
    ],
)  # fmt: skip
def test_a_deal_that_says_otherwise_proves_nothing(other):
    assert read.deal(errand(DEAL, Account(found=there(**other)), external_id="4711")) is None


@pytest.mark.parametrize("stage", ["qualifiedtobuy", "1234567"])
def test_a_deal_that_somebody_moved_on_right_away_is_proven_all_the_same(stage):
    account = Account(found=there(dealstage=stage))
    assert read.deal(errand(DEAL, account, external_id="4711"))


def test_a_deal_that_was_won_proves_itself_by_a_won_stage():
    won = there(meshline_state="closed-won", dealstage="contractsent")
    wanted = errand(
        {**DEAL, "state": "closed-won", "stage": "closed-won"},
        Account(found=won),
        external_id="4711",
    )
    assert read.deal(wanted) is None
    won["properties"]["dealstage"] = "closedwon"
    assert read.deal(wanted)


def test_nothing_and_no_id_prove_nothing():
    assert read.deal(errand(DEAL, Account(), external_id="4711")) is None
    assert read.deal(errand(DEAL, Account(found=there()))) is None
    assert read.task(errand(TASK, Account(), external_id="1")) is None


def test_a_task_proves_itself_by_our_key():
    mine = {"properties": {"meshline_key": "pandadoc/doc-1/sent/follow-up/1"}}
    assert read.task(errand(TASK, Account(found=mine), external_id="1"))
    other = {"properties": {"meshline_key": "another"}}
    assert read.task(errand(TASK, Account(found=other), external_id="1")) is None


@pytest.mark.parametrize(
    ("status", "proven"), [("COMPLETED", True), ("NOT_STARTED", False), (None, False)]
)
def test_a_closed_task_proves_itself_by_its_status(status, proven):
    found = {"properties": {"hs_task_status": status}}
    proof = read.completed_task(errand({}, Account(found=found), external_id="1"))
    assert (proof is not None) is proven


@pytest.mark.parametrize(
    ("due", "proven"),
    [
        ("2026-03-05T09:00:00.123Z", True), ("2026-03-05T10:00:00.123+01:00", True),
        ("2026-03-05T09:00:00Z", False), (None, False), ("soon", False),
    ],
)  # fmt: skip
def test_a_moved_task_proves_itself_by_its_time(due, proven):
    account = Account(found={"properties": {"meshline_key": "k", "hs_timestamp": due}})
    params = {"due_at": "2026-03-05T09:00:00.123456+00:00"}
    assert bool(read.moved_task(errand(params, account, external_id="55"))) is proven
    assert read.moved_task(errand(params, Account(), external_id="55")), "It is gone."
    assert read.moved_task(errand(params, account)), "It never was."


# --- How long it asks us to wait -------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "body", "seconds"),
    [
        (429, b'{"policyName":"TEN_SECONDLY_ROLLING"}', 10),
        (429, b'{"policyName":"DAILY"}', 3600),
        (429, b'{"message":"You have reached your secondly limit."}', 1),
        (429, b"", 10),
        (423, b"", 2),
        (503, b"", 2),
        (500, b"", None),
    ],
)
def test_without_a_header_the_policy_says_how_long(status, body, seconds):
    assert hubspot._throttled_for(Reply(status, body=body)) == seconds


@pytest.mark.parametrize("answer", [{}, {"results": []}, [], None, {"results": [{}]}])
def test_an_upsert_without_an_id_is_no_success(answer):
    with pytest.raises(Trouble):
        hubspot._only_id(answer)
