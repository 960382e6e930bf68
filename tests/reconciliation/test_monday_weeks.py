"""Weeks by the company's clock, and what is different between two lists."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from meshline.policy.business_time import Hours
from reconciliation import monday_weeks

BERLIN = Hours("Europe/Berlin", tuple((day, time(9), time(17)) for day in range(5)))
TUESDAYS = Hours("America/New_York", ((1, time(8, 30), time(12)),))


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "hours", "week"),
    [
        (at(2026, 3, 2, 8), BERLIN, "2026-W10"),
        (at(2026, 3, 1, 22, 59), BERLIN, "2026-W09"),
        (at(2026, 3, 1, 23), BERLIN, "2026-W10"),
        (at(2026, 3, 2, 4), TUESDAYS, "2026-W09"),
        (at(2027, 1, 1, 12), BERLIN, "2026-W53"),
        (at(2024, 12, 30, 12), BERLIN, "2025-W01"),
    ],
)
def test_a_moment_is_in_a_week_by_the_companys_clock(moment, hours, week):
    assert monday_weeks.named(moment, hours) == week


def test_it_is_due_when_the_company_begins_to_work_and_overdue_a_day_later():
    assert monday_weeks.due_at("2026-W10", BERLIN) == at(2026, 3, 2, 8)
    assert monday_weeks.overdue_at("2026-W10", BERLIN) == at(2026, 3, 3, 8)
    # After the clocks changed.
    assert monday_weeks.due_at("2026-W14", BERLIN) == at(2026, 3, 30, 7)


def test_where_nobody_works_on_mondays_it_is_due_at_nine():
    assert monday_weeks.due_at("2026-W10", TUESDAYS) == at(2026, 3, 2, 14)
    assert monday_weeks.overdue_at("2026-W10", TUESDAYS) == at(2026, 3, 3, 13, 30)


def test_a_week_is_named_by_its_monday_and_nothing_else_is_one():
    assert monday_weeks.monday("2026-W10") == date(2026, 3, 2)


@pytest.mark.parametrize("wrong", ["2026-W54", "2026-W1", "W10", "2026W10", "", "２０２６-W10"])
def test_what_names_no_week_is_refused(wrong):
    with pytest.raises(ValueError, match=r"^.*$"):
        monday_weeks.monday(wrong)


def test_what_is_new_what_is_gone_and_what_is_there_still():
    before = [{"ref": "a", "why": "x"}, {"ref": "b", "why": "x"}]
    now = [{"ref": "b", "why": "other words"}, {"ref": "c", "why": "x"}]
    change = monday_weeks.compared(before, now)
    named = [[row["ref"] for row in rows] for rows in (change.new, change.gone, change.still)]
    assert named == [["c"], ["a"], ["b"]]


@pytest.mark.parametrize(("minutes", "said"), [(0, 1), (0.4, 1), (25, 25), (61.6, 62), (5000, 600)])
def test_how_long_it_took_is_suggested(minutes, said):
    opened = at(2026, 3, 2, 8)
    assert monday_weeks.suggested(opened, opened + timedelta(minutes=minutes)) == said
    assert monday_weeks.suggested(None, opened) == 1
