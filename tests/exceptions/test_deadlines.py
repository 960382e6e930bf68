"""Deadlines follow their SLA: what would move, what moves, what stays, and what is written down."""

from datetime import UTC, datetime, timedelta

import pytest

from exceptions import deadlines, desk
from exceptions.models import Ticket
from meshline.audit.models import TrailLine
from meshline.people.models import Team
from meshline.people.permissions import NotAllowed
from meshline.policy import operating_model, spans
from meshline.policy.models import BusinessCalendar, Sla
from meshline.policy.operating_model import Calendar, ModelError, Stale
from meshline.policy.sla import Terms
from tests.exceptions.conftest import MONDAY, TrailBroken, open_one
from tests.factories import reread

pytestmark = pytest.mark.django_db

SHORTER = Terms(15, 60)


def at(hour, minute=0, day=2):
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def publish(by, agreed=SHORTER, *, kind="", severity="high", seen=None, when=MONDAY):
    return deadlines.publish(kind=kind, severity=severity, agreed=agreed, seen=seen, by=by, at=when)


def preview(agreed=SHORTER, *, kind="", severity="high", when=MONDAY):
    return deadlines.preview(kind=kind, severity=severity, agreed=agreed, at=when)


def moved_lines():
    return TrailLine.objects.filter(what="ticket.due-moved").order_by("pk")


def due(ticket):
    found = reread(ticket)
    return found.ack_due_at, found.fix_due_at


# --- Moving ----------------------------------------------------------------------------------
def test_open_tickets_move_counted_from_their_opening(rosa, ticket):
    assert due(ticket) == (at(10), at(13, 30))
    assert publish(rosa, when=MONDAY + timedelta(minutes=20)) == 1
    assert due(ticket) == (at(9, 45), at(10, 30))


def test_each_moved_ticket_has_its_line_with_before_after_and_what_led_to_it(rosa, ticket):
    publish(rosa)
    line = moved_lines().get()
    sla = Sla.objects.get(kind="", severity="high")
    assert line.subject_id == str(ticket.pk)
    assert line.record == ticket.record
    assert line.cause == f"sla:{sla.pk}"
    assert line.actor_id == str(rosa.pk)
    assert line.before == {
        "acknowledge by": "2026-03-02T10:00:00Z", "fix by": "2026-03-02T13:30:00Z",
    }  # fmt: skip
    assert line.after == {
        "acknowledge by": "2026-03-02T09:45:00Z", "fix by": "2026-03-02T10:30:00Z",
    }  # fmt: skip


def test_business_time_is_that_of_the_tickets_team(rosa, staff):
    late = Calendar(
        slug="late", name="Late", zone="UTC", windows=[(day, "14:00", "22:00") for day in range(5)],
        holidays={}, team=Team.objects.get(slug="sales"),
    )  # fmt: skip
    operating_model.set_calendar(late, by=rosa, at=MONDAY)
    ours, theirs = open_one("ours"), open_one("theirs", owner=staff["sam"])
    publish(rosa)
    assert due(ours) == (at(9, 45), at(10, 30))
    assert due(theirs) == (at(14, 15), at(15))


def test_what_is_acknowledged_keeps_its_acknowledgement(rosa, olivia, ticket):
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    desk.acknowledge(ticket_id=ticket.pk, by=olivia, at=at(9, 40))
    publish(rosa, Terms(5, 20))
    # The fix is due before the acknowledgement was: that one is met and stays as it was promised.
    assert due(ticket) == (at(10), at(9, 50))
    assert reread(ticket).acknowledged_at == at(9, 40)
    assert "acknowledge by" not in moved_lines().get().after


def test_what_is_resolved_stays_as_it_was(rosa, ticket):
    desk.resolve(ticket_id=ticket.pk, resolution="fixed", by=rosa, at=MONDAY)
    assert publish(rosa) == 0
    assert due(ticket) == (at(10), at(13, 30))


def test_a_default_leaves_the_kinds_with_their_own_alone(rosa, ticket):
    dispute = open_one("two", kind="dispute")
    publish(rosa, Terms(20, 100), kind="dispute")
    assert (due(ticket)[0], due(dispute)[0]) == (at(10), at(9, 50))
    assert publish(rosa) == 1
    assert (due(ticket)[0], due(dispute)[0]) == (at(9, 45), at(9, 50))


def test_other_severities_stay(rosa, ticket):
    assert publish(rosa, severity="normal") == 0
    assert due(ticket) == (at(10), at(13, 30))


def test_without_its_own_sla_a_kind_falls_under_the_default_again(rosa, ticket):
    publish(rosa, kind="delivery-failed")
    moved = deadlines.withdraw(kind="delivery-failed", severity="high", by=rosa, at=MONDAY)
    assert moved == 1
    assert due(ticket) == (at(10), at(13, 30))
    assert moved_lines().count() == 2


def test_the_same_again_moves_nothing_and_writes_nothing(rosa, ticket):
    publish(rosa)
    lines = TrailLine.objects.count()
    assert publish(rosa) == 0
    assert TrailLine.objects.count() == lines


def test_when_the_deadlines_cannot_be_written_down_the_sla_stays(rosa, ticket, monkeypatch):
    def fail(*args, **named):
        raise TrailBroken

    monkeypatch.setattr(deadlines, "_line", fail)
    with pytest.raises(TrailBroken):
        publish(rosa)
    assert due(ticket) == (at(10), at(13, 30))
    assert Sla.objects.get(kind="", severity="high").fix_within == 240


def test_a_thousand_tickets_move_in_a_handful_of_statements(
    rosa, ticket, django_assert_max_num_queries
):
    first = Ticket.objects.get()
    Ticket.objects.bulk_create(_copy(first, n) for n in range(1000))
    with django_assert_max_num_queries(25):
        assert publish(rosa) == 1001


def _copy(ticket, n):
    facts = {f.attname: getattr(ticket, f.attname) for f in Ticket._meta.concrete_fields}
    return Ticket(**{**facts, "id": None, "cause": f"copy-{n}"})


# --- Looking first ---------------------------------------------------------------------------
def test_a_preview_says_what_a_publication_then_does_and_writes_nothing(rosa, ticket):
    late, lines = at(10, 45), TrailLine.objects.count()
    open_one("two", at=at(10, 40))
    seen = preview(when=late)
    assert (seen.moved, seen.stay) == (2, 0)
    # The first one is past its acknowledgement already; it would be past its fix, too.
    assert (seen.overdue, seen.overdue_now) == (1, 1)
    assert [move.dues[0].then for move in seen.first] == [at(9, 45), at(10, 55)]
    assert due(ticket) == (at(10), at(13, 30))
    assert TrailLine.objects.count() == lines + 1
    assert publish(rosa, when=late) == seen.moved
    assert Ticket.objects.overdue(at=late).count() == seen.overdue


def test_a_preview_names_what_is_overdue_first_also_where_that_deadline_stays(rosa, ticket):
    late = at(10, 15)
    for n in range(6):
        open_one(f"young-{n}", at=at(10, 10))
    Ticket.objects.filter(cause__startswith="young").update(fix_due_at=at(13))
    seen = preview(Terms(30, 480), when=late)
    assert (seen.moved, seen.overdue) == (7, 1)
    first = seen.first[0]
    assert first.ticket == ticket
    assert [(due.to_be, due.stays, due.then < late) for due in first.dues] == [
        ("acknowledged", True, True), ("fixed", False, False),
    ]  # fmt: skip


def test_a_preview_counts_what_stays(ticket):
    assert preview(Terms(30, 240)).moved == 0
    assert preview(Terms(30, 240)).stay == 1


def test_a_preview_asks_little_however_many_there_are(ticket, django_assert_max_num_queries):
    Ticket.objects.bulk_create(_copy(Ticket.objects.get(), n) for n in range(500))
    with django_assert_max_num_queries(8):
        seen = preview()
    assert (seen.moved, len(seen.first)) == (501, deadlines.SHOWN)


# --- Refusing --------------------------------------------------------------------------------
@pytest.mark.parametrize("who", ["olivia", "sam", "remy", "ada", "vera"])
def test_only_managers_move_deadlines(staff, ticket, who):
    with pytest.raises(NotAllowed):
        publish(staff[who])
    assert due(ticket) == (at(10), at(13, 30))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"agreed": Terms(0, 60)}, "ack_within"),
        ({"agreed": Terms(-5, 60)}, "ack_within"),
        ({"agreed": Terms(15, 0)}, "fix_within"),
        ({"agreed": Terms(60, 15)}, "fix_within"),
        ({"agreed": Terms(15, 10 * 365 * 24 * 60)}, "fix_within"),
        ({"agreed": Terms(spans.LONGEST + 1, spans.LONGEST + 1)}, "ack_within"),
        ({"kind": "no-such-kind"}, "kind"),
        ({"severity": "mild"}, "severity"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(rosa, ticket, change, field):
    with pytest.raises(ModelError) as caught:
        publish(rosa, **change)
    assert caught.value.field == field
    assert due(ticket) == (at(10), at(13, 30))


def test_a_span_that_a_calendar_never_reaches_is_refused_with_its_name(rosa, ticket):
    BusinessCalendar.objects.filter(is_default=True).update(windows=[[0, "09:00", "09:30"]])
    with pytest.raises(ModelError, match="Company hours has less working time"):
        publish(rosa, Terms(60, 6000))
    with pytest.raises(ModelError, match="Company hours has less working time"):
        preview(Terms(60, 6000))


def test_the_default_of_a_severity_cannot_be_withdrawn(rosa):
    with pytest.raises(ModelError, match="default of a severity stays"):
        deadlines.withdraw(kind="", severity="high", by=rosa, at=MONDAY)


def test_who_looked_at_older_times_is_told_and_nothing_is_overwritten(rosa, ticket):
    seen = operating_model.sla_facts(Sla.objects.get(kind="", severity="high"))
    publish(rosa, Terms(20, 120))
    with pytest.raises(Stale) as caught:
        publish(rosa, seen=seen)
    assert caught.value.now["fixed within"] == 120
    assert due(ticket) == (at(9, 50), at(11, 30))


def test_of_two_who_add_the_same_the_second_is_told(rosa):
    publish(rosa, kind="dispute", seen={})
    with pytest.raises(Stale):
        publish(rosa, Terms(1, 2), kind="dispute", seen={})
