"""Counts, conflicts, synthetic latency, the age of the backup; and the numbers all checks go by."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db.models import F
from django.test import Client

from connectors.models import Message
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.permissions import NotAllowed
from meshline.policy.models import SourceOfTruth, SystemRole
from meshline.pulse.models import Heartbeat
from proposals.models import Outcome, Proposal, Signal
from proposals.tiers import BUDGET, Tier
from reconciliation import checking, tuning
from reconciliation.checks import latency
from reconciliation.checks.check import Failing, Finding
from reconciliation.checks.table import CHECKS
from reconciliation.models import CheckResult
from reconciliation.models.canaries import COLUMNS, Canary, Probe
from reconciliation.tuning import TuningError
from tests import factories
from tests.factories import MONDAY, digest_all, document, post_pandadoc

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def monday():
    with instant.stopped(MONDAY):
        yield


@pytest.fixture
def company(staff):
    factories.pandadoc()
    factories.hubspot()
    SystemRole.objects.update_or_create(role="crm", defaults={"connection": "hubspot"})
    return staff


def tell(state="sent", id="doc-1", **more):
    event = document(state, id=id, **more)
    assert post_pandadoc([event], event_id=f"{id}-{state}").status_code == 202
    digest_all()
    return Proposal.objects.get(external_id=id)


def rows(name, **later):
    with instant.stopped(MONDAY + timedelta(**later)):
        return CHECKS[name].look(instant.now()).rows


# --- Counts ------------------------------------------------------------------------------------
def test_what_came_in_and_led_to_nothing_is_found(company):
    Message.objects.update(received_at=MONDAY)
    tell()
    tell(id="doc-2")
    Message.objects.update(received_at=MONDAY)
    assert rows("count-delta") == ()
    Message.objects.filter(key="doc-2-sent").update(signal_id=0)
    [found] = rows("count-delta")
    assert (found.ref, found.why) == (
        "connection:pandadoc",
        "Of 2 events 1 were read, 0 ignored, 0 are in quarantine and 0 wait: 1 led to nothing.",
    )


def test_what_was_promised_and_is_neither_done_nor_told_of_is_found(company):
    tell()
    Outcome.objects.update(budget_ends_at=MONDAY + timedelta(minutes=5))
    assert rows("count-delta", minutes=14) == ()
    [found] = rows("count-delta", minutes=16)
    assert found.ref == "connection:hubspot"
    assert found.why.endswith("2 are overdue, and nobody was told.")
    Outcome.objects.filter(kind="deal.upsert").update(ticketed_at=MONDAY)
    Outcome.objects.filter(kind="task.create").update(state="held")
    assert rows("count-delta", minutes=16) == ()
    # What stands behind something that is held waits for people, too.
    deal, task = Outcome.objects.filter(connection="hubspot").order_by("pk")
    Outcome.objects.filter(pk=deal.pk).update(state="held", ticketed_at=None)
    Outcome.objects.filter(pk=task.pk).update(state="due", ticketed_at=None)
    assert rows("count-delta", minutes=16) == ()


# --- Conflicts -----------------------------------------------------------------------------------
def test_a_value_that_is_not_the_one_agreed_on_is_found(company):
    proposal = tell()
    assert CHECKS["conflict"].look(MONDAY).asked == 0
    SourceOfTruth.objects.update_or_create(
        record_kind="proposal", field="amount",
        defaults={"connection": "pandadoc", "how": "always"},
    )  # fmt: skip
    another(proposal, {"amount": "99.00", "currency": "EUR"})
    finding = CHECKS["conflict"].look(MONDAY + timedelta(minutes=2))
    assert (finding.asked, finding.rows) == (1, ())
    Proposal.objects.update(amount="99.00")
    [found] = CHECKS["conflict"].look(MONDAY + timedelta(minutes=2)).rows
    assert found.ref == proposal.record
    assert found.why == (
        "Its amount is not what counts (what PandaDoc says, always)."
    )  # fmt: skip


def test_where_the_most_recent_word_counts_it_must_be_that(company):
    proposal = tell()
    another(proposal, {"title": "Another title"})
    [found] = CHECKS["conflict"].look(MONDAY + timedelta(minutes=2)).rows
    assert "title" in found.why
    Proposal.objects.update(title="Another title")
    assert CHECKS["conflict"].look(MONDAY + timedelta(minutes=2)).rows == ()


def another(proposal, fields):
    """Another system told these, a minute later."""
    at = MONDAY + timedelta(minutes=1)
    Signal.objects.create(
        origin="message:0", kind="proposal.updated", source="hubspot", external_id="x",
        occurred_at=at, received_at=at, fields=fields, proposal=proposal,
    )  # fmt: skip


# --- Latency -------------------------------------------------------------------------------------
def test_a_path_slower_than_its_tier_is_found_once_there_are_enough(company):
    canary = Canary.objects.create(
        connection_id=factories.Connection.objects.get(slug="pandadoc").pk,
        since=MONDAY, next_at=MONDAY,
    )  # fmt: skip
    slow = BUDGET[Tier.MINUTES] + timedelta(minutes=1)
    for number in range(18):
        probe(canary, number, timedelta(seconds=4))
    probe(canary, 18, slow)
    assert CHECKS["latency"].look(MONDAY).asked == 0
    probe(canary, 19, timedelta(seconds=4))
    assert (CHECKS["latency"].look(MONDAY).asked, rows("latency")) == (1, ())
    probe(canary, 20, slow)
    [found] = rows("latency")
    assert found.why == "95 of 100 were through within 6 m, of 21; the tier minutes allows 5 m."


def test_a_path_that_ends_here_is_measured_up_to_its_end(company):
    canary = Canary.objects.create(
        connection=factories.Connection.objects.get(slug="pandadoc"),
        since=MONDAY, next_at=MONDAY, reaches_crm=False,
    )  # fmt: skip
    for number in range(21):
        probe(canary, number, timedelta(0))
    Probe.objects.update(
        reaches_crm=False, proven_at=None, routed_at=F("received_at") + timedelta(minutes=6)
    )
    [found] = rows("latency")
    assert found.why.startswith("95 of 100 were through within 6 m, of 21;")


def probe(canary, number, took):
    begun = MONDAY - timedelta(minutes=3 * number + 10)
    stamps = dict.fromkeys(COLUMNS.values(), begun) | {"proven_at": begun + took}
    Probe.objects.create(
        canary=canary, key=f"{number}", begun_at=begun, ended_at=begun, state="passed", **stamps
    )


@pytest.mark.parametrize(("n", "place"), [(20, 19), (21, 20), (100, 95), (1, 1)])
def test_95_of_100_stay_within_it(n, place):
    spans = [timedelta(seconds=one) for one in range(1, n + 1)]
    assert latency.p95(spans[::-1]) == timedelta(seconds=place)


# --- The backup ----------------------------------------------------------------------------------
def test_without_any_backup_nothing_is_known_and_nobody_is_told(company, client):
    result = checking.look(CHECKS["backup-age"])
    assert (result.state, result.failing) == ("unknown", 0)
    assert result.why.startswith("Not configured: no backup was ever reported.")
    assert not Ticket.objects.exists()
    client.force_login(company["olivia"])
    page = client.get("/checks/backup-age/").content.decode()
    assert "Not known" in page
    assert "manage.py backup_done" in page


def test_a_backup_that_is_too_old_is_a_warning(company):
    call_command("backup_done", where="s3://backups/today")
    assert Heartbeat.objects.get(name="backup").detail == {"where": "s3://backups/today"}
    assert checking.look(CHECKS["backup-age"]).state == "ok"
    old = Heartbeat.objects.get(name="backup").beat_at - timedelta(hours=27)
    Heartbeat.objects.filter(name="backup").update(beat_at=old)
    result = checking.look(CHECKS["backup-age"])
    assert (result.state, result.rows[0]["why"]) == (
        "warning",
        "The last one was done 1 d 3 h ago.",
    )
    assert Ticket.objects.get().severity == "normal"


# --- The numbers they go by --------------------------------------------------------------------
def test_how_often_it_looks_and_when_it_is_grave_is_agreed_by_people(company):
    facts = {"name": "duplicate-outreach", "by": company["rosa"], "at": MONDAY, "reason": "Noise."}
    tuning.tune(**facts, every=timedelta(minutes=30), grave_from=3)
    check = tuning.of("duplicate-outreach")
    assert (check.every, check.grave_from) == (timedelta(minutes=30), 3)
    assert [one.name for one in tuning.agreed()] == list(CHECKS)
    line = TrailLine.objects.get(what="check.tuned")
    assert (line.why, line.before, line.after) == (
        "Noise.", {"minutes": 15, "an error from": 10}, {"minutes": 30, "an error from": 3}
    )  # fmt: skip
    checking.look_where_due()
    looked = CheckResult.objects.filter(name="duplicate-outreach")
    with instant.stopped(MONDAY + timedelta(minutes=29)):
        checking.look_where_due()
        assert looked.get().looks == 1
    with instant.stopped(MONDAY + timedelta(minutes=30)):
        checking.look_where_due()
        assert looked.get().looks == 2


@pytest.mark.parametrize(
    ("minutes", "grave_from", "says"),
    [(0, 1, "every minute"), (60 * 24 * 8, 1, "7 days"), (15, 0, "from 1"), (15, 10, "already")],
)
def test_numbers_that_cannot_be(company, minutes, grave_from, says):
    with pytest.raises(TuningError, match=says):
        tuning.tune(
            name="duplicate-outreach", every=timedelta(minutes=minutes), grave_from=grave_from,
            reason="So.", by=company["rosa"], at=MONDAY,
        )  # fmt: skip


def test_other_numbers_judge_what_was_found_last(company, monkeypatch):
    rows = (Failing("backup", "The backup", "It is old."),)
    check = replace(CHECKS["backup-age"], look=lambda at: Finding(1, 1, rows), grave_from=10)
    monkeypatch.setitem(CHECKS, "backup-age", check)
    assert checking.look(check).state == "warning"
    facts = {"name": "backup-age", "by": company["rosa"], "at": MONDAY, "reason": "Grave."}
    judged = checking.tune(**facts, every=check.every, grave_from=1)
    assert (judged.state, judged.failing, judged.rows[0]["ref"]) == ("error", 1, "backup")
    assert CheckResult.objects.of("backup-age").first() == judged
    assert Ticket.objects.get().severity == "high"
    assert checking.tune(**facts, every=check.every, grave_from=3).state == "warning"


def test_only_managers_and_admins_may_and_say_why(company):
    facts = {"name": "conflict", "every": timedelta(hours=2), "grave_from": 1, "at": MONDAY}
    with pytest.raises(NotAllowed):
        tuning.tune(**facts, reason="So.", by=company["olivia"])
    with pytest.raises(TuningError, match="Say why"):
        tuning.tune(**facts, reason="  ", by=company["ada"])
    rosa = Client()
    rosa.force_login(company["rosa"])
    sent = {"minutes": 120, "grave_from": 2, "reason": "It takes long."}
    assert rosa.post("/checks/conflict/tune/", sent).status_code == 303
    page = rosa.get("/checks/conflict/").content.decode()
    assert "every 2 h" in page
    assert "an error from 2 on" in page
    refused = rosa.post("/checks/conflict/tune/", {**sent, "minutes": "often"})
    assert refused.status_code == 422
    assert "Enter a whole number." in refused.content.decode()
