"""Tickets change hands: given with a note, taken over with a reason, and taken back by Undo."""

import html
import re
from datetime import timedelta

import pytest

from exceptions import desk, handing, snoozing, troubles, undoing
from exceptions.models import Ticket
from exceptions.states import MoveError
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from meshline.people.permissions import NotAllowed
from meshline.rota import absences
from tests import factories
from tests.exceptions.conftest import HTMX, MONDAY, TrailBroken, open_one
from tests.factories import reread

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday", "staff")]
SOON = MONDAY + timedelta(seconds=5)


@pytest.fixture
def ben(olivia):
    return factories.person("ben@example.com", "Ben Okafor", "operator", olivia.team)


def told(user):
    return list(Notice.objects.of(user).newest_first().values_list("text", flat=True))


def last_line(ticket):
    lines = TrailLine.objects.filter(subject_kind="ticket", subject_id=str(ticket.pk))
    return lines.newest_first()[0]


# --- Given ------------------------------------------------------------------------------------
def test_it_is_given_unclaimed_and_the_note_reaches_who_has_it_now(ticket, olivia, ben):
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    handing.assign(ticket_id=ticket.pk, to=ben, note="You know them.", by=olivia, at=MONDAY)
    now = reread(ticket)
    assert (now.owner, now.claimed_by, now.status) == (ben, None, "open")
    assert now.owner_why == "Olivia Ortiz gave it to Ben Okafor."
    assert told(ben) == ["Olivia Ortiz gave you a ticket (You know them.): Delivery of one failed"]
    assert (last_line(ticket).what, last_line(ticket).why) == ("ticket.assigned", "You know them.")


def test_what_somebody_else_has_is_given_on_by_who_may_take_over(ticket, olivia, rosa, ben):
    desk.claim(ticket_id=ticket.pk, by=rosa, at=MONDAY)
    with pytest.raises(NotAllowed, match="Rosa Marin has claimed this; only they can assign it"):
        handing.assign(ticket_id=ticket.pk, to=ben, by=olivia, at=MONDAY)
    handing.assign(ticket_id=ticket.pk, to=ben, by=rosa, at=MONDAY)
    assert reread(ticket).owner == ben


@pytest.mark.parametrize(("name", "why"), [("remy", "does not work on"), ("vera", "does not work")])
def test_it_goes_to_nobody_who_cannot_work_on_it(ticket, staff, olivia, name, why):
    with pytest.raises(ValueError, match=why):
        handing.assign(ticket_id=ticket.pk, to=staff[name], by=olivia, at=MONDAY)
    assert reread(ticket).owner == olivia


def test_it_goes_to_nobody_who_is_out_and_who_stands_in_is_named(ticket, olivia, ben, rosa):
    absences.plan(
        user=ben, stand_in=rosa, starts_at=MONDAY, ends_at=MONDAY + timedelta(days=2), by=SETUP,
        at=MONDAY - timedelta(days=1),
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"Ben Okafor is out\. Give it to Rosa Marin"):
        handing.assign(ticket_id=ticket.pk, to=ben, by=olivia, at=MONDAY)


def test_what_is_with_them_already_or_resolved_is_not_given(ticket, olivia, ben):
    with pytest.raises(MoveError, match="with Olivia Ortiz already"):
        handing.assign(ticket_id=ticket.pk, to=olivia, by=olivia, at=MONDAY)
    desk.resolve(ticket_id=ticket.pk, resolution="fixed", by=olivia, at=MONDAY)
    with pytest.raises(MoveError, match="resolved cannot be assigned"):
        handing.assign(ticket_id=ticket.pk, to=ben, by=olivia, at=MONDAY)


def test_an_assignment_without_its_trail_line_does_not_happen(ticket, olivia, ben, broken_trail):
    broken_trail()
    with pytest.raises(TrailBroken):
        handing.assign(ticket_id=ticket.pk, to=ben, by=olivia, at=MONDAY)
    assert reread(ticket).owner == olivia
    assert told(ben) == []


# --- Taken over -------------------------------------------------------------------------------
def test_a_manager_takes_over_for_a_reason_that_the_other_reads(ticket, olivia, rosa):
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    handing.take_over(ticket_id=ticket.pk, reason="The CFO waits.", by=rosa, at=MONDAY)
    now = reread(ticket)
    assert (now.claimed_by, now.status) == (rosa, "claimed")
    assert told(olivia)[0] == "Rosa Marin took over from you: Delivery of one failed"
    assert last_line(ticket).why == "The CFO waits."


def test_an_operator_takes_nothing_over_and_nobody_without_a_reason(ticket, olivia, rosa, ben):
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    with pytest.raises(NotAllowed):
        handing.take_over(ticket_id=ticket.pk, reason="Mine.", by=ben, at=MONDAY)
    with pytest.raises(ValueError, match="Say why"):
        handing.take_over(ticket_id=ticket.pk, reason=" ", by=rosa, at=MONDAY)
    assert reread(ticket).claimed_by == olivia


def test_what_nobody_claimed_is_claimed_and_not_taken_over(ticket, rosa):
    with pytest.raises(MoveError, match="claim it instead"):
        handing.take_over(ticket_id=ticket.pk, reason="x", by=rosa, at=MONDAY)


# --- Undo -------------------------------------------------------------------------------------
def facts(ticket):
    """What of a ticket an act changes; when the clock looks next is the clock's own."""
    row = Ticket.objects.values().get(pk=ticket.pk)
    own = ("last_act_at", "next_step_at")
    return {name: value for name, value in row.items() if name not in own}


def acts(olivia, ben):
    return {
        "claim": (desk.claim, {}),
        "assign": (handing.assign, {"to": ben}),
        "snooze": (snoozing.snooze, {"until": MONDAY + timedelta(hours=2), "reason": "x"}),
    }


@pytest.mark.parametrize("act", ["claim", "assign", "snooze"])
def test_undo_puts_it_back_as_it_stood(ticket, olivia, ben, act):
    before = facts(ticket)
    verb, asked = acts(olivia, ben)[act]
    done = undoing.doing(verb, ticket_id=ticket.pk, by=olivia, at=MONDAY, **asked)
    assert facts(ticket) != before
    undoing.undo(done, by=olivia, at=SOON)
    assert facts(ticket) == before
    assert last_line(ticket).what == "ticket.undone"


@pytest.mark.parametrize("verb", [desk.release, desk.acknowledge])
def test_a_release_and_an_acknowledgement_are_taken_back(ticket, olivia, verb):
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    before = facts(ticket)
    done = undoing.doing(verb, ticket_id=ticket.pk, by=olivia, at=MONDAY)
    undoing.undo(done, by=olivia, at=SOON)
    assert facts(ticket) == before


@pytest.mark.parametrize("verb", [snoozing.wake, desk.claim])
def test_a_ticket_that_slept_sleeps_again(ticket, olivia, verb):
    asleep = {"until": MONDAY + timedelta(hours=2), "reason": "They call back."}
    snoozing.snooze(ticket_id=ticket.pk, by=olivia, at=MONDAY, **asleep)
    before = facts(ticket)
    done = undoing.doing(verb, ticket_id=ticket.pk, by=olivia, at=MONDAY)
    assert reread(ticket).snoozed_until is None
    undoing.undo(done, by=olivia, at=SOON)
    assert facts(ticket) == before


def test_what_an_older_meshline_kept_is_too_old_to_be_undone(ticket, olivia):
    done = undoing.doing(desk.claim, ticket_id=ticket.pk, by=olivia, at=MONDAY)
    del done.stood["resumed_at"]
    with pytest.raises(MoveError, match="too late"):
        undoing.undo(done, by=olivia, at=SOON)
    assert reread(ticket).claimed_by == olivia


def test_what_happened_since_is_never_undone(ticket, olivia, rosa):
    done = undoing.doing(desk.claim, ticket_id=ticket.pk, by=olivia, at=MONDAY)
    desk.note(ticket_id=ticket.pk, text="Good that you have it.", by=rosa, at=SOON)
    with pytest.raises(MoveError, match=r"Rosa Marin \(RevOps manager\) has done something"):
        undoing.undo(done, by=olivia, at=SOON)
    assert reread(ticket).claimed_by == olivia


def test_one_more_occurrence_is_something_that_happened(ticket, olivia):
    done = undoing.doing(desk.claim, ticket_id=ticket.pk, by=olivia, at=MONDAY)
    open_one(subject="outcome:two")
    with pytest.raises(MoveError, match="The carrier"):
        undoing.undo(done, by=olivia, at=SOON)


def test_nothing_is_undone_twice_or_too_late_or_by_another(ticket, olivia, rosa):
    done = undoing.doing(desk.claim, ticket_id=ticket.pk, by=olivia, at=MONDAY)
    for by, at in ((rosa, SOON), (olivia, MONDAY + undoing.HONOURED + timedelta(seconds=1))):
        with pytest.raises(MoveError, match="too late"):
            undoing.undo(done, by=by, at=at)
    undoing.undo(done, by=olivia, at=SOON)
    with pytest.raises(MoveError):
        undoing.undo(done, by=olivia, at=SOON)


def test_who_was_given_a_ticket_hears_that_it_was_taken_back(ticket, olivia, ben):
    done = undoing.doing(handing.assign, ticket_id=ticket.pk, by=olivia, at=MONDAY, to=ben)
    undoing.undo(done, by=olivia, at=SOON)
    assert "Olivia Ortiz took it back: Delivery of one failed" in told(ben)


# --- On screen --------------------------------------------------------------------------------
def from_row(client, ticket, act, data=None):
    sent = {
        **HTMX,
        "HX-Target": f"ticket-{ticket.pk}",
        "HX-Current-URL": "http://testserver/queue/",
    }
    return client.post(f"/queue/{ticket.pk}/{act}/", data or {}, headers=sent)


def undo_of(response):
    return html.unescape(re.search(r'action="(/queue/\d+/undo/[^"]+)"', response.text)[1])


def test_from_the_row_it_is_given_and_taken_back_without_a_reload(as_, olivia, ben, ticket):
    page = as_(olivia)
    answer = from_row(page, ticket, "assign", {"to": ben.pk, "note": "Yours."})
    assert answer.status_code == 200
    assert f'<tr id="ticket-{ticket.pk}"' in answer.text
    assert reread(ticket).owner == ben
    url = undo_of(answer)
    assert f'hx-post="{html.escape(url)}"' in answer.text
    headers = {**HTMX, "HX-Target": f"ticket-{ticket.pk}"}
    back = page.post(url, headers=headers)
    assert back.status_code == 200
    assert "Taken back." in back.text
    assert f'<tr id="ticket-{ticket.pk}"' in back.text
    assert reread(ticket).owner == olivia


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["form", "htmx"])
def test_undo_that_is_refused_says_who_was_there(as_, olivia, rosa, ticket, headers):
    page = as_(olivia)
    url = undo_of(from_row(page, ticket, "claim"))
    desk.note(ticket_id=ticket.pk, text="Hello.", by=rosa, at=MONDAY)
    answer = page.post(url, headers=headers)
    text = answer.text if headers else page.get("/queue/").text
    assert "Rosa Marin (RevOps manager) has done something with it since." in text
    assert reread(ticket).claimed_by == olivia


def test_an_undo_that_is_not_ours_is_no_undo(as_, olivia, ticket):
    page = as_(olivia)
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    for was in ("", "zebra", "eyJhIjoxfQ:1:x"):
        page.post(f"/queue/{ticket.pk}/undo/?was={was}", headers=HTMX)
    other = open_one("other")
    url = undo_of(from_row(page, other, "claim"))
    page.post(url.replace(f"/{other.pk}/", f"/{ticket.pk}/"), headers=HTMX)
    assert reread(ticket).claimed_by == olivia
    assert reread(other).claimed_by == olivia


@pytest.mark.parametrize(
    ("act", "typed", "says"),
    [
        ("assign", {"note": "A <long> story."}, "To: choose who shall have it."),
        ("assign", {"to": "0", "note": "A <long> story."}, "To: choose somebody who works on"),
        ("snooze", {"until": "2026-03-01T09:00", "reason": "A <long> story."}, "still to come"),
        ("snooze", {"until": "2026-03-20T09:00", "reason": "A <long> story."}, "7 days at most"),
        ("snooze", {"until": "soon", "reason": "A <long> story."}, "such as 2026-03-02 09:00"),
        ("snooze", {"reason": "A <long> story."}, "Say until when, or for how long."),
        ("snooze", {"span": "1h", "until": "2026-03-02T12:00", "reason": "A <long> story."},
         "not both"),
        ("snooze", {"span": "1h", "reason": " "}, "Say why it can wait."),
        ("link", {"other": "A <long> story."}, "Ticket: write its number or its address."),
        ("link", {"other": "999999"}, "there is no ticket 999999 that you may see"),
        ("note", {"text": "A <long> story. @Nobody"}, "@Nobody is nobody here."),
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["page", "row"])
def test_what_is_not_right_is_said_and_what_was_typed_is_kept(
    as_, olivia, ticket, act, typed, says, where
):
    before = facts(ticket)
    page = as_(olivia)
    if where == "row":
        answer = from_row(page, ticket, act, typed)
    else:
        answer = page.post(f"/queue/{ticket.pk}/{act}/", typed)
    assert answer.status_code == 422
    text = html.unescape(answer.text)
    assert says in text
    for value in typed.values():
        assert html.escape(value.strip()) in answer.text
    assert facts(ticket) == before


@pytest.mark.parametrize("act", ["assign", "snooze", "escalate", "note", "link"])
def test_each_form_opens_in_the_row(as_, olivia, ticket, act):
    answer = as_(olivia).get(f"/queue/{ticket.pk}/?ask={act}", headers=HTMX)
    assert f'action="/queue/{ticket.pk}/{act}/"' in answer.text
    assert re.search(r'<details class="ask"\s+data-menu open>', answer.text)


def test_taking_over_is_offered_where_somebody_has_it(as_, rosa, olivia, ticket):
    page = as_(rosa)
    assert "/take-over/" not in page.get(f"/queue/{ticket.pk}/").text
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    assert f'action="/queue/{ticket.pk}/take-over/"' in page.get(f"/queue/{ticket.pk}/").text
    answer = from_row(page, ticket, "take-over", {"reason": "The CFO waits."})
    assert (answer.status_code, reread(ticket).claimed_by) == (200, rosa)


def test_what_it_took_is_kept_with_the_resolution(as_, olivia, ticket):
    page = as_(olivia)
    wrong = from_row(page, ticket, "resolve", {"resolution": "fixed", "minutes": "-3"})
    assert wrong.status_code == 422
    assert 'value="-3"' in wrong.text
    from_row(page, ticket, "resolve", {"resolution": "fixed", "minutes": "25"})
    assert (reread(ticket).status, reread(ticket).minutes_spent) == ("resolved", 25)


def test_evidence_that_closes_a_sleeping_ticket_wakes_it(ticket, olivia):
    asleep = {"until": MONDAY + timedelta(hours=2), "reason": "x"}
    snoozing.snooze(ticket_id=ticket.pk, by=olivia, at=MONDAY, **asleep)
    troubles.settle(subject="outcome:one", because="Proven.", by=SETUP, at=instant.now())
    assert (reread(ticket).status, reread(ticket).snoozed_until) == ("resolved", None)
