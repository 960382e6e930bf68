"""One act on many tickets: a fixed set, each once, a truthful result, and nothing but that."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import OperationalError, connection

from exceptions import bulk, desk, handing, jobs, snoozing
from exceptions.bulk_acts import ACTS
from exceptions.models import BulkItem, BulkJob, Outcome, Ticket, TicketNote
from exceptions.states import MoveError
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from meshline.people.models import User
from meshline.people.permissions import NotAllowed
from meshline.timetable import BELLS, SWEEPS
from tests import factories
from tests.exceptions.conftest import MONDAY, TrailBroken, open_one
from tests.exceptions.test_races import RACES, at_once
from tests.factories import reread

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday", "staff")]


def made(count, **changes):
    return [open_one(f"t{n}", **changes) for n in range(count)]


def asked(tickets, by, act="claim", **given):
    seen = {ticket.pk: bulk.stamp(ticket) for ticket in tickets}
    return bulk.of_rows(seen, act=act, given=given, by=by, at=MONDAY)


def result(job):
    numbers = job.numbers()
    return {name: numbers[name] for name in ("done", "failed", "left", "waiting")}


def faults(job):
    return dict(job.items.filter(outcome=Outcome.FAILED).values_list("ticket", "why"))


def lines(what):
    return TrailLine.objects.filter(what=what)


# --- Doing ------------------------------------------------------------------------------------
def test_each_is_done_once_with_a_line_of_its_own_and_one_for_all(olivia):
    tickets = made(3)
    job = asked(tickets, olivia)
    bulk.work_on(job)
    assert result(job) == {"done": 3, "failed": 0, "left": 0, "waiting": 0}
    assert set(Ticket.objects.values_list("claimed_by", flat=True)) == {olivia.pk}
    assert {line.cause for line in lines("ticket.claimed")} == {f"bulkjob:{job.pk}"}
    assert lines("ticket.claimed").count() == 3
    [line] = TrailLine.objects.filter(subject_kind="bulkjob")
    assert (line.what, line.actor_id, line.after["done"]) == ("bulk.ended", str(olivia.pk), 3)


GIVEN = {
    "claim": {}, "acknowledge": {}, "release": {},
    "assign": {"note": "x"}, "snooze": {"until": MONDAY + timedelta(hours=1), "reason": "x"},
    "escalate": {"reason": "x"}, "note": {"text": "x"}, "resolve": {"resolution": "fixed"},
}  # fmt: skip


@pytest.mark.parametrize("act", ACTS)
def test_every_act_there_is_can_be_done_to_many(rosa, olivia, act):
    tickets = made(2)
    if act in ("acknowledge", "release"):
        bulk.work_on(asked(tickets, rosa))
        tickets = list(Ticket.objects.all())
    given = GIVEN[act] | ({"to": rosa} if act == "assign" else {})
    job = asked(tickets, rosa, act, **given)
    bulk.work_on(job)
    assert result(job) == {"done": 2, "failed": 0, "left": 0, "waiting": 0}


def test_what_cannot_be_done_is_listed_with_its_reason_and_the_rest_is_done(olivia, rosa):
    theirs, mine, *free = made(4)
    desk.claim(ticket_id=theirs.pk, by=rosa, at=MONDAY)
    desk.claim(ticket_id=mine.pk, by=olivia, at=MONDAY)
    job = asked(Ticket.objects.all(), olivia)
    bulk.work_on(job)
    assert faults(job) == {
        theirs.pk: "Rosa Marin claimed this 0 s ago.", mine.pk: "You have claimed this already.",
    }  # fmt: skip
    assert result(job)["done"] == len(free)


def test_what_changed_since_it_was_looked_at_is_left_alone_and_listed(olivia, rosa):
    one, two, three = made(3)
    job = asked([one, two, three], olivia, "resolve", resolution="fixed")
    desk.claim(ticket_id=one.pk, by=rosa, at=MONDAY)
    desk.resolve(ticket_id=two.pk, resolution="duplicate", by=rosa, at=MONDAY)
    bulk.work_on(job)
    assert faults(job) == {
        one.pk: "It changed after you looked: Rosa Marin has claimed it.",
        two.pk: "It changed after you looked: it is resolved (duplicate).",
    }
    assert result(job)["done"] == 1


def test_what_failed_is_tried_again_as_it_stands_now(olivia, rosa):
    tickets = made(2)
    desk.claim(ticket_id=tickets[0].pk, by=rosa, at=MONDAY)
    job = asked(Ticket.objects.all(), olivia)
    bulk.work_on(job)
    desk.release(ticket_id=tickets[0].pk, by=rosa, at=MONDAY)
    again = bulk.retry(job_id=job.pk, by=olivia, at=MONDAY)
    bulk.work_on(again)
    assert (again.retries, result(again)["done"], faults(again)) == (job, 1, {})
    with pytest.raises(MoveError, match="Nothing on it failed"):
        bulk.retry(job_id=again.pk, by=olivia, at=MONDAY)


def test_many_notices_of_one_cause_are_one(olivia, rosa):
    tickets = made(3)
    told = Notice.objects.of(rosa).exclude(kind="record")
    bulk.work_on(asked(tickets, olivia, "escalate", reason="All of it stands still."))
    assert [one.text for one in told] == ["Escalated to you: up to 3 tickets at once."]
    told.delete()
    bulk.work_on(asked(Ticket.objects.all(), olivia, "note", text="@Rosa look"))
    assert TicketNote.objects.count() == 3
    assert [one.text for one in told] == ["Olivia Ortiz mentions you: up to 3 tickets at once."]


def test_who_was_given_many_hears_of_it_once(olivia, rosa):
    job = asked(made(3), rosa, "assign", to=olivia, note="")
    assert faults(job) == {}
    ben = factories.person("ben@example.com", "Ben Okafor", "operator", olivia.team)
    bulk.work_on(asked(Ticket.objects.all(), rosa, "assign", to=ben, note="All of Acme."))
    assert Notice.objects.of(ben).count() == 1


# --- The set ----------------------------------------------------------------------------------
def of_filter(rows, by, *, shown, newest, act="claim"):
    return bulk.of_filter(
        rows, words="tab=open", shown=shown, newest=newest, act=act, given={}, by=by, at=MONDAY
    )


def test_what_came_in_since_is_not_touched(olivia):
    tickets = made(2)
    late = open_one("late")
    job = of_filter(Ticket.objects.all(), olivia, shown=2, newest=tickets[-1].pk)
    bulk.work_on(job)
    assert set(job.items.values_list("ticket", flat=True)) == {one.pk for one in tickets}
    assert Ticket.objects.get(pk=late.pk).claimed_by is None


def test_more_than_the_filter_showed_is_refused(olivia):
    tickets = made(3)
    with pytest.raises(MoveError, match="The filter showed 2 and holds more by now"):
        of_filter(Ticket.objects.all(), olivia, shown=2, newest=tickets[-1].pk)
    assert not BulkJob.objects.exists()


def test_one_foreign_number_and_nothing_is_done(staff, olivia):
    theirs = open_one("sales", owner=staff["sam"])
    ours = open_one("revops")
    seen = {theirs.pk: "", ours.pk: ""}
    with pytest.raises(ValueError, match=f"Ticket {ours.pk} is not among what you may see"):
        bulk.of_rows(seen, act="claim", given={}, by=staff["sam"], at=MONDAY)
    with pytest.raises(ValueError, match="Ticket 999999 is not among"):
        bulk.of_rows({ours.pk: "", 999_999: ""}, act="claim", given={}, by=olivia, at=MONDAY)
    assert not BulkItem.objects.exists()


def test_no_ticket_and_too_many_are_refused(olivia, monkeypatch):
    with pytest.raises(ValueError, match="Select at least one"):
        bulk.of_rows({}, act="claim", given={}, by=olivia, at=MONDAY)
    monkeypatch.setattr(bulk, "MOST", 2)
    with pytest.raises(ValueError, match="At most 2 tickets at once"):
        asked(made(3), olivia)
    with pytest.raises(ValueError, match="At most 2 tickets at once"):
        of_filter(Ticket.objects.all(), olivia, shown=1, newest=2**60)
    assert not BulkJob.objects.exists()


def test_what_would_fail_on_each_is_said_at_once(olivia, staff):
    tickets = made(1)
    yesterday = MONDAY - timedelta(days=1)
    for act, given, says in (
        ("snooze", {"until": yesterday, "reason": "x"}, "still to come"),
        ("note", {"text": "@Nobody"}, "@Nobody is nobody here"),
        ("assign", {"to": staff["remy"], "note": ""}, "does not work on tickets"),
    ):
        with pytest.raises(ValueError, match=says):
            asked(tickets, olivia, act, **given)


def test_a_viewer_writes_on_many_and_does_nothing_else(staff):
    tickets, vera = made(2), staff["vera"]
    job = asked(tickets, vera, "note", text="Seen.")
    bulk.work_on(job)
    assert result(job)["done"] == 2
    with pytest.raises(NotAllowed):
        asked(tickets, vera, "claim")


def test_rights_are_those_of_the_moment_it_is_done(olivia):
    job = asked(made(2), olivia)
    User.objects.filter(pk=olivia.pk).update(role="viewer")
    bulk.work_on(job)
    assert result(job)["failed"] == 2
    assert "A Viewer may not" in next(iter(faults(job).values()))


# --- Large ones -------------------------------------------------------------------------------
def test_a_large_one_does_nothing_before_somebody_says_yes(olivia, monkeypatch):
    monkeypatch.setattr(bulk, "ASKS_ABOVE", 2)
    job = asked(made(3), olivia)
    assert job.state == "asks"
    assert not bulk.something_is_due()
    bulk.work(seconds=5)
    assert not Ticket.objects.filter(claimed_by=olivia).exists()
    with pytest.raises(NotAllowed):
        bulk.start(job_id=job.pk, by=User.objects.get(name="Rosa Marin"), at=MONDAY)
    bulk.start(job_id=job.pk, by=olivia, at=MONDAY)
    bulk.work(seconds=5)
    assert (reread(job).state, result(job)["done"]) == ("ended", 3)
    with pytest.raises(MoveError):
        bulk.start(job_id=job.pk, by=olivia, at=MONDAY)


def test_cancelled_half_way_the_result_is_exact(olivia):
    tickets = made(4)
    job = asked(tickets, olivia)
    bulk.do_some(job, most=1)
    bulk.do_some(job, most=1)
    bulk.cancel(job_id=job.pk, by=olivia, at=MONDAY)
    assert bulk.do_some(job, most=1) == 0
    assert result(job) == {"done": 2, "failed": 0, "left": 2, "waiting": 0}
    assert Ticket.objects.filter(claimed_by=olivia).count() == 2
    [line] = TrailLine.objects.filter(subject_kind="bulkjob")
    assert (line.what, line.after["done"], line.after["left"]) == ("bulk.cancelled", 2, 2)
    with pytest.raises(MoveError, match="over already"):
        bulk.cancel(job_id=job.pk, by=olivia, at=MONDAY)


def test_a_manager_cancels_what_another_asked_for_and_an_operator_does_not_see_it(olivia, rosa):
    job = asked(made(1), rosa)
    assert BulkJob.objects.visible_to(rosa).count() == 1
    assert not BulkJob.objects.visible_to(olivia).exists()
    other = asked(Ticket.objects.all(), olivia)
    assert set(BulkJob.objects.visible_to(rosa)) == {job, other}


# --- Whoever dies -----------------------------------------------------------------------------
@pytest.mark.parametrize("where", ["in the act", "before its row says so"])
def test_who_is_killed_in_the_middle_has_done_nothing_and_nothing_is_done_twice(
    olivia, monkeypatch, where
):
    job = asked(made(4), olivia)
    bulk.do_some(job, most=1)

    def dies(*args, **named):
        raise SystemExit

    with monkeypatch.context() as patched:
        if where == "in the act":
            patched.setattr("exceptions.keeping.awake", dies)
        else:
            patched.setattr(BulkItem, "save", dies)
        with pytest.raises(SystemExit):
            bulk.do_some(job, most=1)
    assert Ticket.objects.filter(claimed_by=olivia).count() == 1
    jobs.drain_bulk()
    assert result(job) == {"done": 4, "failed": 0, "left": 0, "waiting": 0}
    assert lines("ticket.claimed").count() == 4
    assert lines("bulk.ended").count() == 1


def test_who_is_killed_before_the_end_is_written_leaves_that_to_the_next(olivia, monkeypatch):
    job = asked(made(1), olivia)

    def dies(*args):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(bulk, "_end_once", dies)
        with pytest.raises(SystemExit):
            bulk.do_some(job)
    assert bulk.something_is_due()
    jobs.drain_bulk()
    assert reread(job).state == "ended"
    assert not bulk.something_is_due()


def test_jobs_have_their_turns(olivia, rosa, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 1)
    large = asked(made(3), olivia, "note", text="x")
    small = asked([open_one("other")], rosa, "note", text="x")
    jobs.drain_bulk()
    ended = list(lines("bulk.ended").order_by("pk").values_list("subject_id", flat=True))
    assert ended == [str(small.pk), str(large.pk)]


def _with_verb(name, verb):
    return ACTS[name].__class__(name, "Claim", "claimed", verb)


def test_the_databases_own_trouble_is_no_failure_of_the_ticket(olivia, monkeypatch):
    job = asked(made(1), olivia)

    def away(**named):
        raise OperationalError

    with monkeypatch.context() as patched:
        patched.setitem(ACTS, "claim", _with_verb("claim", away))
        with pytest.raises(OperationalError):
            bulk.do_some(job, most=1)
    assert result(job)["waiting"] == 1


def test_our_own_fault_is_said_and_does_not_stop_the_rest(olivia, broken_trail):
    job = asked(made(2), olivia)
    broken_trail()
    with pytest.raises(TrailBroken):
        bulk.work_on(job)
    assert set(faults(job).values()) == {bulk.BROKEN}
    assert not Ticket.objects.filter(claimed_by=olivia).exists()


def test_a_lost_bell_is_found_by_the_clock(olivia):
    asked(made(1), olivia)
    assert bulk.something_is_due()
    assert [sweep.due for sweep in SWEEPS if sweep.bell == "bulk"] == [
        "exceptions.bulk.something_is_due"
    ]
    assert BELLS["bulk"][0] == "exceptions.jobs.drain_bulk"


@pytest.mark.django_db(transaction=True)
def test_several_workers_at_once_do_each_ticket_once_and_end_it_once(staff, olivia):
    job = asked(made(24), olivia)
    results = at_once(*(partial(drained, job) for _ in range(4)))
    assert sum(results) == 24
    assert result(job) == {"done": 24, "failed": 0, "left": 0, "waiting": 0}
    assert lines("ticket.claimed").count() == 24
    assert lines("bulk.ended").count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_last_two_done_at_once_end_it_once(staff, olivia):
    for number in range(RACES):
        job = asked([open_one(f"{number}-{n}") for n in range(2)], olivia)
        at_once(partial(drained, job), partial(drained, job))
        ended = TrailLine.objects.filter(subject_kind="bulkjob", subject_id=str(job.pk))
        assert ended.count() == 1


@pytest.mark.django_db(transaction=True)
def test_cancelled_while_workers_run_it_adds_up(staff, olivia):
    job = asked(made(24), olivia)
    at_once(
        partial(drained, job), partial(drained, job),
        partial(bulk.cancel, job_id=job.pk, by=olivia, at=MONDAY),
    )  # fmt: skip
    numbers = result(job)
    assert numbers["done"] + numbers["left"] == 24
    assert Ticket.objects.filter(claimed_by=olivia).count() == numbers["done"]
    assert lines("bulk.cancelled").count() + lines("bulk.ended").count() == 1


def drained(job):
    done = 0
    while some := bulk.do_some(job, most=1):
        done += some
    return done


def test_five_thousand_are_written_down_in_a_few_statements(olivia, django_assert_max_num_queries):
    made(1)
    one = Ticket.objects.values().get()
    del one["id"]
    Ticket.objects.bulk_create(Ticket(**{**one, "cause": f"many-{n}"}) for n in range(4_999))
    newest = Ticket.objects.order_by("-pk")[0].pk
    with django_assert_max_num_queries(8):
        job = of_filter(Ticket.objects.all(), olivia, shown=5_000, newest=newest)
    assert job.items.count() == 5_000
    assert job.state == "asks"
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN SELECT id FROM exceptions_bulkitem WHERE outcome = 'waiting' "
                       "ORDER BY job_id, id LIMIT 1")  # fmt: skip
        assert "bulk_waiting" in str(cursor.fetchall())


def test_snoozed_and_given_are_read_back_as_they_were_asked(olivia):
    until = MONDAY + timedelta(hours=1)
    given = ACTS["snooze"].read({"until": until.isoformat(), "reason": "x"})
    assert given["until"] == until
    assert ACTS["assign"].read({"to": olivia.pk, "note": ""})["to"] == olivia
    assert ACTS["snooze"].verb is snoozing.snooze
    assert ACTS["assign"].verb is handing.assign
