"""Runs: by the clock once a day, by hand, to the end or saying why not."""

import io
from datetime import UTC, date, datetime, time, timedelta
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from connectors import connections
from connectors.models import Connection, Snapshot, Sync
from exceptions.models import Ticket
from meshline import instant
from meshline.people.permissions import NotAllowed
from meshline.policy.models import Company
from reconciliation import comparing, concluding, running, runs
from reconciliation.models import Divergence, Finding, Run, Sighting
from reconciliation.runs import RunError
from tests.reconciliation import compared
from tests.reconciliation.compared import deal, drain, found, linked, ours, reconcile, snapshot

pytestmark = pytest.mark.django_db
NINE = datetime(2030, 3, 4, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def systems(staff):
    compared.connected()


def planted(number=6):
    """So many proposals, every one with another amount over there; the deals."""
    for place in range(number):
        linked(ours(f"doc-{place}"), f"{place}")
    return [deal(f"{place}", f"doc-{place}", amount="1.00") for place in range(number)]


def asked(slug="hubspot"):
    (run,) = runs.ask(slug=slug, by=None, at=instant.now())
    return run


# --- By the clock ----------------------------------------------------------------------------
def queue(at):
    with instant.stopped(at):
        return runs.queue_due(at=at)


def test_the_clock_asks_once_a_day_from_the_companys_hour_on(db):
    Company.objects.update(zone="Europe/Berlin")
    assert queue(datetime(2030, 3, 4, 4, 59, tzinfo=UTC)) == 0
    assert queue(datetime(2030, 3, 4, 5, 0, tzinfo=UTC)) == 3
    assert queue(datetime(2030, 3, 4, 5, 1, tzinfo=UTC)) == 0
    assert {run.day for run in Run.objects.all()} == {date(2030, 3, 4)}
    assert not Ticket.objects.filter(kind="reconciliation-missed").exists()


def test_the_day_is_the_companys_at_the_start_also_over_midnight(db):
    Company.objects.update(zone="Pacific/Auckland", reconciles_at=time(0, 5))
    queue(datetime(2030, 3, 3, 11, 10, tzinfo=UTC))
    assert set(Run.objects.values_list("day", flat=True)) == {date(2030, 3, 4)}
    Run.objects.update(state="done", finished_at=NINE)
    assert queue(datetime(2030, 3, 4, 10, 59, tzinfo=UTC)) == 0


@pytest.mark.parametrize(
    ("day", "due"),
    [
        (date(2030, 3, 31), datetime(2030, 3, 31, 1, 30, tzinfo=UTC)),  # has no 02:30
        (date(2030, 10, 27), datetime(2030, 10, 27, 0, 30, tzinfo=UTC)),  # has it twice
        (date(2030, 7, 1), datetime(2030, 7, 1, 0, 30, tzinfo=UTC)),
    ],
)
def test_the_hour_is_there_once_on_every_day(day, due):
    assert runs.due_at(day, hour=time(2, 30), zone="Europe/Berlin") == due


def test_an_hour_that_is_there_twice_asks_once(db):
    Company.objects.update(zone="Europe/Berlin", reconciles_at=time(2, 30))
    assert queue(datetime(2030, 10, 27, 0, 31, tzinfo=UTC)) == 3
    Run.objects.update(state="done", finished_at=NINE)
    assert queue(datetime(2030, 10, 27, 1, 31, tzinfo=UTC)) == 0


@pytest.mark.parametrize(
    ("changes", "hours"), [(date(2030, 3, 31), 23), (date(2030, 10, 27), 25), (NINE.date(), 24)]
)
def test_on_days_of_23_and_25_hours_it_is_asked_for_once(changes, hours):
    """The clock looks every half hour, from the midnight before to the midnight after."""
    Company.objects.update(zone="Europe/Berlin", reconciles_at=time(2, 30))
    at = datetime.combine(changes, time(0), ZoneInfo("Europe/Berlin")).astimezone(UTC)
    asked = []
    for halves in range(2 * hours):
        asked += [halves / 2] * queue(at + timedelta(minutes=30 * halves))
        Run.objects.open().update(state="done", finished_at=NINE)
    assert len(asked) == 3
    assert set(Run.objects.values_list("day", flat=True)) == {changes}
    assert not Run.objects.filter(was_missed=True).exists()
    assert queue(at + timedelta(hours=hours + 3)) == 3, "the next day begins with its own"


def test_one_that_goes_on_over_midnight_stays_its_days_and_the_next_day_waits_for_it(db):
    Company.objects.update(reconciles_at=time(23, 50))
    late = datetime(2030, 3, 4, 23, 50, tzinfo=UTC)
    assert queue(late) == 3
    Company.objects.update(reconciles_at=time(0, 10))
    assert queue(late + timedelta(minutes=20)) == 0
    assert set(Run.objects.values_list("day", flat=True)) == {NINE.date()}
    Run.objects.open().update(state="done", finished_at=late + timedelta(minutes=25))
    assert queue(late + timedelta(minutes=30)) == 3
    assert Run.objects.filter(day=date(2030, 3, 5), was_missed=False).count() == 3


def test_a_missed_day_is_caught_up_once_with_a_ticket_until_it_is(db):
    queue(datetime(2030, 3, 1, 6, 1, tzinfo=UTC))
    Run.objects.update(state="done", finished_at=NINE)
    assert queue(datetime(2030, 3, 4, 9, tzinfo=UTC)) == 3
    ticket = Ticket.objects.get(kind="reconciliation-missed", connection="hubspot")
    assert "2 days before" in ticket.reason
    run = Run.objects.get(day=date(2030, 3, 4), kind="deals")
    Run.objects.filter(pk=run.pk).update(asked_at=instant.now(), next_step_at=instant.now())
    snapshot("hubspot")
    drain()
    ticket.refresh_from_db()
    assert ticket.status == "resolved"


def test_an_hour_agreed_on_later_is_not_missed(db):
    Company.objects.update(reconciles_since=NINE)
    assert queue(NINE + timedelta(minutes=1)) == 3
    assert not Ticket.objects.exists()


# --- One at a time ---------------------------------------------------------------------------
def test_two_at_once_are_one(staff):
    assert asked() == asked()
    # The clock takes it for the day's, and asks for those of the two others.
    assert queue(NINE) == 2
    assert Run.objects.get(kind="deals").day == NINE.date()


def test_who_may_ask(staff):
    with pytest.raises(NotAllowed):
        runs.ask(slug="hubspot", by=staff["ada"], at=instant.now())
    runs.ask(slug="hubspot", by=staff["olivia"], at=instant.now())


# --- Waiting for theirs ----------------------------------------------------------------------
def test_a_snapshot_from_before_it_was_asked_for_does_not_do(db):
    snapshot("hubspot")
    run = asked()
    assert running.step_next()
    run.refresh_from_db()
    assert run.state == "reading"
    assert Sync.objects.get(pk=run.sync_id).asked_at >= run.asked_at


def test_an_incomplete_one_is_inconclusive_and_closes_nothing(db):
    linked(ours(), "1")
    reconcile("hubspot", deal("1", amount="1.00"))
    run = reconcile("hubspot", complete=False)
    assert run.state == "inconclusive"
    assert "not read to the end" in run.why
    assert [sort for sort, *_ in found()] == ["different"]


def test_a_connection_that_was_disabled_meanwhile_is_inconclusive(db):
    rows, run = planted(), asked()
    snapshot("hubspot", *rows)
    running.step_next()
    Connection.objects.filter(slug="hubspot").update(status="disabled")
    drain()
    run.refresh_from_db()
    assert (run.state, found()) == ("inconclusive", [])
    assert "was disabled meanwhile" in run.why


def test_one_that_is_disabled_while_it_is_read_is_inconclusive_too(staff):
    run = asked()
    running.step_next()
    at = instant.now()
    connections.set_status(
        slug="hubspot", status="disabled", reason="Another CRM", by=staff["ada"], at=at
    )
    Run.objects.update(next_step_at=at)
    drain()
    run.refresh_from_db()
    assert run.state == "inconclusive"
    assert "was disabled meanwhile" in run.why


def test_one_without_its_snapshot_any_more_finds_nothing_missing(db):
    rows, run = planted(), asked()
    snapshot("hubspot", *rows)
    running.step_next()
    Snapshot.objects.all().delete()
    drain()
    run.refresh_from_db()
    assert (run.state, found()) == ("inconclusive", [])


# --- Batch by batch --------------------------------------------------------------------------
def test_it_is_the_same_in_small_batches(db, monkeypatch):
    monkeypatch.setattr(comparing, "SIZE", 2)
    run = reconcile("hubspot", *planted(), deal("x", "doc-25"), deal("y", "zz"))
    assert (run.compared, run.counts) == (6, {"different": 6, "missing-here": 2})
    assert run.batches > 3


def test_killed_between_batches_it_goes_on_where_it_was(db, monkeypatch):
    monkeypatch.setattr(comparing, "SIZE", 2)
    rows, run = planted(), asked()
    snapshot("hubspot", *rows)
    running.step_next()
    claimed = running.claim()
    running.compare_batch(claimed)
    killed = mock.patch.object(comparing, "Place", side_effect=KeyboardInterrupt)
    with killed, pytest.raises(KeyboardInterrupt):
        running.compare_batch(claimed)
    assert Finding.objects.count() == 2
    assert not running.step_next(), "the lease still holds"
    Run.objects.update(lease_until=instant.now() - timedelta(seconds=1))
    drain()
    run.refresh_from_db()
    assert (run.state, run.compared, run.crashes) == ("done", 6, 1)
    assert Divergence.objects.count() == 6
    # Whoever held it before wakes up, and writes nothing.
    with pytest.raises(running.Overtaken):
        running.compare_batch(claimed)


def test_cancelled_it_reports_nothing(db, staff, monkeypatch):
    monkeypatch.setattr(comparing, "SIZE", 2)
    rows, run = planted(), asked()
    snapshot("hubspot", *rows)
    running.step_next()
    running.compare_batch(running.claim())
    runs.cancel(run_id=run.pk, by=staff["olivia"], at=instant.now())
    drain()
    run.refresh_from_db()
    assert (run.state, run.ended_by, found(), Finding.objects.count()) == (
        "cancelled", "Olivia Ortiz", [], 0,
    )  # fmt: skip
    with pytest.raises(RunError):
        runs.cancel(run_id=run.pk, by=staff["olivia"], at=instant.now())


# --- What a conclusive one says --------------------------------------------------------------
def test_found_again_is_the_same_and_found_no_more_is_gone(db):
    linked(ours(), "1")
    reconcile("hubspot", deal("1", amount="1.00"))
    first = Divergence.objects.get()
    reconcile("hubspot", deal("1", amount="2.00"))
    again = Divergence.objects.get()
    assert (again.pk, again.first_run, again.theirs) == (first.pk, first.first_run, "2.00 EUR")
    assert again.last_run != first.last_run
    reconcile("hubspot", deal("1"))
    assert found() == []
    assert Divergence.objects.get().state == "gone"


def test_a_record_it_did_not_cover_stays_as_it_was(db):
    proposal = ours()
    linked(proposal, "1")
    reconcile("hubspot", deal("1", amount="1.00"))
    at = instant.now()
    type(proposal).objects.update(state="closed-won", changed_at=at - timedelta(days=40))
    reconcile("hubspot", deal("1", state="closed-won"))
    assert [sort for sort, *_ in found()] == ["different"]
    reconcile("hubspot", deal("1", state="closed-won"), scope="all")
    assert found() == []


def test_what_changed_here_after_theirs_was_read_is_not_compared(db):
    linked(ours(days_ago=-1), "1")
    run = reconcile("hubspot", deal("1", amount="1.00"))
    assert (run.compared, found()) == (0, [])


def gone_at_once():
    for place in range(5):
        linked(ours(f"doc-{place}"), f"{place}")
    return reconcile("hubspot", deal("0", "doc-0", amount="1.00"), deal("1", "doc-1"))


def test_too_many_gone_at_once_asks_first(staff):
    run = gone_at_once()
    assert (run.state, run.gone, run.known, found()) == ("asks", 3, 5, [])
    with pytest.raises(NotAllowed):
        concluding.confirm(run_id=run.pk, reason="Yes.", by=staff["olivia"], at=instant.now())
    with pytest.raises(RunError):
        concluding.confirm(run_id=run.pk, reason=" ", by=staff["rosa"], at=instant.now())
    concluding.confirm(run_id=run.pk, reason="A clean-up.", by=staff["rosa"], at=instant.now())
    assert [sort for sort, *_ in found()] == ["different", *["missing-there"] * 3]
    run.refresh_from_db()
    assert (run.state, run.counts) == ("done", {"different": 1, "missing-there": 3})


# --- What the database sees to ---------------------------------------------------------------
@pytest.mark.parametrize(
    ("of", "changes", "named"),
    [
        (Run, {"finished_at": None}, "a_run_that_ended_says_when"),
        (Divergence, {"state": "gone"}, "a_divergence_that_is_gone_says_when"),
        (Divergence, {"state": "accepted"}, "an_accepted_divergence_says_by_whom"),
        (Divergence, {"state": "accepted", "accepted_until": NINE}, "an_accepted_divergence_says"),
    ],
)
def test_half_of_what_became_of_it_is_refused(of, changes, named):
    reconcile("hubspot", *planted(1))
    with pytest.raises(IntegrityError, match=named), transaction.atomic():
        of.objects.update(**changes)


@pytest.mark.parametrize(
    ("of", "changes", "named"),
    [
        (Run, {"state": "queued", "day": None}, "one_open_run"),
        (Run, {"day": NINE.date()}, "one_run_a_day"),
        (Divergence, {}, "one_divergence_at_a_time"),
        (Sighting, {}, "seen_once_a_run"),
    ],
)
def test_a_second_one_is_refused(of, changes, named):
    reconcile("hubspot", *planted(1))
    of.objects.update(**changes)
    second = of.objects.get()
    second.pk = None
    with pytest.raises(IntegrityError, match=named), transaction.atomic():
        second.save(force_insert=True)


def confirm(run, by):
    concluding.confirm(run_id=run.pk, reason="A clean-up.", by=by, at=instant.now())
    run.refresh_from_db()


def still_gone(*more):
    return reconcile("hubspot", deal("0", "doc-0", amount="1.00"), deal("1", "doc-1"), *more)


def test_what_was_confirmed_is_not_asked_again_but_what_is_newly_gone_is(staff):
    confirm(gone_at_once(), staff["rosa"])
    again = still_gone()
    assert (again.state, again.counts["missing-there"]) == ("done", 3)
    for place in range(5, 9):
        linked(ours(f"doc-{place}"), f"{place}")
    fresh = still_gone(deal("5", "doc-5"))
    assert (fresh.state, fresh.why[:27]) == ("asks", "3 of 6 records known to be ")
    # One more alone is no reason to ask.
    confirm(fresh, staff["rosa"])
    assert reconcile("hubspot", deal("0", "doc-0"), deal("1", "doc-1")).state == "done"


def test_a_later_run_that_asks_the_same_is_answered_with_it(staff):
    first, second = gone_at_once(), still_gone()
    assert second.state == "asks"
    confirm(first, staff["rosa"])
    second.refresh_from_db()
    assert (second.state, second.counts["missing-there"]) == ("done", 3)
    assert second.why == f"What is gone was confirmed with run {first.pk}."


def test_an_earlier_question_is_over_with_a_later_answer(staff):
    first, second = gone_at_once(), still_gone()
    confirm(second, staff["rosa"])
    first.refresh_from_db()
    assert (first.state, first.why) == (
        "inconclusive", f"Run {second.pk} came later and says how it stands.",
    )  # fmt: skip
    assert len(found(sort="missing-there")) == 3


# --- From the command line -------------------------------------------------------------------
def told(*args):
    out = io.StringIO()
    call_command("reconcile", *args, stdout=out)
    return out.getvalue()


def test_the_command_waits_and_says_how_it_went(db, monkeypatch):
    rows, step = planted(1), running.step_next

    def once_theirs_is_read():
        if not Snapshot.objects.exists():
            snapshot("hubspot", *rows)
        return step()

    monkeypatch.setattr(running, "step_next", once_theirs_is_read)
    said = told("hubspot")
    assert "1 compared: 1 different" in said
    assert said.endswith("All runs are done.\n")


def test_the_command_says_why_one_is_not_done(db):
    Connection.objects.filter(slug="hubspot").update(status="paused", status_why="by hand")
    with pytest.raises(CommandError, match="HubSpot is paused"):
        told("hubspot")
    with pytest.raises(CommandError, match="There is no 'nothing'"):
        told("nothing")
