"""A change of working hours moves the deadlines that run in them, and no others."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from exceptions import deadlines, desk, troubles, working_hours
from exceptions.troubles import Trouble
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.people.models import Team
from meshline.people.permissions import NotAllowed
from meshline.policy.models import BusinessCalendar
from meshline.policy.operating_model import Calendar, ModelError, Stale
from meshline.shell.model_file import plan as model_file
from tests.reading import signed_in

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WEEK = [(day, "09:00", "17:00") for day in range(5)]
COMPANY = Calendar(
    slug="company", name="Company hours", zone="UTC", windows=WEEK, holidays={}, is_default=True
)
LATE = [(day, "12:00", "20:00") for day in range(5)]


def ticket_of(user, cause="x"):
    trouble = Trouble(
        kind="delivery-failed", cause=cause, title=cause, reason="x", subject="outcome:1",
        evidence={"x": 1}, owner=user,
    )  # fmt: skip
    return troubles.open_ticket(trouble, by=SETUP, at=MONDAY)


def change(calendar, staff, by="rosa", version=None):
    return working_hours.change(calendar, version=version, by=staff[by], at=MONDAY)


def due(ticket):
    ticket.refresh_from_db()
    return ticket.ack_due_at.hour, ticket.fix_due_at.hour


@pytest.fixture
def sales(staff):
    return Calendar(
        slug="sales", name="Sales hours", zone="UTC", windows=LATE, holidays={},
        team=Team.objects.get(slug="sales"),
    )  # fmt: skip


def test_only_the_tickets_of_its_team_move_with_a_calendar(staff, sales):
    remys, olivias, adas = (ticket_of(staff[name], name) for name in ("remy", "olivia", "ada"))
    assert change(sales, staff).moved == 1
    assert due(remys) == (12, 16)
    assert due(olivias) == due(adas) == (9, 13)
    # The default one moves those without hours of their own, also who is in no team.
    early = replace(COMPANY, windows=[(day, "10:00", "17:00") for day in range(5)])
    assert change(early, staff).moved == 2
    assert due(remys) == (12, 16)
    assert due(olivias) == due(adas) == (10, 14)


def test_what_leaves_the_hours_as_they_are_moves_nothing(staff, sales):
    ticket_of(staff["remy"])
    change(sales, staff)
    lines = TrailLine.objects.filter(what="ticket.due-moved").count()
    assert change(replace(sales, name="Selling hours"), staff).moved == 0
    assert change(sales, staff).moved == 0
    assert TrailLine.objects.filter(what="ticket.due-moved").count() == lines


def test_a_ticket_that_stood_elsewhere_for_another_reason_is_not_touched(staff, sales):
    """As it was opened before the calendars moved their tickets."""
    olivias = ticket_of(staff["olivia"])
    deadlines.Ticket.objects.filter(pk=olivias.pk).update(fix_due_at=MONDAY + timedelta(days=3))
    change(sales, staff)
    olivias.refresh_from_db()
    assert olivias.fix_due_at == MONDAY + timedelta(days=3)


def test_a_resolved_ticket_keeps_both_and_an_acknowledged_one_its_first(staff, sales):
    resolved, known = ticket_of(staff["remy"], "a"), ticket_of(staff["remy"], "b")
    desk.resolve(ticket_id=resolved.pk, resolution="fixed", by=staff["rosa"], at=MONDAY)
    desk.claim(ticket_id=known.pk, by=staff["sam"], at=MONDAY)
    desk.acknowledge(ticket_id=known.pk, by=staff["sam"], at=MONDAY)
    assert change(sales, staff).moved == 1
    assert due(resolved) == (9, 13)
    assert due(known) == (9, 16)


def test_a_removed_calendar_gives_its_tickets_to_the_default_one(staff, sales):
    change(sales, staff)
    remys = ticket_of(staff["remy"])
    assert due(remys) == (12, 16)
    would = working_hours.preview_removal(slug="sales", by=staff["rosa"], at=MONDAY)
    assert would.moved == 1
    assert due(remys) == (12, 16)
    assert working_hours.remove(slug="sales", by=staff["rosa"], at=MONDAY) == 1
    assert due(remys) == (9, 13)


def test_a_preview_is_what_then_happens_and_leaves_nothing(staff, sales):
    ticket_of(staff["remy"])
    before = TrailLine.objects.count(), BusinessCalendar.objects.count()
    early = replace(sales, windows=[(day, "06:00", "08:59") for day in range(5)])
    would = working_hours.preview(early, version=0, by=staff["rosa"], at=MONDAY)
    assert (would.moved, would.overdue, would.stay) == (1, 0, 0)
    assert (TrailLine.objects.count(), BusinessCalendar.objects.count()) == before
    assert change(early, staff, version=0).moved == would.moved


def test_what_would_be_overdue_is_counted(staff, sales):
    ticket_of(staff["remy"])
    later = MONDAY + timedelta(hours=8)
    would = working_hours.preview(sales, version=0, by=staff["rosa"], at=later)
    assert (would.moved, would.overdue, would.overdue_now) == (1, 1, 1)


def test_no_calendar_changes_without_its_tickets(staff, sales, monkeypatch):
    remys = ticket_of(staff["remy"])

    def breaks(*args, **kwargs):
        raise RuntimeError("in between")

    monkeypatch.setattr(deadlines, "move", breaks)
    with pytest.raises(RuntimeError):
        change(sales, staff)
    assert not BusinessCalendar.objects.filter(slug="sales").exists()
    assert due(remys) == (9, 13)


def test_hours_in_which_an_open_ticket_would_never_be_due_are_refused(staff, sales, monkeypatch):
    ticket_of(staff["remy"])

    def never(*args, **kwargs):
        raise working_hours.NoBusinessTime("never")

    monkeypatch.setattr(deadlines.business_time, "add", never)
    monkeypatch.setattr(working_hours.operating_model, "_check_deadlines", lambda *_: None)
    with pytest.raises(ModelError) as caught:
        change(sales, staff)
    assert caught.value.field == "hours"


def test_rights_and_versions_are_the_verbs_own(staff, sales):
    with pytest.raises(NotAllowed):
        change(sales, staff, by="olivia")
    with pytest.raises(NotAllowed):
        working_hours.preview(sales, version=0, by=staff["ada"], at=MONDAY)
    change(sales, staff)
    with pytest.raises(Stale):
        working_hours.preview(sales, version=7, by=staff["rosa"], at=MONDAY)


def test_a_calendar_that_a_file_changes_moves_its_tickets_too(staff):
    remys = ticket_of(staff["remy"])
    text = b"""calendars:
- slug: sales
  zone: UTC
  team: sales
  hours: {monday: ["12:00-20:00"], tuesday: ["12:00-20:00"]}
"""
    model_file.plan(text, by=SETUP, at=MONDAY)
    assert due(remys) == (9, 13)
    model_file.apply(text, by=SETUP, at=MONDAY)
    assert due(remys) == (12, 16)
    model_file.apply(b"calendars:\n- {slug: sales, remove: true}\n", by=SETUP, at=MONDAY)
    assert due(remys) == (9, 13)


# --- The form's own part -----------------------------------------------------------------------
def form_of(**changes):
    return {
        "name": "Company hours", "zone": "UTC", "is_default": "on", "version": "1",
        **dict.fromkeys(("monday", "tuesday"), "12-20"), **changes,
    }  # fmt: skip


@pytest.fixture
def rosa(staff):
    return signed_in(staff["rosa"])


PREVIEW = "/operating-model/calendars/preview/"


def test_the_preview_follows_what_is_typed(rosa, staff):
    ticket_of(staff["olivia"])
    of = BusinessCalendar.objects.get(is_default=True).pk
    with instant.stopped(MONDAY):
        answer = rosa.post(PREVIEW, form_of(of=of))
        assert answer.status_code == 200
        assert "Would move 1 open ticket" in answer.content.decode()
        wrong = rosa.post(PREVIEW, form_of(of=of, monday="25-26"))
    assert wrong.status_code == 422
    assert "Monday" in wrong.content.decode()
    assert 'name="previewed"' not in wrong.content.decode()


@pytest.mark.parametrize("of", ["9" * 30, "-1", "x", "\0", "99999", "١"])
def test_a_preview_of_no_calendar_is_that_of_a_new_one_or_none(rosa, of):
    assert rosa.post(PREVIEW, form_of(of=of)).status_code in (404, 422)


def test_what_was_seen_of_other_hours_counts_for_nothing(rosa, staff):
    olivias = ticket_of(staff["olivia"])
    company = BusinessCalendar.objects.get(is_default=True)
    url = f"/operating-model/calendars/{company.pk}/change/"
    with instant.stopped(MONDAY):
        seen = rosa.post(url, form_of(preview="1")).context["form"].mark
        answer = rosa.post(url, form_of(monday="13-20", previewed=seen))
        assert answer.status_code == 200
        assert due(olivias) == (9, 13)
        assert rosa.post(url, form_of(previewed=seen)).status_code == 303
    assert due(olivias) == (12, 16)


def test_holidays_are_moved_over_as_well(staff):
    olivias = ticket_of(staff["olivia"])
    change(replace(COMPANY, holidays={date(2026, 3, 2): "Company day"}), staff)
    olivias.refresh_from_db()
    assert olivias.fix_due_at == MONDAY + timedelta(days=1, hours=4)
