"""QA checks: what each asserts, what becomes of a failure, and who sees it."""

from datetime import timedelta

import pytest

from connectors.models import Connection, RecordLink
from exceptions.models import Ticket
from exceptions.states import Status
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.models import Absence, User
from meshline.policy.models import SystemRole
from meshline.pulse.models import Heartbeat
from proposals import follow_ups
from proposals.models import FollowUp, Outcome, Proposal
from reconciliation import checking, jobs
from reconciliation.checks import check as rules
from reconciliation.checks.check import Check, Failing, Finding
from reconciliation.checks.table import CHECKS
from reconciliation.models import CheckResult
from tests import factories
from tests.api.conftest import script_of
from tests.factories import MONDAY, digest_all, document, post_pandadoc
from tests.reading import words

pytestmark = pytest.mark.django_db
EMPTY = {"grand_total": {"amount": "", "currency": ""}}


@pytest.fixture(autouse=True)
def monday():
    with instant.stopped(MONDAY):
        yield


def after(**span):
    return instant.stopped(MONDAY + timedelta(**span))


def tell(state="sent", id="doc-1", **more):
    event = document(state, id=id, **more)
    assert post_pandadoc([event], event_id=f"{id}-{state}").status_code == 202
    digest_all()
    return Proposal.objects.get(external_id=id)


@pytest.fixture
def company(staff):
    factories.pandadoc()
    factories.hubspot()
    SystemRole.objects.update_or_create(role="crm", defaults={"connection": "hubspot"})
    return staff


def refs(name):
    """What fails of this check right now."""
    return [one.ref for one in CHECKS[name].look(instant.now()).rows]


def prove(proposal, kind="deal.upsert", at=None):
    rows = proposal.outcomes.filter(kind=kind)
    assert rows.update(state="proven", proven_at=at or instant.now())


# --- What each asserts -----------------------------------------------------------------------
def test_what_was_sent_must_be_in_the_crm_after_5_minutes(company):
    proposal = tell("sent")
    with after(minutes=4):
        assert refs("delivery-sanity") == []
    with after(minutes=6):
        assert refs("delivery-sanity") == [f"proposal:{proposal.pk}"]
        prove(proposal)
        assert refs("delivery-sanity") == []


def test_what_has_a_ticket_where_it_went_wrong_gets_no_second_one(company):
    proposal = tell("sent")
    with after(minutes=6):
        proposal.outcomes.filter(kind="deal.upsert").update(ticketed_at=instant.now())
        result = checking.look(CHECKS["delivery-sanity"])
        assert (result.state, result.failing) == ("error", 1)
        assert "its delivery has a ticket" in result.rows[0]["why"]
        assert not Ticket.objects.filter(kind="check-failed").exists()


def test_what_is_on_hold_may_wait_and_without_a_crm_nothing_is_asked(company):
    proposal = tell("sent")
    with after(minutes=6):
        Proposal.objects.filter(pk=proposal.pk).update(hold="manual")
        assert refs("delivery-sanity") == []
        Proposal.objects.filter(pk=proposal.pk).update(hold="")
        SystemRole.objects.filter(role="crm").update(connection="")
        assert refs("delivery-sanity") == []


def test_a_system_that_is_silent_for_longer_than_agreed_is_found(company):
    Connection.objects.filter(slug="pandadoc").update(
        expected_every=60, created_at=MONDAY - timedelta(days=1)
    )
    assert refs("emitter-silence") == ["connection:pandadoc"]
    Connection.objects.filter(slug="pandadoc").update(status="paused")
    assert refs("emitter-silence") == []


def test_what_belongs_to_somebody_who_left_or_is_out_is_found(company):
    proposal = tell("sent")
    assert refs("ownerless") == []
    Absence.objects.create(
        user=company["remy"], starts_at=MONDAY, ends_at=MONDAY + timedelta(days=1)
    )
    assert refs("ownerless") == []
    with after(minutes=6):
        [found] = CHECKS["ownerless"].look(instant.now()).rows
        assert (found.ref, found.why) == (
            f"proposal:{proposal.pk}", "Remy Park is out, and nobody stands in."
        )  # fmt: skip
    User.objects.filter(pk=company["remy"].pk).update(is_active=False)
    [found] = CHECKS["ownerless"].look(instant.now()).rows
    assert found.why == "Remy Park has left."


def test_what_waits_for_its_customer_must_know_until_when(company):
    proposal = tell("sent")
    with after(minutes=6):
        assert refs("deadline-coverage") == []
        Outcome.objects.filter(proposal=proposal).update(state="cancelled")
        Proposal.objects.filter(pk=proposal.pk).update(next_follow_up_at=None)
        assert refs("deadline-coverage") == [f"proposal:{proposal.pk}"]


def test_what_a_contract_wants_followed_up_is_and_not_far_too_late(company):
    proposal = tell("sent")
    one = FollowUp.objects.get()
    with after(minutes=6):
        assert refs("follow-up-behaviour") == []
        FollowUp.objects.all().delete()
        [found] = CHECKS["follow-up-behaviour"].look(instant.now()).rows
        assert (found.ref, found.why) == (
            f"proposal:{proposal.pk}", "Its task is asked for, but nobody here follows up."
        )  # fmt: skip
    one.save(force_insert=True)
    # Two working days were given; it is late, and then later than that.
    for due_at, late in (
        (timedelta(days=1), []),
        (timedelta(days=21), [f"proposal:{proposal.pk}"]),
    ):
        FollowUp.objects.update(due_at=instant.now() - due_at)
        assert refs("follow-up-behaviour") == late
    FollowUp.objects.update(
        state="completed", how="here", ended_at=instant.now(), ended_by_label="Remy Park"
    )
    assert refs("follow-up-behaviour") == []


def test_what_was_followed_up_needs_no_day_any_more(company):
    proposal = tell("sent")
    one = FollowUp.objects.get()
    follow_ups.complete(
        follow_up_id=one.pk, version=one.version, by=company["remy"], at=instant.now()
    )
    with after(minutes=6):
        Outcome.objects.filter(proposal=proposal).update(state="cancelled")
        assert refs("deadline-coverage") == []


def test_what_everybody_relies_on_must_be_there(company):
    whole, lacking = tell("sent"), tell("sent", id="doc-2")
    Proposal.objects.filter(pk=lacking.pk).update(title="", contact_email="")
    [found] = CHECKS["canonical-fields"].look(instant.now()).rows
    assert found.ref == f"proposal:{lacking.pk}"
    assert found.why == "It has no title, no contact's e-mail."
    assert whole.title


def test_two_deals_of_one_proposal_are_found(company):
    proposal, there = tell("sent"), Connection.objects.get(slug="hubspot")
    for number in ("1", "2"):
        assert refs("one-effect") == []
        RecordLink.objects.create(
            connection=there, record=f"proposal:{proposal.pk}", kind="deal", external_id=number,
            key=f"k{number}", linked_at=MONDAY,
        )  # fmt: skip
    [found] = CHECKS["one-effect"].look(instant.now()).rows
    assert found.why == "2 records of the kind deal in HubSpot, such as 1 and 2."
    assert found.words == "Website relaunch"


def test_the_same_person_asked_for_twice_within_72_hours_is_found(company):
    first, second, third = tell("sent"), tell("sent", id="doc-2"), tell("sent", id="doc-3")
    prove(first, "task.create", MONDAY - timedelta(hours=90))
    prove(second, "task.create", MONDAY - timedelta(hours=10))
    assert refs("duplicate-outreach") == []
    prove(third, "task.create", MONDAY - timedelta(hours=1))
    assert refs("duplicate-outreach") == [third.outcomes.get(kind="task.create").ref]


def test_a_trail_that_nobody_found_whole_for_two_hours_is_found(company):
    assert refs("trail-verified") == []
    Heartbeat.objects.create(name="trail-verified", beat_at=MONDAY - timedelta(days=3650))
    assert refs("trail-verified") == ["trail"]


# --- What becomes of it ----------------------------------------------------------------------
def made(*failing, grave_from=1, name="delivery-sanity"):
    """A check that finds these."""
    finding = Finding.of(10, failing)
    kept = CHECKS[name]
    return Check(
        name, kept.label, kept.says, kept.how, kept.every, lambda at: finding, kept.remedy,
        grave_from,
    )  # fmt: skip


def failing(number):
    return Failing(f"proposal:{number}", f"Quote {number}", "It is not there.")


def test_many_failures_are_one_ticket_that_closes_with_the_last_of_them(company):
    checking.look(made(*map(failing, range(1, 101))))
    ticket = Ticket.objects.get()
    assert (ticket.kind, ticket.severity, ticket.occurrences) == ("check-failed", "high", 100)
    assert ticket.evidence["failing"] == 100
    assert "Quote 1: It is not there." in ticket.reason
    checking.look(made(failing(1)))
    ticket.refresh_from_db()
    assert ticket.status == Status.OPEN
    assert ticket.all_occurrences.filter(settled_at=None).count() == 1
    checking.look(made())
    ticket.refresh_from_db()
    assert ticket.status == Status.RESOLVED
    assert ticket.resolution_note.startswith("The check finds it right")


def test_few_failures_are_a_warning(company):
    result = checking.look(made(failing(1), grave_from=2))
    assert (result.state, Ticket.objects.get().severity) == ("warning", "normal")


def test_of_more_than_500_the_number_alone_is_kept_and_nothing_is_called_right(
    company, monkeypatch
):
    monkeypatch.setattr(rules, "KEPT", 3)
    monkeypatch.setattr(checking, "KEPT", 3)
    checking.look(made(failing(1), failing(2)))
    result = checking.look(made(*map(failing, (3, 4, 5, 6))))
    assert (result.failing, len(result.rows)) == (4, 3)
    assert Ticket.objects.get().all_occurrences.filter(settled_at=None).count() == 5


def test_what_is_found_again_is_the_same_result_for_longer(company):
    checking.look(made(failing(1)))
    with after(minutes=1):
        checking.look(made(failing(1)))
    with after(minutes=2):
        checking.look(made(failing(2)))
    newest, first = CheckResult.objects.of("delivery-sanity")
    assert (first.looks, first.first_at, first.last_at) == (
        2, MONDAY, MONDAY + timedelta(minutes=1),
    )  # fmt: skip
    assert newest.looks == 1


def test_a_check_that_cannot_look_says_so_and_leaves_what_failed_as_it_was(company):
    checking.look(made(failing(1)))

    def breaks(at):
        raise ValueError("nothing to see")

    kept = CHECKS["delivery-sanity"]
    broken = Check(
        kept.name, kept.label, kept.says, kept.how, kept.every, breaks, kept.remedy, 1
    )  # fmt: skip
    result = checking.look(broken)
    assert (result.state, result.why) == ("unknown", "ValueError: nothing to see")
    assert Ticket.objects.get().all_occurrences.filter(settled_at=None).count() == 2
    checking.look(made(failing(1)))
    assert Ticket.objects.get().all_occurrences.filter(settled_at=None).count() == 1


def test_each_looks_when_its_time_has_come_and_one_that_breaks_stops_no_other(company, monkeypatch):
    def breaks(at):
        raise AttributeError("nothing to see")

    first = next(iter(CHECKS))
    broken = Check(**{**CHECKS[first].__dict__, "look": breaks})
    monkeypatch.setitem(CHECKS, first, broken)
    jobs.check_what_is_due()
    assert CheckResult.objects.count() == len(CHECKS)
    with after(seconds=61):
        jobs.check_what_is_due()
    looks = dict(CheckResult.objects.values_list("name", "looks"))
    assert looks["emitter-silence"] == 2
    assert looks["one-effect"] == 1


# --- On screen -------------------------------------------------------------------------------
def test_before_any_look_the_pages_say_so(as_):
    assert words(as_("olivia").get("/checks/")).count("Not looked yet") == len(CHECKS)
    assert "Not looked yet" in words(as_("olivia").get("/checks/ownerless/"))
    assert as_("olivia").get("/checks/nothing/").status_code == 404


def test_a_person_runs_a_check_and_sees_what_fails_its_ticket_and_its_history(company, as_):
    proposal = tell("sent")
    with after(minutes=6):
        olivia = as_("olivia")
        page = "/checks/delivery-sanity/"
        sent = olivia.post(f"{page}run/", headers={"Referer": f"http://testserver{page}"})
        assert sent.headers["Location"] == page
        answer = olivia.get(page)
        said = words(answer)
        assert "1 of 1 do not hold." in said
        assert "No deal was read back from the CRM." in said
        assert "1,234.50 EUR" in said
        assert f'href="/proposals/{proposal.pk}/"' in answer.text
        ticket = Ticket.objects.get(kind="check-failed")
        assert f'href="/queue/{ticket.pk}/"' in answer.text
        assert ticket.money_at_risk == proposal.amount
        line = TrailLine.objects.get(what="check.run")
        assert line.after["failing"] == 1
        page = as_("olivia").get(f"/queue/{ticket.pk}/").text
        assert "/checks/delivery-sanity/run/" in page
        assert words(as_("olivia").get("/checks/")).index("Delivery sanity") < words(
            as_("olivia").get("/checks/")
        ).index("Emitter silence")


def test_who_sees_masked_reads_no_names_and_a_team_only_what_is_its_own(company, as_):
    tell("sent")
    tell("sent", id="doc-2", owner="olivia@example.com")
    with after(minutes=6):
        checking.look(CHECKS["delivery-sanity"])
        assert "1,234.50" not in words(as_("vera").get("/checks/delivery-sanity/"))
        page = as_("sam").get("/checks/delivery-sanity/").text
    assert page.count("No deal was read back") == 1
    assert as_("vera").post("/checks/delivery-sanity/run/").status_code == 403


def test_a_script_reads_the_results_by_check_state_and_time(company):
    checking.look(made(failing(1)))
    with after(hours=1):
        checking.look(made())
    script = script_of(company["olivia"])
    [newest, first] = script.get("checks").json()["items"]
    assert (newest["state"], first["state"], first["failing"]) == ("ok", "error", 1)
    assert first["check"] == "delivery-sanity"
    for query, found in {
        "state=error": [first], "check=ownerless": [], "since=2026-03-02T10:00:00Z": [newest],
    }.items():  # fmt: skip
        assert script.get(f"checks?{query}").json()["items"] == found, query
    assert script.get(f"checks/{first['id']}").json() == first
    assert script.get("checks/999999").status_code == 404
    assert script.get("checks?state=fine").status_code == 422
    assert script_of(company["remy"]).get("checks").status_code == 403
